"""What a search answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from ..library import Library, LibrarySnapshot
from ..records import Explanation, Hit, Query
from ..retrieval import EncodedQuery
from ..text import words

_ASKED_WHOSE = 100  # hits of which it is asked who captioned them


@dataclass(frozen=True, eq=False)
class SearchResult(Sequence[Hit]):
    """The hits of one query, best first: a sequence, with what else there is to say of them.

    hits:         as `captionret.retrieval.search` ranks them
    asked:        the picture and the text, for people
    query:        the query as it was compared
    explanations: of each hit how its score came about; empty unless asked for
    mode:         that answered
    source:       what captioned the hits, in a few words: "photos-lite, beam 3"; several: "a person;
                  captions.csv"
    library:      its folder; root: the folder of its pictures, to which the hits' paths are relative
    searched:     how many pictures were compared
    notes:        what to say of the query's words and of an answer without hits, a sentence each
    """

    hits: tuple[Hit, ...]
    asked: Query
    query: EncodedQuery
    explanations: tuple[Explanation, ...]
    mode: str
    source: str
    library: Path
    root: Path
    searched: int
    notes: tuple[str, ...] = ()

    @property
    def caption(self) -> str | None:
        """What the captioner says of the query's picture; None without one."""
        return self.query.caption

    @property
    def tokens(self) -> list[str]:
        """The words of the query's caption and text, each once."""
        return list(dict.fromkeys(words(f"{self.caption or ''} {self.query.text or ''}")))

    @property
    def paths(self) -> list[Path]:
        """Where the pictures of the hits lie."""
        return [self.root / hit.path for hit in self.hits]

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, place: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[place]

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def __repr__(self) -> str:
        first = f", the first {self.hits[0].path!r} ({self.hits[0].score:.2f})" if self.hits else ""
        return f"<SearchResult of mode {self.mode}: {len(self.hits)} of {self.searched:,} pictures{first}>"


def source_of(library: Library, snapshot: LibrarySnapshot, hits: Sequence[Hit]) -> str:
    """Who captioned the hits; where there are none, the best ranked captioner."""
    gallery, best = snapshot.gallery(), snapshot.captioned_by
    hashes = [gallery.hashes[gallery.row_of_id[hit.id]] for hit in hits[:_ASKED_WHOSE]]
    names = library.captioned_by(snapshot, hashes) if hashes else []
    return "; ".join(names) or (best.summary if best else "")
