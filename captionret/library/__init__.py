"""A gallery on disk: scanned, captioned, kept up to date, verified."""

from .library import Library, MadeBy
from .protocols import Captioning, Space
from .update import UpdateReport

__all__ = ["Captioning", "Library", "MadeBy", "Space", "UpdateReport"]
