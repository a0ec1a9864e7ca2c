"""Captions of a library: by whom, taken from where, kept how."""
