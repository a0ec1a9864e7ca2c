"""Comparing a query with a gallery: plain arrays in, ranked hits out. No torch, no disk."""

from .feedback import rocchio
from .gallery import Gallery
from .index.sparse import WordMatrix
from .modes.registry import MODES, Mode, Prepared, find_mode, needs
from .query import EncodedQuery
from .search import rank, search

__all__ = [
    "MODES",
    "EncodedQuery",
    "Gallery",
    "Mode",
    "Prepared",
    "WordMatrix",
    "find_mode",
    "needs",
    "rank",
    "rocchio",
    "search",
]
