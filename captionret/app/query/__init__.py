"""From what is asked for to a query that modes can compare, and from scores to the hits that people see."""
