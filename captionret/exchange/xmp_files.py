"""Sidecars of a library's pictures: a.jpg.xmp, or a.xmp where there is one already."""

from collections.abc import Iterator
from pathlib import Path

from ..files import publishing
from ..images.xmp import BadXMP, merged
from ..library import LibraryPicture
from ..text import content_words, words
from .report import Failures
from .rows import caption_rows

MOST_WORDS = 10
AT_LEAST = 0.5


def write(pictures: Iterator[LibraryPicture], folder: Path, failures: Failures) -> None:
    """A sidecar for each picture, in a folder, below its path from the library's root on."""
    for picture in pictures:
        inside = picture.path if not Path(picture.path).is_absolute() else f"elsewhere/{picture.sha256}"
        _write(picture, folder / inside, failures)


def write_beside(pictures: Iterator[LibraryPicture], failures: Failures) -> None:
    """A sidecar beside each picture, and beside its copies."""
    for picture in pictures:
        root = Path(str(picture.file).removesuffix(picture.path)) if picture.file.is_absolute() else Path()
        for path in (picture.path, *picture.copies):
            _write(picture, root / path, failures)


def sidecar_of(picture: Path) -> Path:
    """Where a picture's sidecar lies: a.xmp where only that is there, else a.jpg.xmp."""
    whole, short = picture.with_name(f"{picture.name}.xmp"), picture.with_suffix(".xmp")
    return short if short.is_file() and not whole.exists() else whole


def keywords(picture: LibraryPicture) -> list[str]:
    """Of a picture: those of its own file, tags that were given with its captions, then its probable words,
    or where nothing is predicted the content words of its caption."""
    own = () if picture.exif is None else picture.exif.keywords
    tags = [tag for row in caption_rows(picture) for tag in row.tags]
    if picture.word_probabilities is None:
        found = content_words(words(picture.caption))
    else:
        sure = [(p, word) for word, p in picture.word_probabilities.items() if p >= AT_LEAST]
        found = content_words([word for _, word in sorted(sure, key=lambda one: (-one[0], one[1]))])
    return list(dict.fromkeys([*own, *tags, *found[:MOST_WORDS]]))


def _write(picture: LibraryPicture, place: Path, failures: Failures) -> None:
    sidecar = sidecar_of(place)
    try:
        present = sidecar.read_bytes() if sidecar.exists() else None
        content = merged(present, picture.caption, keywords(picture))
        if content == present:
            return
        if present is not None and not sidecar.stat().st_mode & 0o222:
            raise PermissionError(13, "it is read-only")
        with publishing(sidecar) as file:
            file.write(content)
    except BadXMP as error:
        failures.note(picture.path, f"{sidecar} was left as it is: {error}. Mend or delete it.")
    except OSError as error:
        failures.note(picture.path, f"{sidecar} cannot be written ({error.strerror}).")
