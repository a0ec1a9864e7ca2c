"""A gallery on disk: scanned, captioned, kept up to date."""
