"""METEOR 1.5 and SPICE: the two metrics that exist as Java programs only, taken from the optional package
pycocoevalcap.

Each function returns the score from 0 to 1, or raises `NotMeasured` with the reason; nothing else is ever
printed under their names.
"""

import math
import shutil
import subprocess
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
    # The program is asked twice, since it keeps nothing: each image's statistics first, then the score of all
    # of them.
    statistics = _meteor(jar, lines)
    if len(statistics) != len(lines):
        raise NotMeasured(
            f"METEOR was not measured: {jar.name} answered {len(statistics):,} of {len(lines):,} captions."
        )
    answer = _meteor(jar, [" ||| ".join(["EVAL", *statistics])])
    try:
        score = float(answer[-1])
    except (IndexError, ValueError):
        score = math.nan
    if not math.isfinite(score):
        raise NotMeasured(f"METEOR was not measured: {jar.name} answered {answer[-1:]} in place of a score.")
    return score


def spice(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> float:
    """SPICE, the mean over images; candidates and references as tokens, in the same order."""
    folder = _package("SPICE") / "spice" / "lib"
    missing = [name for name in _SPICE_NEEDS if not (folder / name).is_file()]
    if missing:  # pycocoevalcap would download half a gigabyte here, unasked
        raise NotMeasured(
            f"SPICE was not measured: {folder} lacks {' and '.join(missing)}. Put them there to measure it."
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


def _meteor(jar: Path, lines: Sequence[str]) -> list[str]:
    command = ["java", "-Xmx2G", "-jar", jar.name, "-", "-", "-stdio", "-l", "en", "-norm"]
    try:
        run = subprocess.run(  # noqa: S603
            command,
            cwd=jar.parent,
            input="\n".join(lines) + "\n",
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_SECONDS,
        )
    except (OSError, UnicodeError, subprocess.TimeoutExpired) as error:
        raise NotMeasured(f"METEOR was not measured: java could not run {jar} ({error}).") from error
    if run.returncode:
        why = run.stderr.strip().splitlines()[-1:] or ["no message"]
        raise NotMeasured(
            f"METEOR was not measured: java ended with code {run.returncode} ({why[0]}). Check that `java "
            "-version` works."
        )
    return run.stdout.splitlines()
