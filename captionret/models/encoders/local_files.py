"""Models of the Hugging Face hub as they lie on this machine. Nothing is downloaded."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...checked_files import sha256_once
from ...errors import MissingWeights
from ...files import expanded

_SUFFIXES = {".json", ".safetensors", ".bin", ".pt", ".pth", ".txt", ".model", ".py"}


@contextmanager
def without_network() -> Iterator[None]:
    """Let the hub's client answer from its cache alone."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def folder_of(what: str) -> Path:
    """The directory of a model: itself, or where the hub's cache keeps the model of that name.

    errors: MissingWeights
    """
    folder = expanded(what)
    if folder.is_dir():
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(what, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, OSError):
        raise MissingWeights(
            f"{what} is no directory, and the cache of the Hugging Face hub holds no model of that name. "
            f"Give a directory, or fetch it first: hf download {what}"
        ) from None


def spec_of(kind: str, what: str) -> str:
    """By which a library finds the model again, from whatever folder it is asked; a directory as a whole
    path."""
    folder = expanded(what)
    return f"{kind}:{folder.resolve() if folder.is_dir() else what}"


def key_of(files: Iterable[Path], *facts: str) -> str:
    """A hash over the names and contents of files, and over facts."""
    digest = hashlib.sha256("\n".join(facts).encode())
    for file in sorted(files):
        digest.update(f"\n{file.name} {sha256_once(file)}".encode())
    return digest.hexdigest()


def files_of(folder: Path) -> list[Path]:
    """The files of a model that change what it computes."""
    return [file for file in folder.iterdir() if file.suffix in _SUFFIXES and file.is_file()]
