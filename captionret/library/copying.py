"""A library in another place: moved, renamed, or copied as a backup. Its pictures stay where they are."""

import contextlib
import errno
import json
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadLibrary, BadSetting, CaptionretError
from ..files import no_space_named, resolved, sync_directory
from .captions.made_by import (
    FROM_LIBRARY,
    decoding_of,
    decoding_text,
    described_from,
    found_again,
    from_folder,
)
from .catalogue import writes
from .catalogue.catalogue import Catalogue
from .catalogue.rows import CATALOGUE, TEXT, WHOLE, Rows, record, stored
from .snapshot import read_root
from .writing import INDEX, PREDICT, UPDATE, writing

# What every search makes again, and what is of this moment alone
_MADE_AGAIN = ("search-index", "vectors-", "seen-")
_MOMENTARY = (".lock", ".owner", ".tmp", "-wal", "-shm")
_PACKED = {".sqlite", ".json", ".jsonl", ".manifest"}  # what gets smaller in an archive


@dataclass(frozen=True, slots=True)
class Copied:
    """Where a library lies now, or a copy of it: in how many files, of how many bytes."""

    place: Path
    files: int
    bytes: int


def move_library(folder: Path, place: Path, dry_run: bool = False) -> Copied:
    """Move a library. It must not be open in this process; on the same disk that takes no time.

    place:   where it shall lie; nothing may be there yet
    dry_run: only say what would be done
    errors:  BadLibrary where there is none, BadSetting for a place that is taken, LibraryInUse, NoSpace
    """
    Catalogue(folder / CATALOGUE).close()
    _check_free(place)
    if resolved(place).is_relative_to(resolved(folder)):
        raise BadSetting(f"{place} lies in {folder} itself. Give another place.")
    files = [file for file in sorted(folder.iterdir()) if not _is_momentary(file)]
    done = Copied(place, len(files), sum(file.stat().st_size for file in files))
    if dry_run:
        return done
    with _named(place), no_space_named(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder):  # nobody writes it
            _rewrite_paths(folder / CATALOGUE, folder, None)  # right in both places, whenever this is killed
        try:
            os.rename(folder, place)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _move_to_another_disk(folder, place)
        else:
            try:
                _rewrite_paths(place / CATALOGUE, folder, place)
            except CaptionretError:  # a full disk
                os.rename(place, folder)
                raise
    return done


def back_up(folder: Path, place: Path, dry_run: bool = False) -> Copied:
    """Copy a library as it is at this moment, while it may be searched; what a search makes again is left
    out. The copy opens like any other library; an archive is unpacked first.

    place:  a folder to be made, without an ending as files have, or an archive, NAME.zip; nothing may be
            there yet
    errors: as move_library
    """
    Catalogue(folder / CATALOGUE).close()
    if place.suffix.lower() != ".zip" and any(map(str.isalpha, place.suffix)):  # a date's last part is none
        raise BadSetting(
            f"{place} ends with {place.suffix}, but a backup is an archive, which ends with .zip, or a "
            "folder without such an ending. Give another name."
        )
    _check_free(place)
    if dry_run:
        files = _to_copy(folder)
        return Copied(place, len(files), sum(file.stat().st_size for file in files))
    archive = place.suffix.lower() == ".zip"
    new = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        with _named(place), no_space_named(place), _alone(folder):
            new.parent.mkdir(parents=True, exist_ok=True)
            if archive:
                with _copied(folder, new, None):
                    _pack(new, new.with_suffix(".zip.tmp"), folder.absolute().name)
                    os.replace(new.with_suffix(".zip.tmp"), place)
            else:
                with _copied(folder, new, place):
                    os.rename(new, place)
            sync_directory(place.parent)
    finally:
        new.with_suffix(".zip.tmp").unlink(missing_ok=True)
    files = [place] if archive else sorted(place.iterdir())
    return Copied(place, len(files), sum(file.stat().st_size for file in files))


def _check_free(place: Path) -> None:
    with _named(place):
        taken = place.exists() or place.is_symlink()
    if taken:
        raise BadSetting(f"{place} is there already, and is not overwritten. Give another name.")


def _is_momentary(file: Path) -> bool:
    return file.name.endswith(_MOMENTARY) or not file.is_file()


def _to_copy(folder: Path) -> list[Path]:
    return [
        file
        for file in sorted(folder.iterdir())
        if not _is_momentary(file) and not file.name.startswith(_MADE_AGAIN)
    ]


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the only one that writes any part of a library."""
    with writing(folder, UPDATE), writing(folder, PREDICT), writing(folder, INDEX):
        yield


@contextlib.contextmanager
def _named(place: Path) -> Iterator[None]:
    """Say what is wrong with a place: a name too long, a folder that may not be written."""
    try:
        yield
    except OSError as error:
        raise BadLibrary(f"{place} cannot be used ({error.strerror}). Give another place.") from None


@contextlib.contextmanager
def _copied(folder: Path, new: Path, place: Path | None) -> Iterator[None]:
    """A copy in the folder `new` while the block runs; what is left of it then is deleted.

    place: where it will lie; None: nobody knows
    """
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    try:
        catalogue = Catalogue(folder / CATALOGUE)
        try:
            with catalogue.transaction(counts=False):  # so that nobody writes a caption meanwhile
                with (
                    contextlib.closing(sqlite3.connect(catalogue.file)) as source,
                    contextlib.closing(sqlite3.connect(new / CATALOGUE)) as copy,
                ):
                    source.backup(copy)
                for file in _to_copy(folder):
                    if file.name != CATALOGUE:
                        shutil.copy2(file, new / file.name)
                _rewrite_paths(new / CATALOGUE, folder, place)
                for file in new.iterdir():
                    _sync(file)
                yield
        finally:
            catalogue.close()
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _move_to_another_disk(folder: Path, place: Path) -> None:
    new = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    with _alone(folder), _copied(folder, new, place):
        os.rename(new, place)
        sync_directory(place.parent)
    shutil.rmtree(folder)


def _sync(file: Path) -> None:
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _pack(folder: Path, archive: Path, name: str) -> None:
    """Write the files of a folder into an archive, below `name`, and read it again."""
    with zipfile.ZipFile(archive, "w", allowZip64=True) as packed:
        for file in sorted(folder.iterdir()):
            how = zipfile.ZIP_DEFLATED if file.suffix in _PACKED else zipfile.ZIP_STORED
            packed.write(file, f"{name}/{file.name}", how)
    with zipfile.ZipFile(archive) as packed:
        damaged = packed.testzip()
    if damaged is not None:
        raise BadLibrary(f"{archive} could not be read back ({damaged}). Check the disk and run again.")
    _sync(archive)


def _rewrite_paths(file: Path, old: Path, new: Path | None) -> None:
    """Write into a catalogue where pictures and checkpoints lie, seen from the library's new place.

    file: the catalogue; old: the library's folder before; new: None: nobody knows, so as whole paths
    """
    catalogue = Catalogue(file)
    try:
        with catalogue.transaction() as connection:
            rows = Rows(connection)
            root = read_root(rows, old)
            writes.put_meta(connection, "root", stored(str(root)))
            connection.execute("DELETE FROM meta WHERE key = 'root_from_library'")
            there = None if new is None else from_folder(new, root)
            if there is not None:
                writes.put_meta(connection, "root_from_library", stored(there))
            known = rows.table("SELECT id, described, decoding FROM captioners", (WHOLE, TEXT, TEXT))
            for number, text, decoding in known:
                described = record(text, "a captioner")
                path, before = described.get("checkpoint"), described.pop(FROM_LIBRARY, None)
                if isinstance(path, str) and path:
                    described["checkpoint"] = str(found_again(path, before, old))
                    described = described if new is None else described_from(new, described)
                values = (json.dumps(described), _decoding_from(decoding, old, new), number)
                connection.execute("UPDATE captioners SET described = ?, decoding = ? WHERE id = ?", values)
    finally:
        catalogue.close()


def _decoding_from(text: str, old: Path, new: Path | None) -> str:
    """The JSON of a way of decoding, whose files are named from the library on."""
    decoding = decoding_of(text, old)
    if new is None or decoding_text(decoding, new) == decoding_text(decoding, old):
        return text
    return decoding_text(decoding, new)
