"""How commands that find pictures show them: as text, --json, --paths, --html, --open."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from .options import path_argument, say


def add_output(options: argparse.ArgumentParser) -> None:
    """--json, --paths, -0, --html and --open."""
    form = options.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the answer as one JSON object")
    form.add_argument("--paths", action="store_true", help="print the pictures' paths alone, one a line")
    form.add_argument(
        "-0", "--null", action="store_true", help="print the paths with a null byte after each, for xargs -0"
    )
    # argparse would from now on take every negative number for an option, as that of --min-score
    options._has_negative_number_optionals.clear()
    options.add_argument(
        "--html", type=path_argument, metavar="FILE", help="also write the answer as a page with pictures"
    )
    options.add_argument(
        "--open",
        action="store_true",
        help="show the page in the browser, or the first picture without --html",
    )


def print_json(answer: Mapping[str, object]) -> None:
    """Print one object. The JSON is ASCII, for a file's name need not be UTF-8."""
    print(json.dumps(answer, indent=1))


def print_paths(paths: Iterable[Path], null: bool = False) -> None:
    """Print absolute paths as they are, byte by byte: one a line, or each with a null byte after it."""
    sys.stdout.flush()
    end = b"\0" if null else b"\n"
    content = b"".join(os.fsencode(path.absolute()) + end for path in paths)
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def open_file(path: Path) -> None:
    """Show a page or a picture in what the desktop opens it with; where it has nothing, say where it lies."""
    import webbrowser  # it starts with looking for browsers

    if not webbrowser.open(path.absolute().as_uri()):
        say(f"No browser could be started. Open {path.absolute()} yourself.")
