"""A part of a library's search index: some pictures in the order of their paths, with all that a search shows
of them, and the postings of their captions' words."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...retrieval.index.arrays import (
    Arrays,
    ArraysInMemory,
    ReadSequence,
    TextLists,
    Texts,
    list_arrays,
    text_arrays,
)
from ...retrieval.index.postings import (
    CaptionPostings,
    arrays_of_words,
    distinct,
    numbered,
    posting_arrays,
    small,
)
from ...text import words
from ..catalogue.documents import Document
from ..catalogue.rows import Damaged
from .fact_columns import FactColumns, fact_arrays

_HASH = 32  # bytes of a SHA-256


class Segment:
    """Pictures by their row in the segment.

    paths:    the first of each, ascending; it is the picture's id
    captions: the best of each; more: its further ones
    copies:   further paths of the same content
    """

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self.paths, self.captions = Texts(arrays, "paths"), Texts(arrays, "captions")
        self.more, self.copies = TextLists(arrays, "more"), TextLists(arrays, "copies")
        self.struck, self.tags = TextLists(arrays, "struck"), TextLists(arrays, "tags")
        self.hashes = Hashes(arrays)

    @cached_property
    def postings(self) -> CaptionPostings:
        """The words of the best captions."""
        return CaptionPostings(self.arrays, len(self))

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """(n,) where the words of each best caption end in `order`."""
        return np.cumsum(self.postings.of_each("length"), dtype=np.int64)

    @cached_property
    def more_ends(self) -> NDArray[np.int64]:
        """The same of the further captions in `more.order`."""
        return np.cumsum(self.arrays.whole("more.lengths"), dtype=np.int64)

    @property
    def feature_rows(self) -> NDArray[np.integer]:
        """(n,) where each picture's feature stands."""
        return self.arrays.whole("feature_rows")

    @property
    def own(self) -> NDArray[np.int32]:
        """The rows of pictures that a person captioned, ascending."""
        return self.arrays.whole("own")

    def is_own(self, row: int) -> bool:
        """Whether a person captioned a picture."""
        own = self.own
        place = int(own.searchsorted(own.dtype.type(row))) if len(own) else 0
        return place < len(own) and bool(own[place] == row)

    @cached_property
    def certain(self) -> NDArray[np.int32]:
        """The rows of pictures whose captions a person wrote or a file gives, ascending."""
        return self._marked("certain")

    @cached_property
    def other_eyes(self) -> NDArray[np.int32]:
        """The rows of pictures whose captions are of a captioner that sees with another CNN, ascending."""
        return self._marked("other_eyes")

    def _marked(self, name: str) -> NDArray[np.int32]:
        bits = self.arrays.whole(name)
        return np.flatnonzero(np.unpackbits(bits, count=len(self) if len(bits) else 0)).astype(np.int32)

    @cached_property
    def known(self) -> tuple[Texts, NDArray[np.uint32]]:
        """The words of all captions, ascending, and how many pictures each is of."""
        if "known.counts" in self.arrays:
            return Texts(self.arrays, "known"), self.arrays.whole("known.counts")
        return self.postings.words, self.arrays.whole("frequencies")

    def under(self, folder: str) -> NDArray[np.int32]:
        """The rows of pictures of which a path is that of a folder, or of a file, or lies below it."""
        first, last = (self.paths.before(f"{folder}{end}".encode(errors="surrogatepass")) for end in "/0")
        itself = self.paths.find(folder)
        copies = (row for row, path in self.copies.pairs() if path == folder or path.startswith(f"{folder}/"))
        others = {*copies, *([] if itself is None else [itself])}
        return np.union1d(np.arange(first, last), np.array(sorted(others), np.int64)).astype(np.int32)

    def all_captions(self, row: int) -> tuple[str, ...]:
        """Of one picture, the best first."""
        return (self.captions[row], *self.more[row])

    def row_of(self, sha256: str) -> int | None:
        """The row of a content; None where it is not here."""
        return self.hashes.find(sha256)

    @cached_property
    def facts(self) -> FactColumns:
        """What the pictures' files say about themselves, where they say anything."""
        return FactColumns(self.arrays)

    def __len__(self) -> int:
        return len(self.paths)


class Hashes(ReadSequence[str]):
    """The content hash of each picture, kept as 32 bytes."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays, self._count = arrays, arrays.length("by_hash")

    def at(self, row: int) -> str:
        """Of one picture."""
        return self._bytes(row).hex()

    def find(self, sha256: str) -> int | None:
        """The row of a hash; None where it is not here."""
        try:
            sought = bytes.fromhex(sha256)
        except ValueError:
            return None
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            row = int(self._arrays.part("by_hash", middle, middle + 1)[0])
            found = self._bytes(row)
            if found == sought:
                return row
            low, high = (middle + 1, high) if found < sought else (low, middle)
        return None

    def places(self, hashes: NDArray[np.uint8]) -> NDArray[np.int64]:
        """(m,) the row of each of (m, 32) hashes; -1 where it is not here. Hashes in the order of these rows,
        without others between them, are found at once."""
        count = len(hashes)
        first = self.find(hashes[0].tobytes().hex()) if count else None
        if first is not None:
            same = self._arrays.part("hashes", _HASH * first, _HASH * (first + count))
            if np.array_equal(same, hashes.reshape(-1)):
                return np.arange(first, first + count)
        found = np.full(count, -1, np.int64)
        if not count or not len(self):
            return found
        order = self._arrays.whole("by_hash")
        own = np.ascontiguousarray(self._arrays.whole("hashes")).view(f"S{_HASH}")[order]
        sought = np.ascontiguousarray(hashes).view(f"S{_HASH}").reshape(-1)
        places = np.minimum(np.searchsorted(own, sought), len(own) - 1)
        held = own[places] == sought
        found[held] = order[places[held]]
        return found

    def __iter__(self) -> Iterator[str]:
        text, digits = self._arrays.whole("hashes").tobytes().hex(), 2 * _HASH
        return iter([text[start : start + digits] for start in range(0, len(text), digits)])

    def _bytes(self, row: int) -> bytes:
        return self._arrays.part("hashes", _HASH * row, _HASH * (row + 1)).tobytes()

    def __len__(self) -> int:
        return self._count


def segment_of(documents: Sequence[Document], kept: bool = False) -> Segment:
    """A segment in memory, of pictures in the order of their paths. Postings are made when first asked for.

    kept:   whether it will be written; otherwise base forms of words are left until a mode asks for them
    errors: Damaged for a hash that is none
    """
    count = len(documents)
    try:
        hashes = np.frombuffer(bytes.fromhex("".join(one.sha256 for one in documents)), np.uint8)
    except ValueError:
        hashes = np.zeros(0, np.uint8)
    if len(hashes) != _HASH * count:
        raise Damaged("the hash of a picture is none")
    captions = [one.captions[0] for one in documents]
    arrays: dict[str, NDArray[Any]] = {
        **text_arrays("paths", [one.paths[0] for one in documents]),
        **text_arrays("captions", captions),
        **list_arrays("more", [one.captions[1:] for one in documents]),
        **list_arrays("copies", [one.paths[1:] for one in documents]),
        **list_arrays("struck", [one.struck for one in documents]),
        **list_arrays("tags", [one.tags for one in documents]),
        "hashes": hashes,
        "by_hash": np.argsort(hashes.view(f"S{_HASH}"), kind="stable").astype(np.int32),
        "feature_rows": _narrow(np.fromiter((one.feature_row for one in documents), np.int64, count)),
        "own": np.flatnonzero([one.own for one in documents]).astype(np.int32),
        "certain": _marks([one.certain for one in documents]),
        "other_eyes": _marks([one.other_eyes for one in documents]),
        **fact_arrays([one.facts for one in documents], [one.tags for one in documents]),
    }
    every = [one.captions for one in documents]
    return Segment(ArraysInMemory(arrays, lambda: word_arrays(every, base_forms=kept)))


def word_arrays(captions: Sequence[Sequence[str]], base_forms: bool = True) -> dict[str, NDArray[Any]]:
    """What a segment keeps of the words of captions, of each picture the best one first: the postings of
    these, and where there are others how many pictures each word of all is of, and the words of the others
    in their order. base_forms: see posting_arrays"""
    if all(len(one) == 1 for one in captions):
        return posting_arrays([one[0] for one in captions], base_forms)
    words, lengths, ids = numbered([text for one in captions for text in one])
    counts = np.fromiter(map(len, captions), np.int64, len(captions))  # texts of each picture
    best = np.zeros(len(lengths), np.bool_)
    best[np.cumsum(counts) - counts] = True
    pictures = np.repeat(np.repeat(np.arange(len(captions)), counts), lengths)  # of each word
    once = distinct(pictures * len(words) + ids) % max(len(words), 1)
    of_best = np.repeat(best, lengths)
    held = np.bincount(ids[of_best], minlength=len(words)) > 0
    return {
        **arrays_of_words(
            [words[number] for number in np.flatnonzero(held).tolist()],
            lengths[best],
            (np.cumsum(held, dtype=np.int32) - 1)[ids[of_best]],
            base_forms,
        ),
        **text_arrays("known", words),
        "known.counts": np.bincount(once, minlength=len(words)).astype(np.uint32),
        "more.order": small(ids[~of_best]),
        "more.lengths": small(lengths[~best]),
    }


def words_of(captions: Iterable[str]) -> set[str]:
    """The different words of some captions."""
    return {word for caption in captions for word in words(caption)}


def _marks(rows: Sequence[bool]) -> NDArray[np.uint8]:
    """A bit for each row; nothing where none is marked."""
    return np.packbits(np.array(rows, np.bool_)) if any(rows) else np.zeros(0, np.uint8)


def _narrow(numbers: NDArray[np.int64]) -> NDArray[Any]:
    return numbers.astype(np.uint32) if numbers.max(initial=0) < 2**32 else numbers
