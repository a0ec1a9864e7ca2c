"""The page about a collection: how many pictures became what, whose they are, and some of each query."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from ..counting import counted
from ..report.page import Picture, PicturesSection, Section, TableSection, write_page
from ..report.terminal import Value
from .journal import OUTCOMES, Entry

PAGE = "report.html"
_SHOWN = 8  # pictures of a query
_QUERIES = 40
_REASONS = 200


def write_report(folder: Path, entries: Sequence[Entry]) -> Path:
    """Write report.html; returns its path."""
    kept = [one for one in entries if one.outcome == "kept" and (folder / one.file).is_file()]
    by_query: dict[str, list[Entry]] = defaultdict(list)
    for entry in kept:
        by_query[entry.query].append(entry)
    lead = f"{counted(len(kept), 'pictures are')} kept of {len(entries):,} that were named."
    sections: list[Section] = [_outcomes(entries), *_licences(kept)]
    sections += [_pictures(folder, query, some) for query, some in [*by_query.items()][:_QUERIES]]
    sections += _reasons(entries)
    return write_page(folder / PAGE, "A collection from the web", lead, sections)


def _outcomes(entries: Sequence[Entry]) -> TableSection:
    counts = Counter(entry.outcome for entry in entries)
    rows: list[list[Value]] = [
        [name, about, counts[name]] for name, about in OUTCOMES.items() if counts[name]
    ]
    return TableSection("What became of them", ["", "pictures", "number"], rows)


def _licences(kept: Sequence[Entry]) -> list[Section]:
    counts = Counter((entry.licence or "not stated", entry.source) for entry in kept)
    if not counts:
        return []
    rows: list[list[Value]] = [[licence, source, count] for (licence, source), count in counts.most_common()]
    note = "Most licences ask for authors and licence to be named: captions.csv has those of every picture."
    return [TableSection("Licences", ["licence", "source", "pictures"], rows, note)]


def _pictures(folder: Path, query: str, entries: Sequence[Entry]) -> PicturesSection:
    cards = [
        Picture(
            folder / one.file,
            str(number),
            one.captions[0] if one.captions else "",
            ", ".join(filter(None, (one.author, one.licence))) or one.file,
        )
        for number, one in enumerate(entries[:_SHOWN], 1)
    ]
    return PicturesSection(f"{query or 'Pictures'} ({len(entries):,})", cards)


def _reasons(entries: Sequence[Entry]) -> list[Section]:
    left = [one for one in entries if one.outcome != "kept"]
    if not left:
        return []
    rows = [[one.outcome, one.address[:200], one.reason[:300]] for one in left[:_REASONS]]
    more = len(left) - len(rows)
    note = f"{more:,} more stand in collect.jsonl." if more else ""
    return [TableSection("Not kept", ["why", "address", "reason"], rows, note)]
