"""Word probabilities of a library: predicted, kept in files, calibrated."""
