"""Programs that begin in a process which has imported torch already: each in a fork of it, as it would in a
process of its own.

with warm_python() as run:
    run(["-m", "captionret", "models"], folder)
"""

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from typed import Ended

OUT, ERR = "stdout.txt", "stderr.txt"
Warm = Callable[[Sequence[str], Path], Ended]


@contextmanager
def warm_python() -> Iterator[Warm]:
    """Run `python ARGUMENTS` in a folder, whose own modules are found first."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    if not hasattr(os, "fork"):
        yield lambda arguments, folder: cold(arguments, folder, environment)
        return
    line = [sys.executable, __file__]
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stdin and server.stdout
        asks, answers = server.stdin, server.stdout

        def run(arguments: Sequence[str], folder: Path) -> Ended:
            print(json.dumps([list(arguments), str(folder)]), file=asks, flush=True)
            code = int(answers.readline())
            out, err = ((folder / name).read_text(encoding="utf-8") for name in (OUT, ERR))
            return Ended(code, out, err)

        yield run
        asks.close()


def cold(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Ended:
    """The same where processes cannot be forked."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def serve() -> None:
    """Answer each line, a program and its folder, by its exit code."""
    import torch._dynamo  # noqa: F401  # the slowest of all; optimizers import it

    for line in sys.stdin:
        arguments, folder = json.loads(line)
        child = os.fork()
        if not child:
            begin(arguments, folder)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def begin(arguments: list[str], folder: str) -> None:
    """Be that program, to its end."""
    os.chdir(folder)
    os.environ["PYTHONPATH"] = folder
    for stream, name in ((1, OUT), (2, ERR)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    sys.path[0] = folder
    module = arguments[0] == "-m"
    sys.argv = arguments[module:]
    if module:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    serve()
