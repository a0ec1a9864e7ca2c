"""The SQLite catalogue of a library: its tables, and the statements that read and change them."""
