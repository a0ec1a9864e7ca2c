"""Comparing a query with a gallery: plain arrays in, ranked hits out. No torch, no disk."""

from .feedback import rocchio
from .gallery import Gallery
from .index.sparse import WordMatrix
from .language import ParsedQuery, parse
from .modes.registry import MODES, every_mode, find_mode
from .protocols import GalleryContents, GallerySource, Mode, PreparedMode
from .query import EncodedQuery
from .search import rank, search
from .sources import PartOfGallery, TableSource, beside_words

__all__ = [
    "MODES",
    "EncodedQuery",
    "Gallery",
    "GalleryContents",
    "GallerySource",
    "Mode",
    "ParsedQuery",
    "PartOfGallery",
    "PreparedMode",
    "TableSource",
    "WordMatrix",
    "beside_words",
    "every_mode",
    "find_mode",
    "parse",
    "rank",
    "rocchio",
    "search",
]
