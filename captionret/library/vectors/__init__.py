"""Vectors of a library by content: CNN features, embedding spaces, perceptual hashes."""
