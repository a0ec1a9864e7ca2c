"""A gallery on disk: scanned, captioned, kept up to date, verified."""

from .captioning import Captioning
from .library import Library, MadeBy
from .update import UpdateReport

__all__ = ["Captioning", "Library", "MadeBy", "UpdateReport"]
