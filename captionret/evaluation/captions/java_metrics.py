"""METEOR 1.5 and SPICE: the two metrics that exist as Java programs only, taken from the optional package
pycocoevalcap.

Each function returns the score from 0 to 1, or raises `NotMeasured` with the reason; nothing else is ever
printed under their names.
"""

import contextlib
import math
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ...errors import CaptionretError

_SPICE_NEEDS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
_SECONDS = 3600


class NotMeasured(CaptionretError):
    """A metric whose programs are absent or fail here."""


def meteor(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> float:
    """METEOR 1.5 (English, normalised) of all images together; candidates and references as tokens, in the
    same order."""
    jar = _package("METEOR") / "meteor" / "meteor-1.5.jar"
    lines = [
        " ||| ".join(["SCORE", *(" ".join(caption) for caption in captions), " ".join(candidate)])
        for candidate, captions in zip(candidates, references, strict=True)
    ]
    answers = _conversation(jar, lines)
    try:
        score = float(answers[-1])
    except (IndexError, ValueError):
        score = math.nan
    if not math.isfinite(score):
        raise NotMeasured(f"METEOR was not measured: {jar.name} answered {answers[-1:]} in place of a score.")
    return score


def spice(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> float:
    """SPICE, the mean over images; candidates and references as tokens, in the same order."""
    folder = _package("SPICE") / "spice" / "lib"
    missing = [name for name in _SPICE_NEEDS if not (folder / name).is_file()]
    if missing:  # pycocoevalcap would download half a gigabyte here, unasked
        raise NotMeasured(
            f"SPICE was not measured: {folder} has no {' and no '.join(missing)}. Put them there to measure "
            "it."
        )
    from pycocoevalcap.spice.spice import Spice

    captions = {index: [" ".join(candidate)] for index, candidate in enumerate(candidates)}
    truths = {index: [" ".join(caption) for caption in image] for index, image in enumerate(references)}
    try:
        mean, _ = Spice().compute_score(truths, captions)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise NotMeasured(f"SPICE was not measured: its Java program failed ({error}).") from error
    return float(mean)


def _package(metric: str) -> Path:
    """Where pycocoevalcap lies, once it and Java are known to be there."""
    spec = find_spec("pycocoevalcap")
    if spec is None or not spec.submodule_search_locations:
        raise NotMeasured(
            f"{metric} was not measured: pycocoevalcap is not installed. Install captionret[java-metrics]."
        )
    if shutil.which("java") is None:
        raise NotMeasured(
            f"{metric} was not measured: there is no java on the PATH. Install a Java runtime, 8 or newer."
        )
    return Path(spec.submodule_search_locations[0])


def _conversation(jar: Path, lines: Sequence[str]) -> list[str]:
    """What METEOR answers when it is given each image's line, and then the statistics that it made of them.

    Both in one process: loading its tables takes longer than all the rest.
    """
    command = ["java", "-Xmx2G", "-jar", jar.name, "-", "-", "-stdio", "-l", "en", "-norm"]
    statistics: list[str] = []
    answers: list[str] = []
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        try:
            program = subprocess.Popen(  # noqa: S603
                command,
                cwd=jar.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                encoding="utf-8",
            )
            with contextlib.suppress(BrokenPipeError), program:  # where it has ended, its exit code says why
                _ask(program, lines, statistics, answers)
        except (OSError, UnicodeError) as error:
            raise NotMeasured(f"METEOR was not measured: java could not run {jar} ({error}).") from error
        complaints.seek(0)
        why = complaints.read().strip().splitlines()[-1:] or ["no message"]
    if program.wait():
        raise NotMeasured(
            f"METEOR was not measured: java ended with code {program.returncode} ({why[0]}). Check that "
            "`java -version` works."
        )
    if len(statistics) != len(lines):
        raise NotMeasured(
            f"METEOR was not measured: {jar.name} answered {len(statistics):,} of {len(lines):,} captions."
        )
    return answers


def _ask(
    program: "subprocess.Popen[str]", lines: Sequence[str], statistics: list[str], answers: list[str]
) -> None:
    """Fill statistics, one a line, then answers to "EVAL" with these; less where the program ends before."""
    clock = threading.Timer(_SECONDS, program.kill)
    clock.start()
    try:
        assert program.stdin and program.stdout
        for line in lines:
            print(line, file=program.stdin, flush=True)
            answer = program.stdout.readline()
            if not answer:
                return
            statistics.append(answer.rstrip("\n"))
        print(" ||| ".join(["EVAL", *statistics]), file=program.stdin, flush=True)
        program.stdin.close()
        answers += program.stdout.read().splitlines()
    finally:
        clock.cancel()
