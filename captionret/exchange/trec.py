"""TREC documents, one for each picture: its captions and tags are its text.

<DOC>
<DOCNO>the picture's SHA-256</DOCNO>
<PATH>beach/1.jpg</PATH>
<TEXT>
a dog runs on the beach
</TEXT>
</DOC>
"""

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from ..files import publishing
from ..library import LibraryPicture
from .report import Failures
from .rows import caption_rows


def write(pictures: Iterator[LibraryPicture], folder: Path, failures: Failures) -> None:
    """documents.trec"""
    with publishing(folder / "documents.trec", "w") as file:
        for picture in pictures:
            rows = list(caption_rows(picture))
            texts = dict.fromkeys([row.caption for row in rows] + [tag for row in rows for tag in row.tags])
            lines = "\n".join(escape(text) for text in texts)
            path = escape(picture.path)
            file.write(
                f"<DOC>\n<DOCNO>{picture.sha256}</DOCNO>\n<PATH>{path}</PATH>\n<TEXT>\n{lines}\n</TEXT>\n</DOC>\n"
            )
