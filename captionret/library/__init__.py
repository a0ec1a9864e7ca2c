"""A gallery on disk: scanned, captioned, kept up to date, verified."""

from .index_file import DamagedIndex
from .library import Library
from .made_by import MadeBy
from .pictures import LibraryPicture
from .protocols import Captioning, EncodingPictures, PictureSpace, Space, WordPredicting
from .report import UpdateReport
from .snapshot import LibrarySnapshot

__all__ = [
    "Captioning",
    "DamagedIndex",
    "EncodingPictures",
    "Library",
    "LibraryPicture",
    "LibrarySnapshot",
    "MadeBy",
    "PictureSpace",
    "Space",
    "UpdateReport",
    "WordPredicting",
]
