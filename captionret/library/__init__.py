"""A gallery on disk: scanned, captioned, kept up to date, verified."""

from .captioners import KnownCaptioner
from .index_file import DamagedIndex
from .library import Library
from .made_by import MadeBy
from .pictures import CaptionsBy, LibraryPicture
from .protocols import Captioning, EncodingPictures, PictureSpace, Space, WordPredicting
from .report import CaptionReport, UpdateReport
from .snapshot import LibrarySnapshot

__all__ = [
    "CaptionReport",
    "Captioning",
    "CaptionsBy",
    "DamagedIndex",
    "EncodingPictures",
    "KnownCaptioner",
    "Library",
    "LibraryPicture",
    "LibrarySnapshot",
    "MadeBy",
    "PictureSpace",
    "Space",
    "UpdateReport",
    "WordPredicting",
]
