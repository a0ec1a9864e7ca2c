"""Captions from files into a library: what `export` wrote, sidecars, and what pictures say of themselves.

import_captions(library, Path("out"))        # each caption under who made it
import_sidecars(library)                     # those beside the pictures
import_embedded(library)                     # IPTC, EXIF and XMP inside them
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..caption_files.plain import on_one_line
from ..errors import BadImage
from ..images.opening import read_embedded
from ..images.xmp import BadXMP, Described, read
from ..library import CaptionReport, Library
from ..library.captions.given import IMPORTED
from ..progress import bar
from ..records import Caption, Failure, GivenCaptions
from ..uncollected import uncollected
from .facts import read_facts
from .reading import by_source, read_captions
from .report import Failures
from .rows import CaptionRow
from .xmp_files import sidecar_of

SIDECARS, EMBEDDED = "sidecars", "embedded"


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken over.

    reports:  of each source
    own:      captions of a person that are new here; what a person wrote here before stays
    known:    who captions this library already, so that their captions in the file are left out
    facts:    of how many pictures it knows a date, a camera, a lens, a place, a title or keywords that their
              own files do not say
    failures: records, sidecars and pictures that cannot be read
    """

    reports: tuple[CaptionReport, ...]
    own: int = 0
    known: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    facts: int = 0


@uncollected()
def import_captions(library: Library, path: Path) -> Imported:
    """The captions of a file or a folder, see `read_captions`, each under the name of who made it; where the
    file does not say, under the file's own: of "captions.csv" it is "captions.csv", as where the file is a
    captioner (but "captions" in a library that has captions under that name). A person's stand as a person's.

    errors: as read_captions; BadLibrary where the library holds no pictures yet
    """
    models = {one.name for one in library.captioners if one.kind == "model"}
    files = {one.name: json.loads(one.described) for one in library.captioners if one.kind == "file"}
    facts = list(read_facts(path))
    spec, failures = f"file:{path.absolute()}", Failures()
    reports, own, known = [], 0, []
    for (by, kind), pictures in by_source(read_captions(path, failures, set(files))).items():
        given = [
            GivenCaptions(place or None, tuple(map(_caption, rows)), sha256 or None)
            for (place, sha256), rows in pictures.items()
        ]
        if kind == "person":
            own += library.add_own_captions(given)
        elif kind == "model" and by in models:
            known.append(by)
        else:
            same = by == path.name and files.get(by, {}).get("captioner") == spec
            described = {"captioner": spec} if same else {IMPORTED: spec}
            reports.append(library.add_captions(by, given, whole=True, described=described))
    filled = library.add_facts(facts) if facts else 0
    return Imported(tuple(reports), own, tuple(known), tuple(failures), filled)


def import_sidecars(library: Library, folder: Path | None = None, progress: bool | None = None) -> Imported:
    """Descriptions and keywords of XMP sidecars, as captions of the source "sidecars". What this program
    wrote into one itself is none.

    folder: with sidecars below the pictures' paths; None: they lie beside the pictures
    """
    failures = Failures()
    root = library.root if folder is None else folder

    def described() -> Iterator[tuple[str, Described]]:
        for path in bar(_paths(library), desc="reading sidecars", unit="picture", show=progress):
            sidecar = sidecar_of(root / path)
            try:
                if sidecar.is_file():
                    yield path, read(sidecar.read_bytes(), others=True)
            except BadXMP as error:
                failures.note(path, f"{sidecar} is left out: {error}.")
            except OSError as error:
                failures.note(path, f"{sidecar} cannot be read ({error.strerror}).")

    return _imported(library, SIDECARS, described(), failures)


def import_embedded(library: Library, progress: bool | None = None) -> Imported:
    """Descriptions and keywords inside the picture files, as captions of the source "embedded"."""
    failures = Failures()

    def described() -> Iterator[tuple[str, Described]]:
        for path in bar(_paths(library), desc="reading pictures", unit="picture", show=progress):
            try:
                yield path, read_embedded(library.root / path)
            except BadImage as error:
                failures.note(path, error.message)

    return _imported(library, EMBEDDED, described(), failures)


def _paths(library: Library) -> list[str]:
    return list(library.gallery().paths)


def _imported(
    library: Library, source: str, described: Iterable[tuple[str, Described]], failures: Failures
) -> Imported:
    given = []
    for path, one in described:
        try:
            text = on_one_line(one.description or ", ".join(one.subjects))
        except ValueError as error:
            failures.note(path, f"what {path} says of itself is left out: {error}")
            continue
        if text:
            caption = Caption(text, tuple(text.split()), 0.0, one.subjects)
            given.append(GivenCaptions(path, (caption,)))
    report = library.add_captions(source, given, whole=True)
    return Imported((report,), failures=tuple(failures))


def _caption(row: CaptionRow) -> Caption:
    return Caption(row.caption, tuple(row.caption.split()), row.logprob, row.tags, row.score)
