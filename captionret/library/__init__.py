"""A gallery on disk: scanned, captioned, kept up to date, verified."""

from .index_file import DamagedIndex
from .library import Library
from .made_by import MadeBy
from .pictures import LibraryPicture
from .protocols import Captioning, Space, WordPredicting
from .report import UpdateReport
from .snapshot import LibrarySnapshot

__all__ = [
    "Captioning",
    "DamagedIndex",
    "Library",
    "LibraryPicture",
    "LibrarySnapshot",
    "MadeBy",
    "Space",
    "UpdateReport",
    "WordPredicting",
]
