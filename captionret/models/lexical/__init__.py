"""From an image to the probability of each word."""
