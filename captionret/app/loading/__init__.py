"""The models that a search or a library computes with: found, checked, loaded once."""
