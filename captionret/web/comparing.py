"""One query asked in several ways, and the captioners of a library, side by side."""

from collections.abc import Sequence
from dataclasses import replace

from ..app.curating.library_captioners import CaptionerRow, compare_captioners
from ..counting import counted
from ..errors import BadSetting, CaptionretError
from ..report.visible import visible, visible_lines
from .asking import Asking
from .comparison_records import (
    CaptionerFigures,
    CaptionerPair,
    CaptionersCompared,
    Column,
    Disputed,
    SideBySide,
)
from .searching import Searching
from .shelf import Shelved

MOST_PICTURES = 20_000  # whose captions are set side by side while somebody waits
_SCORES = ("bleu1", "bleu4", "rouge_l", "cider_d")


def side_by_side(
    searching: Searching, shelved: Shelved, asking: Asking, columns: Sequence[str], limit: int
) -> SideBySide:
    """The first hits by each column, and what all columns found.

    columns: modes, each with a captioner's name behind a colon where its captions are meant: "words",
             "jaccard:captions.csv"
    errors:  BadSetting for a column that is named twice, and for a captioner that the library does not have;
             what a single mode refuses stands in its column
    """
    if len(set(columns)) < len(columns):
        raise BadSetting("Each column has to be another mode or another captioner.")
    for one in columns:
        shelved.label(one.partition(":")[2])
    found = [_column(searching, shelved, asking, one, limit) for one in columns]
    sets = [{hit.id for hit in one.hits} for one in found]
    return SideBySide(
        columns=found,
        agreed=[hit.id for hit in found[0].hits if all(hit.id in one for one in sets)],
        different=len(set().union(*sets)),
    )


def _column(searching: Searching, shelved: Shelved, asking: Asking, column: str, limit: int) -> Column:
    mode, _, by = column.partition(":")
    try:
        answer = searching.answer(shelved, replace(asking, mode=mode, by=by), 0, limit)
    except CaptionretError as error:
        return Column(mode=mode, by=by, hits=[], notes=[], problem=visible_lines(error.message))
    return Column(mode=mode, by=by, hits=answer.hits, notes=answer.notes)


def captioners_compared(shelved: Shelved, references: str) -> CaptionersCompared:
    """The captioners of a library in figures; kept until it changes.

    references: whose captions are taken for right, a captioner's name or "a person"; "": nobody's
    errors:     BadSetting for fewer than two captioners, for a library that is too large; as
                compare_captioners
    """
    count = len(shelved.snapshot())
    if count > MOST_PICTURES:
        raise BadSetting(
            f"The library holds {counted(count, 'pictures')}: for more than {MOST_PICTURES:,} run captionret "
            "compare."
        )
    return shelved.kept(("captioners", references), lambda: _compared(shelved, references))


def _compared(shelved: Shelved, references: str) -> CaptionersCompared:
    label = references if references in ("", "a person") else shelved.label(references)
    found = compare_captioners(shelved.library, references=label or None)
    snapshot = shelved.snapshot()
    row_of = snapshot.gallery().row_of_id
    hashes = snapshot.gallery().hashes
    return CaptionersCompared(
        captioners=[_row(one) for one in found.rows],
        pairs=[
            CaptionerPair(
                one=visible(pair.one),
                other=visible(pair.other),
                pictures=pair.pictures,
                agreement=round(pair.agreement, 4),
                found=round(pair.found, 2),
            )
            for pair in found.pairs
        ],
        disputed=[
            Disputed(
                id=hashes[row_of[path]],
                captions={visible(name): visible(text) for name, text in captions.items()},
            )
            for path, captions in found.shown
            if path in row_of
        ],
    )


def _row(one: CaptionerRow) -> CaptionerFigures:
    scores = {} if one.scores is None else {name: float(getattr(one.scores, name)) for name in _SCORES}
    return CaptionerFigures(
        name=visible(one.name),
        kind=one.kind,
        since=one.since,
        pictures=one.pictures,
        words=round(one.words, 2),
        different=one.different,
        scores=scores,
    )
