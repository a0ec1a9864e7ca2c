"""Whether a library is whole, and still true of its folder."""

from collections.abc import Iterator
from pathlib import Path

from ..counting import counted
from ..errors import BadLibrary
from . import pictures
from .captions.captioners import read_shown
from .catalogue.caption_rows import FIRST, PICTURE
from .catalogue.catalogue import Catalogue
from .catalogue.documents import read_documents
from .catalogue.rows import NAME, TEXT, WHOLE, Rows, restored, size
from .index.verify import index_problems
from .snapshot import read_contents, read_root
from .vectors.encoded import damaged_rows
from .vectors.features import FeatureFile, file_of
from .words.calibrating import own_calibration
from .words.word_files import PredictedWords
from .words.word_probabilities import StoredWordProbabilities

_BARE = f"""
SELECT sha256 FROM images WHERE feature_row >= 0 AND NOT EXISTS
(SELECT 1 FROM captions WHERE id = {FIRST.format(captioner="captioner", picture="number")})
"""  # noqa: S608
_STRAY = f"""
SELECT id FROM captions WHERE {PICTURE.format(of="")} NOT IN (SELECT number FROM images)
OR id >> 34 NOT IN (SELECT id FROM captioners)
"""  # noqa: S608
_BEYOND = (
    "SELECT sha256 FROM images JOIN captioners ON captioners.id = images.captioner WHERE feature_row >= rows"
)


def problems(catalogue: Catalogue) -> list[str]:
    """One sentence for each thing that is wrong; empty if nothing is."""
    found: list[str] = []
    for look in (_integrity, _inside, _features, _words, _encoded, index_problems, _on_disk):
        try:
            found += look(catalogue)
        except BadLibrary as error:  # so damaged that it cannot even be read
            found.append(error.message)
        if found and look is _integrity:
            break
    return list(dict.fromkeys(found))


def _integrity(catalogue: Catalogue) -> list[str]:
    rows = catalogue.table("PRAGMA integrity_check", (TEXT,))
    return [f"{catalogue.file} is damaged: {message}." for (message,) in rows if message != "ok"]


def _inside(catalogue: Catalogue) -> list[str]:
    with catalogue.reading() as rows:
        found = [
            f"{catalogue.file} has a row in {row[0]} that belongs to nothing."
            for row in rows.table("PRAGMA foreign_key_check", ())
        ]
        found += [f"The image with the hash {one} has no caption." for (one,) in rows.table(_BARE, (TEXT,))]
        stray = rows.table(_STRAY, (WHOLE,))
        found += [f"{counted(len(stray), 'captions belong')} to no picture or no captioner."] if stray else []
        beyond = rows.table(_BEYOND, (TEXT,))
        found += [
            f"The image with the hash {one} has a feature row that does not exist." for (one,) in beyond
        ]
        read_contents(rows, catalogue.file.parent)
        shown = read_shown(rows)
        read_documents(rows, shown=shown)
        pictures.read_details(rows, shown)
        return found + _waiting(rows)


def _waiting(rows: Rows) -> list[str]:
    current = "SELECT value FROM meta WHERE key = 'captioner'"
    stale = rows.value(f"SELECT COUNT(*) FROM images WHERE captioner <> ({current})")  # noqa: S608
    total = rows.value("SELECT COUNT(*) FROM images")
    wait = f"{stale:,} of {total:,} images wait to be captioned again. Run the update once more."
    return [wait] if stale else []


def _features(catalogue: Catalogue) -> list[str]:
    sql = "SELECT id, fingerprint, rows, dim FROM captioners WHERE rows > 0"
    with catalogue.reading() as rows:
        files = []
        for number, fingerprint, count, dim in rows.table(sql, (WHOLE, TEXT, WHOLE, WHOLE)):
            of_one = "SELECT block, crc FROM feature_blocks WHERE captioner = ?"
            sums = dict(rows.table(of_one, (WHOLE, WHOLE), number))
            place = file_of(catalogue.file.parent, number, fingerprint)
            files.append(FeatureFile(place, size(count, "a number of rows"), size(dim, "a dimension"), sums))
    return [problem for file in files for problem in file.problems()]


def _words(catalogue: Catalogue) -> list[str]:
    folder = catalogue.file.parent
    predicted = PredictedWords.read(folder)
    if predicted is None:
        StoredWordProbabilities.read(folder)
    else:
        predicted.check(folder)
    own_calibration(folder)
    return []


def _encoded(catalogue: Catalogue) -> list[str]:
    return list(damaged_rows(catalogue.file.parent))


def _on_disk(catalogue: Catalogue) -> list[str]:
    with catalogue.reading() as rows:
        root = read_root(rows, catalogue.file.parent)
        files = rows.table("SELECT path, size, mtime_ns FROM files", (NAME, WHOLE, WHOLE))
    if not root.is_dir():
        return [f"{root}, the folder of its pictures, is not there."]
    return sorted(_changed((root / restored(path), known, mtime_ns) for path, known, mtime_ns in files))


def _changed(files: Iterator[tuple[Path, int, int]]) -> Iterator[str]:
    for file, known, mtime_ns in files:
        try:
            facts = file.stat() if file.is_file() else None
        except (OSError, ValueError):  # ValueError: a name that no file can have
            facts = None
        if facts is None:
            yield f"{file} is not there any more. Run the update."
        elif (facts.st_size, facts.st_mtime_ns) != (known, mtime_ns):
            yield f"{file} has changed since it was captioned. Run the update."
