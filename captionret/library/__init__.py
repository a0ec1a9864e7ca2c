"""A gallery on disk: scanned, captioned, kept up to date, verified."""

from .library import Library
from .made_by import MadeBy
from .pictures import LibraryPicture
from .protocols import Captioning, Space, WordPredicting
from .report import UpdateReport
from .snapshot import LibrarySnapshot

__all__ = [
    "Captioning",
    "Library",
    "LibraryPicture",
    "LibrarySnapshot",
    "MadeBy",
    "Space",
    "UpdateReport",
    "WordPredicting",
]
