"""Captioners, backbones and what is made of them. Everything here may import torch."""
