"""The published figures as a table of commands, measured again and compared with what they should give."""

import logging
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from ...errors import BadDataset
from ...files import content_of, read_json

TABLE = Path(__file__).with_name("reproduction.toml")
DATA = ("flickr8k", "coco")
OK, NEAR, FAIL, SKIP = "OK", "NEAR", "FAIL", "SKIP"
_PACKAGES = Path(__file__).resolve().parents[3]
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_REMEDY = "Correct that row, or restore the original file."

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One thing to measure again.

    command:   arguments of the Python interpreter, with {flickr8k}, {coco} and {out}
    requires:  names of data sets, and programs on the PATH
    expected:  numbers by their keys in the JSON file that the command writes to {out}
    tolerance: the absolute difference that is still OK; near: that is NEAR
    minutes:   about how long it takes
    """

    name: str
    command: tuple[str, ...]
    requires: tuple[str, ...]
    expected: Mapping[str, float]
    tolerance: float
    near: float
    minutes: float


@dataclass(frozen=True)
class Outcome:
    """How a row ended: its status, the reasons for it, and how long its command took."""

    status: str
    details: str
    seconds: float = 0.0


def read_table(path: Path) -> list[Row]:
    """The rows of a table.

    errors: BadDataset that names the file and the row
    """
    try:
        content = tomllib.loads(content_of(path).decode("utf-8"))
    except FileNotFoundError:
        raise BadDataset(f"{path} does not exist. Check the path.") from None
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
    for field in ("command", "requires"):
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
    if unnamed := used - {*entry["requires"], "out"}:
        raise BadDataset(
            f"{where}: 'command' uses {{{min(unnamed)}}}, which 'requires' does not name. {_REMEDY}"
        )
    return Row(**(entry | {"command": tuple(entry["command"]), "requires": tuple(entry["requires"])}))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def run_row(row: Row, data: Mapping[str, Path]) -> Outcome:
    """Run a row's command and compare what it measured; its own words go to stderr."""
    if missing := [_missing(one, data) for one in row.requires if not _is_there(one, data)]:
        return Outcome(SKIP, "; ".join(missing))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        values = {name: str(path) for name, path in data.items()} | {"out": str(out)}
        command = [_PLACEHOLDER.sub(lambda found: values[found[1]], word) for word in row.command]
        log.info(f"{row.name}: about {row.minutes:g} minutes")
        # so that `-m captionret` is this one, installed or not, from whatever folder
        search_path = os.pathsep.join(filter(None, [str(_PACKAGES), os.environ.get("PYTHONPATH")]))
        began = time.perf_counter()
        run = subprocess.run(  # noqa: S603
            [sys.executable, *command],
            env=os.environ | {"PYTHONPATH": search_path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
        )
        seconds = time.perf_counter() - began
        if run.stdout:
            log.info(run.stdout.decode(errors="replace").rstrip())
        if run.returncode:
            return Outcome(FAIL, f"the command ended with code {run.returncode}", seconds)
        try:
            measured = read_json(out)
        except BadDataset as error:
            return Outcome(FAIL, f"the command wrote no JSON: {error}", seconds)
    return _compared(row, measured, seconds)


def _is_there(name: str, data: Mapping[str, Path]) -> bool:
    return data[name].exists() if name in data else shutil.which(name) is not None


def _missing(name: str, data: Mapping[str, Path]) -> str:
    return f"{data[name]} does not exist (--{name})" if name in data else f"there is no {name} on the PATH"


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
