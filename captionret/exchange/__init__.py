"""A library's captions, words and vectors in files that other programs read, and captions from such files.

export(library, "parquet", Path("out"))
"""

from .export import Exported, export
from .formats import FORMATS, Format

__all__ = ["FORMATS", "Exported", "Format", "export"]
