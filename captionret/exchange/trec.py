"""TREC documents, one for each picture: its captions, tags and keywords are its text. What its file says
about itself stands before: DATE, CAMERA, LENS, PLACE, TITLE.

<DOC>
<DOCNO>the picture's SHA-256</DOCNO>
<PATH>beach/1.jpg</PATH>
<DATE>2019-06-01T12:30:00</DATE>
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
from .rows import PictureRow, caption_rows, picture_row


def write(pictures: Iterator[LibraryPicture], folder: Path, failures: Failures) -> None:
    """documents.trec"""
    with publishing(folder / "documents.trec", "w") as file:
        for picture in pictures:
            rows = list(caption_rows(picture))
            shown = picture_row(picture)
            tags = [*(tag for row in rows for tag in row.tags), *shown.keywords]
            texts = dict.fromkeys([*(row.caption for row in rows), *tags])
            lines = "\n".join(escape(text) for text in texts)
            path = escape(picture.path)
            facts = "".join(f"<{name}>{escape(value)}</{name}>\n" for name, value in _facts(shown) if value)
            file.write(
                f"<DOC>\n<DOCNO>{picture.sha256}</DOCNO>\n<PATH>{path}</PATH>\n{facts}"
                f"<TEXT>\n{lines}\n</TEXT>\n</DOC>\n"
            )


def _facts(shown: PictureRow) -> Iterator[tuple[str, str | None]]:
    place = None if shown.latitude is None else f"{shown.latitude} {shown.longitude}"
    yield from (("DATE", shown.taken), ("CAMERA", shown.camera), ("LENS", shown.lens))
    yield from (("PLACE", place), ("TITLE", shown.title))
