"""Skip-thought vectors (Kiros et al. 2015)."""
