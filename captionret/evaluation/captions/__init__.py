"""Captions against human ones: BLEU, METEOR, ROUGE-L, CIDEr-D, SPICE, and the tokens that they count."""
