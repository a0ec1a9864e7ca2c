"""The library that stands behind a folder of pictures, for commands that are given a folder rather than a
library."""

import hashlib
import logging
from pathlib import Path

from ..decoding import BeamSearch
from ..errors import BadSetting
from ..library import Captioning
from .models import Library
from .places import data_folder

log = logging.getLogger(__name__)


def gallery_library(folder: Path | None, captioner: Captioning, beam: int = 3) -> Library:
    """The folder's library, up to date; without a folder, the one of the sample photographs.

    Its name is made from the folder, the captioner and the beam: another of these is another library, and
    none is ever overwritten.
    """
    if folder is None:
        from ..datasets.samples import sample_gallery

        folder = sample_gallery()
        log.info(
            f"In the sample gallery {folder}; choose your own pictures with --gallery DIR or --library NAME."
        )
    if not folder.is_dir():
        raise BadSetting(f"{folder} is not a folder. Give the folder that holds the pictures.")
    key = hashlib.sha256(
        f"{folder.resolve()}\n{captioner.fingerprint}\n{beam}".encode(errors="surrogateescape")
    ).hexdigest()[:12]
    library = Library.open_or_create(data_folder("libraries") / f"gallery-{key}", folder)
    report = library.update(folder, captioner, decoding=BeamSearch(beam))
    for failure in report.failures:
        log.info(f"left out: {failure.reason}")
    log.info(f"{report.new:,} new photographs, {report.unchanged:,} unchanged, {report.failed:,} failed")
    return library
