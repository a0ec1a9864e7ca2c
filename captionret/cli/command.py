"""What every command shares: errors as messages, exit codes, defaults, and where things lie."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import BadCheckpoint, CaptionretError

CHECKPOINTS = Path("checkpoints")
LIBRARIES = Path("data/libraries")
SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints" / "flickr8k-lite"

FOUND, NOTHING_FOUND = 0, 1


def run(main: Callable[[Sequence[str] | None], int]) -> int:
    """Run a command: what it refuses becomes a message and the error's exit code, Ctrl-C 130, a closed pipe silence."""
    try:
        code = main(None)
        sys.stdout.flush()
        return code
    except CaptionretError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt as stop:
        say(str(stop) or "Stopped.")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains again when it closes stdout
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        say(f"{error.filename} cannot be used ({error.strerror}). Check the path and its permissions.")
        return CaptionretError.exit_code


def say(text: str) -> None:
    """Something for the person, not for the pipe."""
    print(text.encode(errors="backslashreplace").decode(), file=sys.stderr)


def parser(script: str, about: str) -> argparse.ArgumentParser:
    """A parser whose --help begins with the module's own words."""
    return argparse.ArgumentParser(
        prog=f"python scripts/{script}.py", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_device(arguments: argparse.ArgumentParser) -> None:
    """--device, the same for every command that computes."""
    arguments.add_argument(
        "--device", default="auto", help="auto (the GPU where there is one), cpu, cuda, cuda:1 ... (default: %(default)s)"
    )


def library_path(name: str) -> Path:
    """A library's directory: a bare name lies in data/libraries, anything with a slash is a path."""
    return Path(name).expanduser() if "/" in name or name.startswith((".", "~")) else LIBRARIES / name


def checkpoint_path(given: str | None) -> Path:
    """The checkpoint that was asked for (a directory, or a name in checkpoints/), or the shipped one, said on stderr."""
    if given is None:
        if not SHIPPED.is_dir():
            raise BadCheckpoint(f"The shipped checkpoint {SHIPPED} is missing. Restore it, or give --checkpoint.")
        say(f"With the shipped checkpoint {SHIPPED.name}; choose another with --checkpoint.")
        return SHIPPED
    path = Path(given).expanduser()
    return path if path.exists() or "/" in given else CHECKPOINTS / given
