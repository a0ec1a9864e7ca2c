"""The only place that publishes a file: written beside its final name, synced, then renamed.

A reader sees the old file or the new one, never half of one; a full disk leaves the old one in place.

    with publishing("scores.json", "w") as file:
        file.write(text)
"""

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from .absent import bring
from .errors import BadDataset, BadSetting, CaptionretError, NoSpace

_WINDOWS = os.name == "nt"


@contextlib.contextmanager
def publishing(path: Path | str, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file that becomes `path` if the block ends well; otherwise it vanishes.

    A link stays a link: the file it leads to is replaced. A device, as /dev/null, is written to directly.
    mode:   "wb", or "w" for UTF-8 with line feeds; what UTF-8 cannot hold, as a file name that is none,
            becomes an escape, in JSON one that reads back as it was
    errors: NoSpace; BadSetting for a pipe or a socket; OSError, with `path` as its filename
    """
    path = Path(path)
    with no_space_named(path), contextlib.ExitStack() as stack:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = Path(os.path.realpath(path))
        if _is_device(path, target):
            yield stack.enter_context(_opened(path, mode, os.O_WRONLY))
            return
        yield stack.enter_context(_replacing(path, target, mode))


def _is_device(path: Path, target: Path) -> bool:
    """Whether writing to `path` reaches a device; what is neither a device nor a file is refused."""
    try:
        kind = os.stat(path).st_mode
    except FileNotFoundError:
        return False  # also a link to a file that is not there yet
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if stat.S_ISCHR(kind) or stat.S_ISBLK(kind):
        return True
    if not stat.S_ISREG(kind) or not target.exists():  # the latter: an open file that was removed
        raise BadSetting(f"{path} is a pipe or a socket, not a file. Give a file's name.")
    return False


@contextlib.contextmanager
def _replacing(path: Path, target: Path, mode: str) -> Iterator[IO[Any]]:
    """A new file beside `target` that takes its place. path: the name that the person knows, for errors"""
    name = target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}.tmp")
    try:
        # less the umask, which no thread can read safely
        file = _opened(name, mode, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except OSError as error:
        error.filename = str(path)
        raise
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _replace(name, target)
        sync_directory(target.parent)
    except BaseException:
        name.unlink(missing_ok=True)
        raise


def _opened(path: Path, mode: str, flags: int) -> IO[Any]:
    handle = os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)
    if "b" in mode:
        return os.fdopen(handle, mode)
    return os.fdopen(handle, mode, encoding="utf-8", errors="backslashreplace", newline="")


def _replace(source: Path, target: Path) -> None:
    """`os.replace`, tried again for a moment on Windows, where a virus scanner may hold a new file open."""
    for wait in (0.05, 0.2, 0.8) if _WINDOWS else ():
        try:
            os.replace(source, target)
        except PermissionError:
            time.sleep(wait)
        else:
            return
    os.replace(source, target)


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder has less than 64 kB left, too little for what a writer of SQLite begins
    with, which then says that it may not write."""
    try:
        return shutil.disk_usage(folder).free < 64 * 1024
    except OSError:
        return False


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
    """Write `value` as readable JSON, atomically. `read_json` gives the same back, whatever is in its
    texts."""
    with publishing(path, "w") as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")


def read_json(
    path: Path | str, error: Callable[[str], CaptionretError] = BadDataset, remedy: str = ""
) -> Any:
    """Read a JSON file, with or without a byte order mark; a missing or malformed one raises `error` with the
    file's name and `remedy`."""
    try:
        return json.loads(content_of(path).decode("utf-8-sig"))
    except FileNotFoundError:
        raise error(f"{path} does not exist. {remedy}".strip()) from None
    except (ValueError, RecursionError) as cause:
        # also bytes that are not UTF-8, and numbers too long for Python
        raise error(f"{path} is not valid JSON ({cause}). {remedy}".strip()) from None
    except OSError as cause:
        raise error(f"{path} cannot be read ({cause.strerror}). {remedy}".strip()) from None


def content_of(path: Path | str) -> bytes:
    """All bytes of a file, or of a pipe that the shell made for the command. A named pipe without a writer
    would be waited for for ever, and a device never end.

    errors: OSError
    """
    kind = os.stat(path).st_mode
    from_the_shell = stat.S_ISFIFO(kind) and not os.path.exists(os.path.realpath(path))
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind) or from_the_shell):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))
    return Path(path).read_bytes()


def sha256_of(path: Path | str) -> str:
    """The SHA-256 of a file's content, as 64 hex digits. errors: OSError"""
    if not os.path.exists(path):
        bring(path)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def expanded(path: Path | str) -> Path:
    """`path` with a leading ~ as the home folder. Where that is not known the ~ stays, and the file is simply
    not there."""
    return Path(os.path.expanduser(path))  # Path.expanduser would raise a RuntimeError


def resolved(path: Path | str) -> Path:
    """The whole path with links followed, as far as they lead somewhere."""
    return Path(os.path.realpath(expanded(path)))  # Path.resolve may raise a RuntimeError: a circle of links


def inside(root: Path | str, name: str) -> Path:
    """`root/name`, refused if it would lie outside `root` (`..`, an absolute name, a link that leads out)."""
    base = Path(os.path.realpath(root))
    path = Path(os.path.realpath(base / name))
    if not path.is_relative_to(base):
        raise BadDataset(
            f"{name!r} would lie outside {root}. Remove that entry, or move the file into the folder."
        )
    return path


def sync_directory(path: Path) -> None:
    """Make a rename inside `path` survive a power cut. Windows has no such call, and needs none."""
    if _WINDOWS:
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
