"""How a command runs: its streams, what the library logs, and what its errors become."""

import contextlib
import errno
import io
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence

from .. import progress
from ..errors import CaptionretError
from ..report.visible import visible_lines

FOUND, NOTHING_FOUND = 0, 1
_MEMORY = re.compile("allocate memory|out of memory")  # torch has no class of its own for this


def run(main: Callable[[Sequence[str] | None], int]) -> int:
    """Run a command: what it refuses becomes a message and the error's exit code, Ctrl-C 130, a closed pipe
    silence."""
    open_closed_streams()
    show_log()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a file name need not be in the terminal's encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = main(None)
        sys.stdout.flush()
        return code
    except CaptionretError as error:
        say(error.in_shell())
        return error.exit_code
    except KeyboardInterrupt as stop:
        # a training says how it can be gone on with
        say(stop.in_shell() if hasattr(stop, "in_shell") else str(stop) or "Stopped.")
        return 130
    except BrokenPipeError:
        _drop_stdout()
        return FOUND
    except (RuntimeError, MemoryError, OSError) as error:
        reason = _shortage(error)
        if reason is None:
            raise
        say(reason)
        return CaptionretError.exit_code


def _shortage(error: RuntimeError | MemoryError | OSError) -> str | None:
    """What to say where memory, space or a permission is missing; None for what is a defect of captionret."""
    if isinstance(error, OSError):
        if error.filename is not None:
            return f"{error.filename} cannot be used ({error.strerror}). Check the path and its permissions."
        if error.errno != errno.ENOSPC:
            return None
        _drop_stdout()
        return "No space left to write the answer to stdout. Free some space and run again."
    message = str(error)
    if not isinstance(error, MemoryError) and not _MEMORY.search(message):
        return None
    first = message.splitlines()[0] if message else "out of memory"
    return f"There is not enough memory ({first}). Lower --batch-size, or choose a smaller variant."


def open_closed_streams() -> None:
    """Put the null device in the place of streams that the shell closed (`>&-`).

    Otherwise the next file that is opened gets such a stream's number and what is printed is written into it;
    and print(file=None), which is what is left of a closed stderr, prints to stdout.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            stream = open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def _drop_stdout() -> None:
    """Send what is still to be written nowhere: Python would complain again when it closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Notes(logging.Handler):
    """What the library logs, as plain lines on stderr, whatever stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        say(self.format(record))


def show_log(level: int = logging.INFO) -> None:
    """Let people see the messages of the library from this level on, and bars where a terminal is."""
    logger = logging.getLogger("captionret")
    logger.setLevel(level)
    progress.show(None if level <= logging.INFO else False)
    # The CNN's export traces it. Where another thread looks for warnings, too, silence there does not hold.
    warnings.filterwarnings("ignore", r"`torch\.jit\.", FutureWarning)
    if not any(isinstance(handler, Notes) for handler in logger.handlers):
        logger.addHandler(Notes())


def say(text: str) -> None:
    """Something for the person, not for the pipe; no name in it can move the terminal's cursor."""
    with contextlib.suppress(OSError):  # stderr is full or its reader has gone: nobody is left to tell
        print(visible_lines(text), file=sys.stderr, flush=True)
