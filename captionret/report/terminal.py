"""What a search or a comparison looks like on a terminal, and as JSON.

Columns are aligned by what a terminal shows: wide letters take two cells, combining ones none. Names come
from other people's disks, so nothing in them may move the cursor, break a line or reorder the text: such
characters are shown as escapes.
"""

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ..counting import counted
from ..records import Explanation, Hit, Query
from .probabilities import reasons
from .visible import visible

Value = str | int | float | None  # what a table's cell may hold; None is "not known"

_GAP = "  "
_CUT = "(… is cut to the terminal's width; in a wider one, a file or a pipe everything is shown.)"
_NARROWEST = 8  # cells a column keeps on a terminal that is too narrow for it


def cells(text: str) -> int:
    """How many cells of a terminal `text` takes."""
    return sum(_letter_cells(letter) for letter in text)


def _letter_cells(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def shorten(text: str, width: int) -> str:
    """`text` in at most `width` cells, its end replaced by "…" where it does not fit."""
    if cells(text) <= width:
        return text
    used, kept = 1, []
    for letter in text:
        used += _letter_cells(letter)
        if used > width:
            break
        kept.append(letter)
    return "".join(kept).rstrip() + "…"


def shorten_path(text: str, width: int) -> str:
    """`text` in at most `width` cells, its beginning replaced by "…": a path's end tells files apart."""
    return text if cells(text) <= width else "…" + shorten(text[::-1], width)[-2::-1]


def search_text(
    query: Query,
    caption: str | None,
    tokens: Sequence[str],
    hits: Sequence[Hit],
    source: str,
    width: int | None = None,
    groups: Sequence[tuple[str, int]] = (),
) -> str:
    """A search as a person reads it: one line for the query, one per hit.

    caption: what the captioner says of the query; None where it was not asked (a text query, a mode without
             captions)
    tokens:  the words that were searched with; shown where there is neither caption nor text
    source:  who captioned, in a few words: "photos-lite, beam 3"
    width:   cells per line; None takes stdout's terminal, and whole lines where stdout is a file or a pipe
    groups:  what stands above hits that belong together, and how many these are; () for none
    """
    limit = _limit(width)
    lines = [
        (f"{hit.rank}", f"{hit.score:.2f}", _path_cell(hit), visible(hit.caption), visible(reasons(hit)))
        for hit in hits
    ]
    widths = _fit(
        [max(map(cells, column)) for column in zip(*lines, strict=True)] if lines else [],
        limit,
        first_flexible=2,
    )
    cut = (shorten, shorten, shorten_path, shorten, shorten)
    body = [
        _row([cut[i](cell, widths[i]) for i, cell in enumerate(line)], widths, right=(0, 1), margin=" ")
        for line in lines
    ]
    before_why = 1 + sum(widths[:4]) + 4 * len(_GAP)
    return "\n".join(
        [
            _query_line(query, caption, tokens, visible(source), before_why, limit),
            *(_under_headings(body, groups) or [" nothing found"]),
        ]
    )


def _under_headings(body: Sequence[str], groups: Sequence[tuple[str, int]]) -> list[str]:
    if not groups:
        return list(body)
    left = iter(body)
    return [line for name, count in groups for line in (visible(name), *islice(left, count))]


def _query_line(
    query: Query, caption: str | None, tokens: Sequence[str], source: str, column: int, limit: int
) -> str:
    """The query, and the source over the column of shared words; on a line of its own where both don't fit in
    one."""
    parts = [visible(query.image.name)] if query.image else []
    quoted = [visible(part) for part in (query.text, caption) if part]
    parts += [_quoted(part) for part in quoted] or [visible(" ".join(tokens))]
    left = "   ".join(part for part in parts if part)
    if not source:
        return shorten(left, limit)
    if cells(left) + len(_GAP) + cells(source) > limit:
        return f"{shorten(left, limit)}\n{shorten(source, limit)}"
    return _pad(left, max(min(column, limit - cells(source)), cells(left) + len(_GAP))) + source


def _quoted(text: str) -> str:
    """A text in quotation marks: single ones around what holds double ones, as it is typed in a shell."""
    mark = "'" if '"' in text else '"'
    return f"{mark}{text}{mark}"


def explanation_text(hit: Hit, explained: Explanation, most: int = 12) -> str:
    """A hit's score taken apart: each word with its weight on both sides and what it adds, the most telling
    first; then what is missing.

    most: so many words are shown; of the others how many there are
    """
    lines = [f"{hit.rank}  {hit.score:.3f}  {visible(hit.path)}"]
    lines += [f"   its caption says {visible(' '.join(hit.by_caption))}"] if hit.by_caption else []
    lines += ["   its file is called so"] if hit.by_name else []
    shared = [reason for reason in explained.words if reason.share > 0]
    for reason in shared[:most]:
        sides = f"query {reason.query:.2f}, image {reason.image:.2f}"
        word = f"{reason.word} ~ {reason.partner}" if reason.partner else reason.word
        lines.append(f"   {reason.share:+.3f}  {visible(word)}  ({sides}, counts {reason.weight:.2f})")
    if len(shared) > most:
        lines.append(
            f"   {sum(reason.share for reason in shared[most:]):+.3f}  "
            f"{counted(len(shared) - most, 'more words')}"
        )
    lines += [f"   {share:+.3f}  {name}" for name, share in explained.parts]
    only = {
        "only in the query": [
            reason.word for reason in explained.words if reason.share <= 0 and reason.query > reason.image
        ],
        "only in the image": [
            reason.word for reason in explained.words if reason.share <= 0 and reason.image > reason.query
        ],
    }
    lines += [f"   {where}: {visible(' '.join(words[:most]))}" for where, words in only.items() if words]
    if abs(explained.rest) >= 0.0005:
        lines.append(
            f"   {explained.rest:+.3f}  "
            f"{'what no word accounts for' if explained.words else 'by features, not by words'}"
        )
    return "\n".join(lines)


def _path_cell(hit: Hit) -> str:
    others = len(hit.copies) + len(hit.alike)
    return visible(hit.path) + (f" (+{others})" if others else "")


def search_json(
    query: Query,
    caption: str | None,
    tokens: Sequence[str],
    hits: Sequence[Hit],
    mode: str,
    library: str,
    root: Path | None = None,
) -> dict[str, Any]:
    """A search as programs read it. Paths are unaltered: write it with `json.dumps`' own ASCII, since a name
    may be no UTF-8.

    root: the library's root; with it the answer names it, and paths are absolute
    """
    base = os.path.abspath(root) if root else ""
    image = query.image and (os.path.abspath(query.image) if root else str(query.image))
    return {
        "query": {
            "image": image or None,
            "text": query.text,
            "caption": caption,
            "tokens": list(tokens),
        },
        "mode": mode,
        "library": library,
        **({"root": base} if root else {}),
        "hits": [
            {
                "rank": hit.rank,
                "score": float(hit.score),
                "path": os.path.join(base, hit.path),
                "caption": hit.caption,
                "why": list(hit.why),
                "words": [
                    {"word": word, "probability": round(sure, 4), "certain": word in hit.certain}
                    for word, sure in hit.words
                ],
                "by_caption": list(hit.by_caption),
                "by_name": hit.by_name,
                "weak": hit.weak,
                "taken": hit.taken,
                "alike": [os.path.join(base, path) for path in hit.alike],
            }
            for hit in hits
        ],
    }


def cell_text(value: Value, form: str | None = None) -> str:
    """A table's cell: None as "–", whole numbers with thousands marks, others with two decimals unless `form`
    says else (".1f")."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return visible(value)
    return format(value, form or ("," if isinstance(value, int) else ".2f"))


def numeric(rows: Sequence[Sequence[Value]], index: int) -> bool:
    """Whether a column holds numbers and nothing else; such a column is set flush right."""
    values = [row[index] for row in rows if row[index] is not None]
    return bool(values) and not any(isinstance(value, str) for value in values)


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Value]],
    formats: Mapping[str, str] | None = None,
    width: int | None = None,
) -> str:
    """A plain table, numbers flush right.

    rows:    one value per column each; ValueError otherwise
    formats: how a column's numbers are written, where two decimals don't fit: {"cider_d": ".1f"}
    width:   as in `search_text`; a line below says so where cells had to be cut
    """
    formats = formats or {}
    texts = [
        [cell_text(value, formats.get(name)) for name, value in zip(columns, row, strict=True)]
        for row in rows
    ]
    grid = [[visible(name) for name in columns], *texts]
    right = [index for index in range(len(columns)) if numeric(rows, index)]
    limit = _limit(width)
    whole = [max(map(cells, column)) for column in zip(*grid, strict=True)]
    widths = _fit(list(whole), limit, keep=right)
    lines = [_row([shorten(cell, widths[i]) for i, cell in enumerate(line)], widths, right) for line in grid]
    rule = _GAP.join("─" * width for width in widths)
    hint = textwrap.wrap(_CUT, limit) if widths != whole else []
    return "\n".join([lines[0], rule, *lines[1:], *hint])


def _limit(width: int | None) -> int:
    if width is not None:
        return width
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def _fit(widths: list[int], limit: int, first_flexible: int = 0, keep: Sequence[int] = ()) -> list[int]:
    """Take cells from the widest column until the line fits; numbers are never cut, and no column goes below
    _NARROWEST."""
    flexible = [
        index
        for index in range(first_flexible, len(widths))
        if index not in keep and widths[index] > _NARROWEST
    ]
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) + (1 if first_flexible else 0) - limit
    while excess > 0 and flexible:
        widest = max(flexible, key=lambda index: widths[index])
        widths[widest] -= 1
        excess -= 1
        if widths[widest] == _NARROWEST:
            flexible.remove(widest)
    return widths


def _row(line: Sequence[str], widths: Sequence[int], right: Sequence[int], margin: str = "") -> str:
    padded = (
        _pad(cell, width, right=index in right)
        for index, (cell, width) in enumerate(zip(line, widths, strict=True))
    )
    return (margin + _GAP.join(padded)).rstrip()


def _pad(text: str, width: int, right: bool = False) -> str:
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks
