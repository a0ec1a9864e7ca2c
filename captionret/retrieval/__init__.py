"""Comparing a query with a gallery: plain arrays in, ranked hits out. No torch, no disk."""

from .gallery import Gallery
from .modes import MODES, DescribedQuery, Mode, Prepared
from .search import rank, search

__all__ = ["MODES", "DescribedQuery", "Gallery", "Mode", "Prepared", "rank", "search"]
