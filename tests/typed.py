"""How a command that was typed ended; the fixture `call` types one in this process."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Call = Callable[..., Ended]


def started(
    line: Sequence[object],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> Ended:
    """Run a program in a process of its own. line: its name and its arguments"""
    words = list(map(str, line))
    done = subprocess.run(
        words, capture_output=True, text=True, cwd=cwd, env=env, timeout=timeout, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)
