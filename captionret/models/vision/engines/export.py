"""A network in the file format of another engine, made once and kept by the hash of all that changes it."""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ....errors import BadCheckpoint, NoSpace
from ....files import no_space_named, publish_json, read_json, sha256_of
from ....home import data_folder
from ....locks import locked
from .protocols import Source

log = logging.getLogger(__name__)

Save = Callable[[Source, str], None]
_RECORD = "record.json"
_FORMAT = 1


@contextmanager
def exported(source: Source, made_for: str, name: str, save: Save) -> Iterator[Path]:
    """The network's file, while the block reads it.

    made_for: the engine; behind "-" what else the file depends on, as its version
    name:     of the file; what is written beside it belongs to it
    save:     writes that file

    It lies in home()/data/engines. One that is damaged is made again; where it cannot be kept, on a full disk
    or in a folder that may not be written, it is made for this once.
    """
    folder = data_folder("engines") / f"{source.name}-{source.identity[:16]}-{made_for}"
    if not _is_whole(folder, source):
        try:
            _keep(folder, source, made_for, name, save)
        except (OSError, NoSpace) as error:
            reason = error.message if isinstance(error, NoSpace) else error.strerror
            log.info(f"{source.name} is made ready for this once; {folder} cannot be written: {reason}")
            with tempfile.TemporaryDirectory() as place:
                _write(Path(place), source, name, save)
                yield Path(place) / name
            return
    yield folder / name


def _keep(folder: Path, source: Source, made_for: str, name: str, save: Save) -> None:
    with no_space_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "lock", wait=True):
            if _is_whole(folder, source):  # another process made it meanwhile
                return
            (folder / _RECORD).unlink(missing_ok=True)
            log.info(f"{source.name} is made ready for {made_for.partition('-')[0]}, once.")
            with tempfile.TemporaryDirectory(dir=folder) as place:
                _write(Path(place), source, name, save)
                files = {file.name: sha256_of(file) for file in sorted(Path(place).iterdir())}
                for file in files:
                    shutil.move(Path(place) / file, folder / file)
            publish_json(folder / _RECORD, {"format": _FORMAT, "identity": source.identity, "files": files})


def _write(place: Path, source: Source, name: str, save: Save) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # ONNX's tracer warns of constants, which are meant to be that
        save(source, str(place / name))


def _is_whole(folder: Path, source: Source) -> bool:
    """Whether the files are those that were made of this network, to the last byte."""
    if not (folder / _RECORD).is_file():
        return False
    try:
        record = read_json(folder / _RECORD, BadCheckpoint)
        if record["format"] != _FORMAT or record["identity"] != source.identity:
            return False
        whole = all(sha256_of(folder / name) == sha256 for name, sha256 in dict(record["files"]).items())
    except (OSError, BadCheckpoint, KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        log.info(f"{folder} is damaged and is made again.")
    return whole
