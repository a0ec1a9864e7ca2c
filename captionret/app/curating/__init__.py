"""What people do with a library of their own: overviews, duplicates, captioners compared, watching."""
