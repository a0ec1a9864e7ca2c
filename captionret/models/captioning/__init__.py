"""Captioners: their configurations, networks and searches."""
