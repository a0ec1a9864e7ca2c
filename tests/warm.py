"""Programs that begin in a process which has imported torch already: each in a fork of it, as it would in a
process of its own. The fixture `warm` runs them.

with warm_python() as run:
    run(["-m", "captionret", "models"], folder)
"""

import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from typed import Ended, started

OUT, ERR = "stdout.txt", "stderr.txt"


class Warm(Protocol):
    """Runs `python ARGUMENTS` in a folder."""

    def __call__(self, arguments: Sequence[object], folder: Path, **environment: object) -> Ended:
        """environment: further variables; of PYTHONPATH, else of the folder, modules are found first."""
        ...


@contextmanager
def warm_python() -> Iterator[Warm]:
    """What runs programs until the end of the block."""

    def cold(arguments: Sequence[object], folder: Path, **more: object) -> Ended:
        """Where processes cannot be forked."""
        return started([sys.executable, "-B", *arguments], folder, os.environ | given(folder, more), 300)

    if not hasattr(os, "fork"):
        yield cold
        return
    line = [sys.executable, __file__]
    with (
        tempfile.TemporaryDirectory() as streams,
        subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdin and server.stdout
        asks, answers = server.stdin, server.stdout

        def run(arguments: Sequence[object], folder: Path, **more: object) -> Ended:
            words = list(map(str, arguments))
            print(json.dumps([words, str(folder), given(folder, more), streams]), file=asks, flush=True)
            code = int(answers.readline())
            out, err = (Path(streams, name).read_text(encoding="utf-8") for name in (OUT, ERR))
            return Ended(code, out, err)

        yield run
        asks.close()


def given(folder: Path, more: Mapping[str, object]) -> dict[str, str]:
    """The variables of one program."""
    return {name: str(value) for name, value in ({"PYTHONPATH": folder} | dict(more)).items()}


def serve() -> None:
    """Answer each line, a program and its folder, by its exit code."""
    import torch._dynamo  # noqa: F401  # the slowest of all; optimizers import it

    for line in sys.stdin:
        child = os.fork()
        if not child:
            begin(*json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def begin(arguments: list[str], folder: str, environment: dict[str, str], streams: str) -> None:
    """Be that program, to its end. streams: the folder of what it prints"""
    os.chdir(folder)
    os.environ |= environment
    for stream, name in ((1, OUT), (2, ERR)):
        os.dup2(os.open(Path(streams, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    sys.path[0] = environment["PYTHONPATH"]
    sys.dont_write_bytecode = True
    known = arguments[0] in ("-m", "-c")
    sys.argv = arguments[known:]
    if arguments[0] == "-c":
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    elif known:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    serve()
