"""The only place that publishes a file: written beside its final name, synced, then renamed.

A reader sees the old file or the new one, never half of one; a full disk leaves the old one in place.
"""

import contextlib
import errno
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from .errors import BadDataset, CaptionretError, NoSpace


@contextlib.contextmanager
def publishing(path: Path | str, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file that becomes `path` if the block ends well; otherwise it vanishes."""
    path = Path(path)
    with no_space_named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        name = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}.tmp")
        try:
            # less the umask, which no thread can read safely
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as error:
            error.filename = str(path)  # the name that the person knows
            raise
        try:
            encoding = None if "b" in mode else "utf-8"
            with os.fdopen(handle, mode, encoding=encoding) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
            sync_directory(path.parent)
        except BaseException:
            name.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def no_space_named(path: Path | str) -> Iterator[None]:
    """Turn "no space left" into an error that names the file and says that nothing was lost."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):  # EFBIG: a limit on file sizes
            raise NoSpace(
                f"No space left to write {path}. What was there before is untouched; free some space and run "
                "again."
            ) from error
        raise


def publish_json(path: Path | str, value: Any) -> None:
    """Write `value` as readable JSON, atomically."""
    with publishing(path, "w") as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")


def read_json(
    path: Path | str, error: Callable[[str], CaptionretError] = BadDataset, remedy: str = ""
) -> Any:
    """Read a JSON file; a missing or malformed one raises `error` with the file's name and `remedy`."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error(f"{path} does not exist. {remedy}".strip()) from None
    except (ValueError, RecursionError) as cause:
        # also bytes that are not UTF-8, and numbers too long for Python
        raise error(f"{path} is not valid JSON ({cause}). {remedy}".strip()) from None
    except OSError as cause:
        raise error(f"{path} cannot be read ({cause.strerror}). {remedy}".strip()) from None


def sha256_of(path: Path | str) -> str:
    """The SHA-256 of a file's content, as 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def expanded(path: Path | str) -> Path:
    """`path` with a leading ~ as the home folder. Where that is not known the ~ stays, and the file is simply
    not there."""
    return Path(os.path.expanduser(path))  # Path.expanduser would raise a RuntimeError


def inside(root: Path | str, name: str) -> Path:
    """`root/name`, refused if it would lie outside `root` (`..`, an absolute name, a link that leads out)."""
    base = Path(root).resolve()
    path = (base / name).resolve()
    if not path.is_relative_to(base):
        raise BadDataset(
            f"{name!r} would lie outside {root}. Remove that entry, or move the file into the folder."
        )
    return path


def sync_directory(path: Path) -> None:
    """Make a rename inside `path` survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
