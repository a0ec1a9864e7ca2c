"""Choosing among the captions of a beam."""
