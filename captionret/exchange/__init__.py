"""A library's captions, words and vectors in files that other programs read, and captions from such files.

export(library, "parquet", Path("out"))
import_captions(other_library, Path("out"))
"""

from .export import Exported, export
from .formats import FORMATS, Format
from .importing import Imported, import_captions, import_embedded, import_sidecars

__all__ = [
    "FORMATS",
    "Exported",
    "Format",
    "Imported",
    "export",
    "import_captions",
    "import_embedded",
    "import_sidecars",
]
