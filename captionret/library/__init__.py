"""A gallery on disk: scanned, captioned, kept up to date, verified."""

from .captioning import Captioning
from .library import Library, MadeBy
from .space import Space
from .update import UpdateReport

__all__ = ["Captioning", "Library", "MadeBy", "Space", "UpdateReport"]
