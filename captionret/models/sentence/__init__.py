"""Sentence encoders."""

MINILM_DIM = 384  # of what minilm encodes
