"""A gallery on disk: scanned, captioned, kept up to date, verified."""

from .captions.captioners import KnownCaptioner
from .captions.made_by import MadeBy
from .copying import Copied, back_up, move_library
from .index.array_file import DamagedIndex
from .info import LibraryInfo
from .library import Library
from .pictures import CaptionsBy, LibraryPicture
from .protocols import Captioning, EncodingPictures, PictureSpace, ReadsWords, Space, WordPredicting
from .pruning import Pruned
from .report import CaptionReport, UpdateReport
from .snapshot import LibrarySnapshot

__all__ = [
    "CaptionReport",
    "Captioning",
    "CaptionsBy",
    "Copied",
    "DamagedIndex",
    "EncodingPictures",
    "KnownCaptioner",
    "Library",
    "LibraryInfo",
    "LibraryPicture",
    "LibrarySnapshot",
    "MadeBy",
    "PictureSpace",
    "Pruned",
    "ReadsWords",
    "Space",
    "UpdateReport",
    "WordPredicting",
    "back_up",
    "move_library",
]
