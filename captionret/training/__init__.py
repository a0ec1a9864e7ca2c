"""The fit loop, the feature cache, and what is trained with them."""
