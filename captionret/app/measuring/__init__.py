"""Captions, modes and spaces measured on captioned collections, and the reports of it."""
