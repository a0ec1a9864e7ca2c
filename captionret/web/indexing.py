"""The process of an index job: it captions what is new below a library's folder, and writes a report.

python -m captionret.web.indexing LIBRARY REPORT DEVICE
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ..app.models import Library, captioner_for
from ..app.searcher import Searcher
from ..counting import counted
from ..errors import CaptionretError
from ..files import publishing
from ..library import UpdateReport

_COUNTS = ("new", "changed", "renamed", "duplicates", "removed")


def main(arguments: Sequence[str]) -> int:
    """Index, and write {"done": SENTENCE} or {"failed": SENTENCE} into the report; 1 where it failed."""
    library, report, device = arguments
    try:
        found = {"done": index(Path(library), device)}
    except CaptionretError as error:
        found = {"failed": error.message}
    with publishing(report, "w") as file:
        json.dump(found, file)
    return int("failed" in found)


def index(path: Path, device: str) -> str:
    """Bring a library up to date, by its own captioner; what was done, in words. errors: as Library.update"""
    with Library.open(path) as library:
        captioner = captioner_for(library, None, None, device)
        done = library.update(None, captioner, progress=False)
        Searcher(library, device=device).prepare(progress=False)
        return in_words(done)


def in_words(report: UpdateReport) -> str:
    """The counts that are not 0.

    >>> in_words(UpdateReport(new=1200, failed=1))
    "1,200 new. 1 file failed; the library's page says why."
    """
    counts = [f"{count:,} {name}" for name in _COUNTS if (count := getattr(report, name))]
    done = f"{', '.join(counts)}." if counts else "Nothing new."
    return (
        f"{done} {counted(report.failed, 'files')} failed; the library's page says why."
        if report.failed
        else done
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
