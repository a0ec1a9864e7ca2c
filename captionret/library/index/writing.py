"""Writing a library's search index: what changed since the last time becomes a new segment; now and then
small segments become one, or all is made anew."""

import contextlib
import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadLibrary, LibraryInUse, NoSpace
from ...retrieval.index.arrays import ArraysInMemory
from ...uncollected import uncollected
from ..captions.captioners import Shown, read_shown
from ..catalogue.caption_rows import CAPTIONED, WITHOUT, span
from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import Document, read_documents
from ..catalogue.rows import REVISION, Rows
from ..writing import INDEX, writing
from . import changes
from .array_file import DamagedIndex, write_index_file
from .search_index import OF_ONE, SEGMENT, SearchIndex, made_by, manifest_of, open_segment, read_index
from .segment import Segment, segment_of

log = logging.getLogger(__name__)

MOST_SEGMENTS = 8  # beside the first; then they become one
# Pictures of which the captions of one captioner alone are read from the catalogue: that takes a quarter of a
# second, and an index of them four times the room of the captions.
MOST_READ = 20_000


@uncollected()
def write_index(catalogue: Catalogue, anew: bool = False, by: int | None = None) -> bool:
    """Bring the index up to what the catalogue holds. False where that could not be done, which costs time
    alone: another process is at it, the disk is full or read-only, the catalogue damaged.

    anew: without the index that is there, which is damaged
    by:   also that of this captioner's captions alone; those of others are kept up to date once they exist
    """
    folder = catalogue.file.parent
    if not catalogue.writable:
        return False
    try:
        with writing(folder, INDEX):
            _write(catalogue, folder, anew, by)
    except LibraryInUse:
        return False
    except (BadLibrary, NoSpace, OSError) as error:
        log.info(f"The search index of {folder} was not written: {getattr(error, 'message', error)}")
        return False
    return True


def _write(catalogue: Catalogue, folder: Path, anew: bool, by: int | None) -> None:
    with catalogue.transaction(counts=False) as connection:
        name = changes.begin(connection)
    found: dict[int | None, tuple[SearchIndex | None, dict[str, Any], SearchIndex | None]] = {}
    with catalogue.reading() as rows:
        revision, every = rows.whole(REVISION), read_shown(rows)
        if every.present is None:
            return
        for one in _whose(rows, folder, every, by):
            shown = every if one is None else read_shown(rows, one)
            last = None if anew and one == by else _last(folder, one)
            facts = {"name": name, "revision": revision, "shown": shown.key}
            if one is not None and _captioned_all(rows, every, one):
                found[one] = last, facts, _same(found[None], last, facts)
            else:
                found[one] = last, facts, _next(rows, last, shown, facts)
    if all(index is None for *_, index in found.values()):
        return
    kept: list[str] = []
    written: dict[int, str] = {}  # the names of new segments, which indexes may share
    for one, (last, facts, index) in found.items():
        if index is None and last is not None:
            index = _renewed(last, facts, [], last.dead)
        assert index is not None, "without a last one there is a new one"
        names = []
        for known, segment in zip(index.names, index.segments, strict=True):
            if not known and id(segment) not in written:
                written[id(segment)] = _written(folder, segment)
            names.append(known or written[id(segment)])
        _publish(manifest_of(folder, one), facts, names, index.dead)
        kept += names
    with catalogue.transaction(counts=False) as connection:
        changes.clear(connection, name, revision)
    _remove_others(folder, kept, [manifest_of(folder, one) for one in found])


def _whose(rows: Rows, folder: Path, every: Shown, by: int | None) -> list[int | None]:
    """The captioners of whose captions alone there is an index, or shall be one; None first: the index of
    all."""
    known = (one.id for one in every.captioners)
    asked = (one for one in known if one == by or manifest_of(folder, one).is_file())
    return [None, *(one for one in asked if rows.whole(CAPTIONED, *span(one)) > MOST_READ)]


def _captioned_all(rows: Rows, every: Shown, captioner: int) -> bool:
    """Whether a captioner's captions are those that are shown of every picture."""
    best = every.best is not None and every.best.id == captioner
    return best and not rows.value(f"SELECT EXISTS ({WITHOUT})", captioner)


def _same(
    of_all: tuple[SearchIndex | None, dict[str, Any], SearchIndex | None],
    last: SearchIndex | None,
    facts: Mapping[str, Any],
) -> SearchIndex | None:
    """The index of all as one captioner's, whose captions alone it holds; None where the last one is that
    already."""
    index = of_all[2] or of_all[0]
    assert index is not None, "without a last one there is a new one"
    if of_all[2] is None and last is not None and last.names == index.names and last.shown == facts["shown"]:
        return None
    return replace(index, shown=facts["shown"])


def _last(folder: Path, by: int | None) -> SearchIndex | None:
    """The index that is there, if it can be built upon."""
    with contextlib.suppress(DamagedIndex, FileNotFoundError):
        return read_index(folder, by=by)
    return None


def _next(rows: Rows, last: SearchIndex | None, shown: Shown, facts: Mapping[str, Any]) -> SearchIndex | None:
    """The index of the catalogue as it is now, its new segments without a name; None where the last one is
    that already."""
    whole = last is None or not last.is_of(rows, shown) or _is_outdated(rows, last)
    if last is not None and not whole:
        changed = last.changed(rows)
        if not changed:
            return None if last.revision == facts["revision"] else _renewed(last, facts, [], last.dead)
        try:
            dead = last.without(changed)
            documents = read_documents(rows, changed, shown)
            base, gone = len(last.segments[0]), len(dead[0])
            later = len(documents) + sum(map(len, last.segments[1:]))
            if not changes.are_many(max(later, gone), base):
                if len(last.segments) > MOST_SEGMENTS:
                    documents = read_documents(rows, [*changed, *_hashes(last, dead)], shown)
                    last, dead = _first(last), dead[:1]
                return _renewed(last, facts, documents, dead)
        except DamagedIndex as error:
            log.info(f"{error.message} It is made anew.")
    return _renewed(None, facts, read_documents(rows, shown=shown), [])


def _renewed(
    last: SearchIndex | None,
    facts: Mapping[str, Any],
    documents: Sequence[Document],
    dead: Sequence[NDArray[np.int32]],
) -> SearchIndex:
    """The segments of the last index, with these contents gone from it, and one of the documents."""
    new = [segment_of(documents, kept=True)] if documents or last is None else []
    names, segments = ((), ()) if last is None else (last.names, last.segments)
    return SearchIndex(
        facts["name"],
        facts["revision"],
        facts["shown"],
        (*names, *("" for _ in new)),
        (*segments, *new),
        (*dead, *(np.zeros(0, np.int32) for _ in new)),
    )


def _is_outdated(rows: Rows, last: SearchIndex) -> bool:
    return changes.noted_from(rows) > last.revision or rows.whole(REVISION) < last.revision


def _first(index: SearchIndex) -> SearchIndex:
    names, segments = index.names[:1], index.segments[:1]
    return SearchIndex(index.name, index.revision, index.shown, names, segments, index.dead[:1])


def _hashes(index: SearchIndex, dead: Sequence[NDArray[np.int32]]) -> Iterator[str]:
    """Of what counts in the segments behind the first."""
    for segment, gone in zip(index.segments[1:], dead[1:], strict=True):
        left = set(gone.tolist())
        yield from (segment.hashes[row] for row in range(len(segment)) if row not in left)


def _written(folder: Path, segment: Segment) -> str:
    """Write a segment, see that it can be read again, and give its name."""
    name = secrets.token_hex(6)
    assert isinstance(segment.arrays, ArraysInMemory), "only new segments have no name"
    write_index_file(folder / SEGMENT.format(name=name), {"name": name}, segment.arrays.all())
    open_segment(folder, name)
    return name


def _publish(
    manifest: Path, facts: Mapping[str, Any], names: Sequence[str], dead: Sequence[NDArray[np.int32]]
) -> None:
    arrays = {f"dead.{number}": rows for number, rows in enumerate(dead)}
    write_index_file(manifest, {**facts, "made_by": made_by(), "segments": list(names)}, arrays)


def _remove_others(folder: Path, names: Sequence[str], manifests: Sequence[Path]) -> None:
    """Segments that nothing counts on, and manifests of captioners that are gone. Where a reader holds one
    and the system does not allow that, the next update does."""
    kept = {*(SEGMENT.format(name=name) for name in names), *(one.name for one in manifests)}
    for pattern in (SEGMENT.format(name="*"), OF_ONE.format(captioner="*")):
        for file in folder.glob(pattern):
            if file.name not in kept:
                with contextlib.suppress(OSError):
                    file.unlink()
