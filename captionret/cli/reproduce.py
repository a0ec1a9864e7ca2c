"""Measure the published figures again and say which of them hold: OK, NEAR, FAIL, or SKIP where something
needed is not there.

    python scripts/reproduce.py                                      # every row of reproduce.toml
    python scripts/reproduce.py --only photos-lite --flickr8k /data/flickr8k

Ends with 1 where a figure does not hold.
"""

import argparse
import math
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from ..errors import BadDataset, UnknownName
from ..files import content_of, read_json
from .options import FOUND, parser, path_argument, say

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "reproduce.toml"
DATA = ("flickr8k", "coco")
OK, NEAR, FAIL, SKIP = "OK", "NEAR", "FAIL", "SKIP"
FAILED = 1
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_REMEDY = "Correct that row, or restore the original file."


@dataclass(frozen=True)
class Row:
    """One thing to measure again.

    command:   arguments of the Python interpreter, with {flickr8k}, {coco} and {out}
    needs:     names of data sets, and programs on the PATH
    expected:  numbers by their keys in the JSON file that the command writes to {out}
    tolerance: the absolute difference that is still OK; near: that is NEAR
    minutes:   about how long it takes
    """

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...]
    expected: Mapping[str, float]
    tolerance: float
    near: float
    minutes: float


@dataclass(frozen=True)
class Outcome:
    """How a row ended: its status, and what to say of it."""

    status: str
    details: str
    seconds: float = 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    given = _parse(arguments)
    rows = read_table(given.table)
    if given.only is not None:
        if given.only not in {row.name for row in rows}:
            raise UnknownName.among("row", given.only, [row.name for row in rows])
        rows = [row for row in rows if row.name == given.only]
    width = max(len(row.name) for row in rows)
    if given.list:
        for row in rows:
            print(
                f"{row.name:<{width}}  about {row.minutes:g} min  needs {', '.join(row.needs) or 'nothing'}"
            )
        return FOUND
    data = {name: getattr(given, name).absolute() for name in DATA}
    failed = False
    for row in rows:
        outcome = run_row(row, data)
        failed |= outcome.status == FAIL
        print(
            f"{outcome.status:<4}  {row.name:<{width}}  {outcome.details}  ({outcome.seconds:.0f} s)",
            flush=True,
        )
    return FAILED if failed else FOUND


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("reproduce", __doc__ or "")
    options.add_argument("--only", metavar="NAME", help="one row of the table")
    options.add_argument("--list", action="store_true", help="show the rows and run nothing")
    options.add_argument(
        "--table", type=path_argument, default=TABLE, metavar="FILE", help="(default: %(default)s)"
    )
    for name in DATA:
        options.add_argument(
            f"--{name}",
            type=path_argument,
            default=ROOT / "data" / name,
            metavar="DIR",
            help="where it lies (default: %(default)s)",
        )
    return options.parse_args(arguments)


def read_table(path: Path) -> list[Row]:
    """The rows of a table.

    errors: BadDataset that names the file and the row
    """
    try:
        content = tomllib.loads(content_of(path).decode("utf-8"))
    except FileNotFoundError:
        raise BadDataset(f"{path} does not exist. Give --table FILE.") from None
    except OSError as error:
        raise BadDataset(
            f"{path} cannot be read ({error.strerror}). Check the path and its permissions."
        ) from None
    except ValueError as error:  # also bytes that are not UTF-8
        raise BadDataset(
            f"{path} is not valid TOML ({error}). Correct it, or restore the original file."
        ) from None
    entries = content.get("row")
    if not isinstance(entries, list) or not entries or set(content) != {"row"}:
        raise BadDataset(f"{path} should hold one or more [[row]] and nothing else. {_REMEDY}")
    rows = [_row(entry, f"{path}, row {number}") for number, entry in enumerate(entries, 1)]
    names = [row.name for row in rows]
    if doubled := [name for name in names if names.count(name) > 1]:
        raise BadDataset(
            f"{path}: the name {doubled[0]!r} stands more than once. Give each row a name of its own."
        )
    return rows


def _row(entry: Any, where: str) -> Row:
    """One row, once every field is known to be of its kind."""
    fields = Row.__dataclass_fields__.keys()
    if not isinstance(entry, dict) or entry.keys() != fields:
        raise BadDataset(f"{where} should have the fields {', '.join(fields)} and no others. {_REMEDY}")
    if not isinstance(entry["name"], str) or not entry["name"].strip():
        raise BadDataset(f"{where}: 'name' must be text that is not empty. {_REMEDY}")
    where = f"{where} ({entry['name']})"
    for field in ("command", "needs"):
        if not isinstance(entry[field], list) or not all(isinstance(word, str) for word in entry[field]):
            raise BadDataset(f"{where}: {field!r} must be a list of texts. {_REMEDY}")
    expected = entry["expected"]
    if (
        not isinstance(expected, dict)
        or not expected
        or not all(_is_number(value) for value in expected.values())
    ):
        raise BadDataset(f"{where}: 'expected' must hold one or more numbers by name. {_REMEDY}")
    if not all(_is_number(entry[field]) and entry[field] >= 0 for field in ("tolerance", "near", "minutes")):
        raise BadDataset(
            f"{where}: 'tolerance', 'near' and 'minutes' must be numbers of at least 0. {_REMEDY}"
        )
    if entry["near"] < entry["tolerance"]:
        raise BadDataset(f"{where}: 'near' must be at least 'tolerance'. {_REMEDY}")
    used = {name for word in entry["command"] for name in _PLACEHOLDER.findall(word)}
    if unknown := used - {*DATA, "out"}:
        raise BadDataset(
            f"{where}: there is no placeholder {{{min(unknown)}}}. Known: {{flickr8k}}, {{coco}}, {{out}}."
        )
    if "out" not in used:
        raise BadDataset(f"{where}: 'command' writes no {{out}}, so there is nothing to compare. {_REMEDY}")
    if unnamed := used - {*entry["needs"], "out"}:
        raise BadDataset(
            f"{where}: 'command' uses {{{min(unnamed)}}}, which 'needs' does not name. {_REMEDY}"
        )
    return Row(**(entry | {"command": tuple(entry["command"]), "needs": tuple(entry["needs"])}))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def run_row(row: Row, data: Mapping[str, Path]) -> Outcome:
    """Run a row's command and compare what it measured; its own words go to stderr."""
    if missing := [_lack(need, data) for need in row.needs if not _there(need, data)]:
        return Outcome(SKIP, "; ".join(missing))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        values = {name: str(path) for name, path in data.items()} | {"out": str(out)}
        command = [_PLACEHOLDER.sub(lambda found: values[found[1]], word) for word in row.command]
        say(f"{row.name}: about {row.minutes:g} minutes")
        began = time.perf_counter()
        run = subprocess.run(  # noqa: S603
            [sys.executable, *command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
        )
        seconds = time.perf_counter() - began
        if run.stdout:
            say(run.stdout.decode(errors="replace").rstrip())
        if run.returncode:
            return Outcome(FAIL, f"the command ended with code {run.returncode}", seconds)
        try:
            measured = read_json(out)
        except BadDataset as error:
            return Outcome(FAIL, f"the command wrote no JSON: {error}", seconds)
    return _compared(row, measured, seconds)


def _there(need: str, data: Mapping[str, Path]) -> bool:
    return data[need].exists() if need in data else shutil.which(need) is not None


def _lack(need: str, data: Mapping[str, Path]) -> str:
    return f"{data[need]} does not exist (--{need})" if need in data else f"there is no {need} on the PATH"


def _compared(row: Row, measured: Any, seconds: float) -> Outcome:
    """The worst of the row's numbers decides."""
    values = measured if isinstance(measured, dict) else {}
    status, parts = OK, []
    for key, expected in row.expected.items():
        got = values.get(key)
        if not _is_number(got):
            status = FAIL
            parts.append(f"{key} expected {expected:g}, got none")
            continue
        off = round(abs(got - expected), 9)  # 0.3 - 0.2 is a little more than 0.1
        if off > row.tolerance:
            status = NEAR if off <= row.near and status != FAIL else FAIL
        parts.append(f"{key} expected {expected:g}, got {got:.6g}")
    return Outcome(status, "; ".join(parts), seconds)
