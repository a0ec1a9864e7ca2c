"""Image networks, and the preprocessing each asks for."""
