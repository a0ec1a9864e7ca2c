"""Comparing a query with a gallery: plain arrays in, ranked hits out. No torch, no disk."""

from .beliefs import Beliefs
from .feedback import rocchio
from .gallery import Gallery
from .modes import MODES, Mode, Prepared, find_mode, needs
from .query import DescribedQuery
from .search import rank, search

__all__ = ["MODES", "Beliefs", "DescribedQuery", "Gallery", "Mode", "Prepared", "find_mode", "needs", "rank", "rocchio", "search"]
