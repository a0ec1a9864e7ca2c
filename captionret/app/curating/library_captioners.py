"""The captioners of one library side by side: what each says, how far they agree, what each finds, and how
good each is by captions that are taken for right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from ...datasets import Dataset
from ...errors import BadDataset, BadSetting
from ...evaluation.captions import scorer
from ...files import sha256_of
from ...library import KnownCaptioner, Library
from ...library.captions.captioners import PERSON
from ...records import Caption, Item
from ...retrieval import EncodedQuery, Gallery, search
from ...text import content_words, word_set

if TYPE_CHECKING:  # it reads checkpoints, which need torch
    from ..measuring.comparisons import Comparison

QUERIES = 200  # pictures by which two captioners' answers are compared
TOP = 10
_MODE = "jaccard"

Captions = Mapping[str, tuple[Caption, ...]]  # by a picture's path


@dataclass(frozen=True, slots=True)
class CaptionerRow:
    """One captioner in figures.

    pictures:  that it captioned; words: of a caption, on average; different: words that it uses
    scores:    its captions against those taken for right; None where there are none
    """

    name: str
    kind: str
    since: str
    pictures: int
    words: float
    different: int
    scores: scorer.CaptionScores | None = None


@dataclass(frozen=True, slots=True)
class PairRow:
    """Two captioners over the pictures that both captioned.

    agreement: the mean Jaccard similarity of their captions' words
    found:     how many of the first ten that a caption finds by Jaccard similarity are the same, on average
               over the captions of some pictures, 0 to 10
    """

    one: str
    other: str
    pictures: int
    agreement: float
    found: float


@dataclass(frozen=True, slots=True)
class Compared:
    """All of it.

    shown:    some pictures with what each captioner says of them
    measured: the table of compare_variants, over the pictures that all of them captioned and of which there
              are captions that are taken for right; None where these are fewer than two
    """

    rows: tuple[CaptionerRow, ...]
    pairs: tuple[PairRow, ...]
    shown: tuple[tuple[str, Mapping[str, str]], ...]
    measured: "Comparison | None" = None


def compare_captioners(
    library: Library,
    names: Sequence[str] = (),
    references: str | None = None,
    shown: int = 5,
    *,
    people: Mapping[str, Sequence[str]] | None = None,
    relevance: str = "tfidf",
) -> Compared:
    """Set captioners of a library side by side.

    names:      theirs; none: all that it knows
    references: whose captions are taken for right: a captioner's name, "a person", or None
    shown:      of how many pictures the captions are listed: those over which they agree least
    people:     captions that are taken for right, by a picture's path, in place of references; see people_of
    relevance:  by which retrieval is measured, see load_relevance
    errors:     BadSetting for a name that there is not, or fewer than two captioners
    """
    known = {one.label: one for one in library.captioners}
    for name in names:
        library.snapshot(name)  # refuses what is not there
    chosen = [one for one in (names or known) if one != references]
    if len(chosen) + (references is not None) < 2 - (people is not None):
        raise BadSetting(
            f"{library.path} has captions by {', '.join(known) or 'nobody'}, and captioners are compared "
            "from two on. Let another one caption its pictures, too."
        )
    captions_by = _captions(library)
    right = None if references is None else _references(captions_by, references)
    if people is not None:
        right = {path: tuple(Caption(text, (), 0.0) for text in texts) for path, texts in people.items()}
    rows = tuple(_row(known[name], captions_by[name], right) for name in chosen)
    pairs = tuple(_pair(captions_by, one, other) for one, other in combinations(chosen, 2))
    measured = None if right is None else _measured(library, captions_by, chosen, right, relevance)
    return Compared(rows, pairs, _disputed(captions_by, chosen, shown), measured)


def people_of(library: Library, dataset: Dataset, split: str | None = None) -> dict[str, tuple[str, ...]]:
    """What people wrote in a collection of the pictures that a library holds, by their paths in it; the same
    picture is known by its content.

    split:  None: all of the collection
    errors: BadDataset where the library holds none of its captioned pictures
    """
    gallery = library.gallery()
    items = dataset.items if split is None else dataset.split(split)
    found = {}
    for item in items:
        if item.captions and item.path is not None:
            row = gallery.row_of.get(sha256_of(item.path))
            if row is not None:
                found[gallery.paths[row]] = item.captions
    if not found:
        where = dataset.spec if split is None else f"{dataset.spec}, split {split}"
        raise BadDataset(
            f"{library.path} holds no picture of {where} that people captioned. "
            "Index the collection's folder."
        )
    return found


def _measured(
    library: Library,
    captions_by: Mapping[str, Captions],
    chosen: Sequence[str],
    right: Captions,
    relevance: str,
) -> "Comparison | None":
    """The captioners as checkpoints are compared."""
    both = [path for path in right if all(path in captions_by[name] for name in chosen)]
    if len(both) < 2 or not chosen:
        return None
    from ..measuring.compared_captions import scored
    from ..measuring.comparisons import Comparison, Measuring

    gallery, root = library.gallery(), library.root
    hash_of = dict(zip(gallery.paths, gallery.hashes, strict=True))
    items = [Item(path, root / path, tuple(one.text for one in right[path])) for path in both]
    hashes = [hash_of[path] for path in both]
    compared = [
        scored(
            {"variant": name}, [captions_by[name][path][0].text for path in both], hashes, items, relevance
        )
        for name in chosen
    ]
    what = f"the library {library.path.name} that all of them captioned"
    return Comparison(
        what, items, Measuring(relevance=relevance), compared, "Captions as the library holds them."
    )


def _row(known: KnownCaptioner, captions: Captions, right: Captions | None) -> CaptionerRow:
    scores = _scores(captions, right)
    return CaptionerRow(known.label, known.kind, known.adopted[:10], *_figures(captions), scores)


def _captions(library: Library) -> dict[str, dict[str, tuple[Caption, ...]]]:
    """By captioner, what it says of each picture; a person's under PERSON."""
    found: dict[str, dict[str, tuple[Caption, ...]]] = {one.label: {} for one in library.captioners}
    for picture in library:
        for by in picture.every:
            found.setdefault(by.name, {})[picture.path] = by.captions
    return found


def _references(captions_by: Mapping[str, Captions], name: str) -> Captions:
    if not captions_by.get(name):
        raise BadSetting(f"Nothing is captioned by {name}: its captions cannot be taken for right.")
    return captions_by[name]


def _figures(captions: Captions) -> tuple[int, float, int]:
    listed = [one[0].text.split() for one in captions.values()]
    count = sum(map(len, listed)) / len(listed) if listed else 0.0
    return len(listed), count, len({word for words in listed for word in words})


def _scores(captions: Captions, right: Captions | None) -> scorer.CaptionScores | None:
    both = [path for path in right or () if path in captions]
    if right is None or not both:
        return None
    references = {path: [one.text for one in right[path]] for path in both}
    return scorer.score({path: captions[path][0].text for path in both}, references)


def _pair(captions_by: Mapping[str, Captions], one: str, other: str) -> PairRow:
    both = [path for path in captions_by[one] if path in captions_by[other]]
    agreement = [_jaccard(captions_by[one][path], captions_by[other][path]) for path in both]
    galleries = [Gallery(both, [captions_by[name][path][0].text for path in both]) for name in (one, other)]
    asked = both[:: max(1, len(both) // QUERIES)]
    same = [
        _same(galleries, captions_by[one][path][0].text, captions_by[other][path][0].text) for path in asked
    ]
    mean = sum(agreement) / len(both) if both else 0.0
    return PairRow(one, other, len(both), mean, sum(same) / len(same) if same else 0.0)


def _same(galleries: Sequence[Gallery], one: str, other: str) -> int:
    found = [
        {hit.path for hit in search(gallery, EncodedQuery(text=text), _MODE, TOP)}
        if content_words(word_set(text))
        else set()
        for gallery, text in zip(galleries, (one, other), strict=True)
    ]
    return len(found[0] & found[1])


def _jaccard(one: Sequence[Caption], other: Sequence[Caption]) -> float:
    first, second = word_set(one[0].text), word_set(other[0].text)
    return len(first & second) / len(first | second) if first | second else 0.0


def _disputed(
    captions_by: Mapping[str, Captions], chosen: Sequence[str], count: int
) -> tuple[tuple[str, Mapping[str, str]], ...]:
    """The pictures over which captioners agree least."""
    paths = [path for path in captions_by[chosen[0]] if all(path in captions_by[name] for name in chosen)]
    pairs = list(combinations([*chosen, *([PERSON] if len(chosen) < 2 else [])], 2))

    def agreement(path: str) -> float:
        return sum(
            _jaccard(captions_by[one][path], captions_by[other][path])
            for one, other in pairs
            if path in captions_by.get(one, {}) and path in captions_by.get(other, {})
        )

    return tuple(
        (path, {name: captions_by[name][path][0].text for name in chosen})
        for path in sorted(paths, key=lambda path: (agreement(path), path))[:count]
    )
