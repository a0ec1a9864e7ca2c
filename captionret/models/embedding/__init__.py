"""Joint spaces of images and sentences."""
