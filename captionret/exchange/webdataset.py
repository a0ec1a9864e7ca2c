"""Shards for training: tar files, in which each picture stands as KEY.jpg, its best caption as KEY.txt, and
all that is known of it as KEY.json. KEY is the picture's SHA-256; the picture's bytes are as they are."""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from ..files import publishing
from ..library import LibraryPicture
from .report import Failures
from .rows import caption_rows, picture_row

_IN_A_SHARD = 5000


def write(pictures: Iterator[LibraryPicture], folder: Path, failures: Failures) -> None:
    """shard-000000.tar, shard-000001.tar ..."""
    number = 0
    while some := list(islice(pictures, _IN_A_SHARD)):
        with (
            publishing(folder / f"shard-{number:06}.tar") as file,
            tarfile.open(fileobj=file, mode="w") as shard,
        ):
            for picture in some:
                _put(shard, picture, failures)
        number += 1


def _put(shard: tarfile.TarFile, picture: LibraryPicture, failures: Failures) -> None:
    try:
        content = picture.file.read_bytes()
    except OSError as error:
        failures.note(picture.path, f"{picture.file} cannot be read ({error.strerror}); it is in no shard.")
        return
    suffix = picture.file.suffix.lower().removeprefix(".") or "bin"
    known = asdict(picture_row(picture)) | {"captions": [asdict(row) for row in caption_rows(picture)]}
    parts = {
        suffix: content,
        "txt": picture.caption.encode(),
        "json": json.dumps(known, ensure_ascii=False).encode(errors="surrogatepass"),
    }
    for end, value in parts.items():
        entry = tarfile.TarInfo(f"{picture.sha256}.{end}")
        entry.size = len(value)
        shard.addfile(entry, io.BytesIO(value))
