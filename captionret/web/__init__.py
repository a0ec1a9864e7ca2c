"""The local web application: one page on one's own machine on which libraries are seen, searched and
corrected."""
