"""Word weights of a whole gallery, stored sparsely, and the indexes that score all of it at once."""
