"""Figures go where people look for them: a section of a RESULTS.md, replaced by the command that measured it.

Each section says which command made it, on what machine and when, so that anyone can run it again and
compare.
"""

import argparse
import datetime
import os
import platform
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from captionret.files import publishing

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks/RESULTS.md"


def parser(text: str | None, file: Path | None = RESULTS) -> argparse.ArgumentParser:
    """The options of a command whose docstring this is: --results, the file of its section (None: none)."""
    options = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    if file is not None:
        options.add_argument("--results", type=Path, default=file, metavar="FILE")
    return options


def write_section(file: Path, title: str, body: str, command: str) -> None:
    """Replace (or append) the section `title` of a Markdown file and print it."""
    section = (
        f"## {title}\n\n{body.strip()}\n\n`{command}` · {machine()} · {datetime.date.today():%Y-%m-%d}\n"
    )
    print(section)
    text = (
        file.read_text(encoding="utf-8")
        if file.exists()
        else "# Results\n\nWritten by the commands named below each section.\n"
    )
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    replaced, count = pattern.subn(lambda _: section + "\n", text)
    with publishing(file, "w") as target:
        target.write((replaced if count else f"{text.rstrip()}\n\n{section}").rstrip() + "\n")


def kind_of(data: str) -> str:
    """What a collection is called, wherever it lies.

    >>> kind_of("flickr8k:/home/me/flickr8k")
    'flickr8k'
    """
    return data.partition(":")[0]


def anywhere(data: str | Path) -> str:
    """A collection, or a folder, as a command that anyone can type names it.

    >>> anywhere("flickr8k:/home/me/flickr8k"), anywhere(Path("/home/me/flickr8k/pictures"))
    ('flickr8k:DIR', 'data/flickr8k/pictures')
    """
    if isinstance(data, Path):
        return Path("data", *data.absolute().parts[-2:]).as_posix()
    return f"{kind_of(data)}:DIR"


def markdown_table(columns: list[str], rows: list[list[object]]) -> str:
    """A Markdown table; numbers flush right."""
    numeric = [all(isinstance(row[i], int | float) for row in rows) for i in range(len(columns))]
    rule = "|" + "|".join("---:" if right else "---" for right in numeric) + "|"
    lines = [f"| {' | '.join(columns)} |", rule]
    return "\n".join([*lines, *(f"| {' | '.join(_cell(value) for value in row)} |" for row in rows)])


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def machine() -> str:
    """What it ran on, in a few words."""
    name = platform.processor() or platform.machine()
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        name = found.group(1) if found else name
    except OSError:
        pass  # not Linux: the processor's short name has to do
    return (
        f"{name}, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} "
        "cores"
    )
