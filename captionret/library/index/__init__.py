"""The search index of a library: segments that never change, and the table that they make."""
