"""The library behind what people name: a library by name or path, or a folder of pictures."""

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

from ..counting import counted
from ..decoding import BeamSearch
from ..errors import BadSetting
from ..files import expanded
from ..library import Captioning
from ..remedies import remedy
from .models import Library
from .places import GALLERY, data_folder, find_library

log = logging.getLogger(__name__)

_CATALOGUE = "catalogue.sqlite"


def open_gallery(
    given: str | os.PathLike[str] | None, captioner: Callable[[], Captioning], beam: int = 3
) -> Library:
    """The library of that name or in that folder; else, for a folder of pictures, its own, captioned first.

    given:     None: the sample photographs
    captioner: loads what captions a folder of pictures; beam: of these captions
    errors:    as gallery_place, Library.open and gallery_library
    """
    place = None if given is None else gallery_place(given)
    if place is not None and (place / _CATALOGUE).exists():
        return Library.open(place)
    return gallery_library(place, captioner(), beam)


def gallery_place(given: str | os.PathLike[str]) -> Path:
    """The folder of the library of that name or in that place, else the folder of pictures. errors:
    BadSetting where there is neither"""
    path = find_library(given) if isinstance(given, str) else expanded(Path(given))
    folder = expanded(Path(given))
    if (path / _CATALOGUE).exists():
        return path
    if folder.is_dir():
        return folder
    raise BadSetting(
        f"There is no library in {path}, and {folder} is not a folder of pictures.", remedy("which gallery")
    )


def gallery_library(folder: Path | None, captioner: Captioning, beam: int = 3) -> Library:
    """The folder's library, up to date; without a folder, the one of the sample photographs.

    Its name is made from the folder, the captioner and the beam: another of these is another library, and
    none is ever overwritten.
    errors: BadSetting for what is not a folder; as Library.update
    """
    if folder is None:
        from ..datasets.samples import sample_gallery

        folder = sample_gallery()
        log.info(f"No folder is indexed yet: in the sample photographs, {folder}.")
    if not folder.is_dir():
        raise BadSetting(f"{folder} is not a folder. Give the folder that holds the pictures.")
    key = hashlib.sha256(
        f"{folder.resolve()}\n{captioner.fingerprint}\n{beam}".encode(errors="surrogateescape")
    ).hexdigest()[:12]
    library = Library.open_or_create(data_folder("libraries") / f"{GALLERY}{key}", folder)
    report = library.update(folder, captioner, decoding=BeamSearch(beam))
    for failure in report.failures:
        log.info(f"left out: {failure.reason}")
    new = counted(report.new, "new photographs")
    log.info(f"{new}, {report.unchanged:,} unchanged, {report.failed:,} failed")
    return library
