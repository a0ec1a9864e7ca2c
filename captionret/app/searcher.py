"""One door to searching: what the command line, Python programs and the web page all call.

searcher = Searcher("photos")  # a library by name or path, or a folder of pictures
for hit in searcher.search("a dog on a beach"):
    print(hit.rank, hit.score, hit.path, hit.words)
searcher.search("q.jpg", mode="hybrid", like=["beach/0142.jpg"])
"""

import copy
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..counting import counted
from ..library import Captioning, DamagedIndex, LibrarySnapshot, UpdateReport, WordPredicting
from ..library.names import PathInput
from ..records import Hit
from ..retrieval import EncodedQuery, Gallery, find_mode
from ..retrieval.feedback import WEIGHTS
from ..retrieval.language import Day
from ..retrieval.notes import notes, taken
from ..retrieval.search import towards_first
from .galleries import gallery_place, open_gallery
from .loading.loaded import Models, SpaceInput
from .loading.ready import ReadyLibrary
from .loading.rerankers import with_reranker
from .loading.spaces import renamed_mode
from .models import Library
from .query.answering import Order, Wanted, below_least, find_hits
from .query.asking import Asked, Limits, asked
from .query.encoding import Encoder
from .result import SearchResult, source_of

if TYPE_CHECKING:  # importing every decoder of pictures takes as long as a text query
    from ..images import ImageInput

log = logging.getLogger(__name__)


class Searcher:
    """A library, or a folder of pictures, and the models to search it with.

    One searcher may be used from several threads. Each query sees the library at one moment, whatever is
    committed meanwhile. What a mode requires is made or loaded when it is first asked for, and logged.

    with Searcher("~/Pictures") as searcher:
        result = searcher.search("two dogs", mode="embedding", top=3)
        print(result.paths)
    """

    def __init__(
        self,
        library: Library | str | os.PathLike[str] | None,
        *,
        captioner: Captioning | str | os.PathLike[str] | None = None,
        predictor: WordPredicting | None = None,
        spaces: Sequence[SpaceInput] = (),
        device: str = "auto",
        beam: int = 3,
        captions_by: str | None = None,
    ) -> None:
        """Nothing is read or loaded before it is needed, but what is not there is refused at once.

        library:   a library, open or by its name or path; or a folder of pictures, which is captioned before
                   its first query; None: the sample photographs
        captioner: what captions pictures that the library does not hold; None: the library's own, of a folder
                   the shipped one
        predictor: what predicts their words; None: the library's own, else the shipped lexical head
        spaces:    embedding spaces, each for its mode: models, directories or names; the shipped one is found
                   without
        device:    "auto" (the GPU where there is one), "cpu", "cuda", "cuda:1"
        beam:      of the captions of a folder of pictures
        captions_by: whose captions are searched and shown, see Library.snapshot; None: the best of each
                   picture
        errors:    BadSetting where there is neither a library nor a folder of that name
        """
        if not isinstance(library, Library | None):
            gallery_place(library)
        self._given, self._beam = library, beam
        self._library = library if isinstance(library, Library) else None
        self._opened_here = self._library is None
        self._models = Models(captioner, predictor, spaces, device)
        self._captions_by = captions_by
        self._ready = ReadyLibrary(self._models, captions_by)
        self._lock = RLock()

    @property
    def library(self) -> Library:
        """The library that is searched; a folder of pictures is captioned now. errors: as open_gallery"""
        with self._lock:
            if self._library is None:
                assert not isinstance(self._given, Library)
                self._library = open_gallery(self._given, self._models.folder_captioner, self._beam)
            return self._library

    def search(
        self,
        query: "ImageInput | None" = None,
        *,
        text: str | None = None,
        image: "ImageInput | None" = None,
        mode: str = "auto",
        top: int | None = 5,
        min_score: float | None = None,
        keep_self: bool = False,
        like: "Sequence[ImageInput]" = (),
        dislike: "Sequence[ImageInput]" = (),
        feedback_weights: Sequence[float] = WEIGHTS,
        plus: Sequence[str] = (),
        minus: Sequence[str] = (),
        rerank: int = 0,
        explain: bool = False,
        under: str | None = None,
        since: Day | None = None,
        until: Day | None = None,
        min_probability: float | None = None,
        collapse: bool = False,
        sort: Order = "score",
    ) -> SearchResult:
        """The pictures most like a picture, a text or both; best first, a hit each, the query's own left out.

        query: a text in the query language (`parse`); or a picture: a path, PIL image, uint8 array (H, W, 3),
               bytes, an open file. A str that names a file is a picture; `text`, `image` say which is meant
        mode:  how to compare, see list_modes(); auto: the best that the library allows, which is logged
        keep_self: also show the query's own picture; collapse: one hit of those that are nearly the same
        top:   at most so many hits, None: all; min_score: each scores this; sort: by score, date or newest
        like:  pictures that hits should be more like: of the library, as its answers show them, or others;
               dislike: less like; these are never shown. feedback_weights: see rocchio
        plus, minus: texts whose vectors are added and taken away; rerank: ask again with the mean vector of
               the first so many hits (modes of a space); explain: how scores came about
        under, since, until, min_probability: as in the query language, see ParsedQuery.limited
        errors: BadSetting for what cannot be asked for; BadImage; BadLibrary, BadCheckpoint
        """
        limits = Limits(under, since, until, min_probability)
        given = asked(query, text, image, like, dislike, feedback_weights, plus, minus, limits)
        wanted = Wanted(top, min_score, keep_self, collapse, sort)

        def answer() -> SearchResult:
            name, snapshot, encoded = self._encode(given, mode, rerank)
            if rerank:
                encoded = towards_first(snapshot.gallery(), encoded, name, rerank, keep_self)
            hits = find_hits(snapshot, encoded, name, wanted)
            return self._result(given, name, snapshot, encoded, hits, wanted, explain)

        return self._whatever_the_index_is(answer)

    def _whatever_the_index_is(self, answer: Callable[[], SearchResult]) -> SearchResult:
        """The answer, from the catalogue alone where the search index turns out to be damaged."""
        try:
            return answer()
        except DamagedIndex as error:
            log.warning(f"{error.message} The catalogue is read in its place.")
            self.library.without_index(self._captions_by)
            return answer()

    def encode_query(
        self,
        query: "ImageInput | None" = None,
        *,
        text: str | None = None,
        image: "ImageInput | None" = None,
        mode: str = "auto",
        like: "Sequence[ImageInput]" = (),
        dislike: "Sequence[ImageInput]" = (),
        feedback_weights: Sequence[float] = WEIGHTS,
        plus: Sequence[str] = (),
        minus: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> EncodedQuery:
        """The query with what the mode compares of it, as `captionret.retrieval.search` takes it.

        The arguments and errors are those of `search`; limits: its last four.
        """
        given = asked(query, text, image, like, dislike, feedback_weights, plus, minus, limits)
        return self._encode(given, mode, 0)[2]

    def gallery(self, mode: str = "auto") -> Gallery:
        """The library's pictures at this moment, with what the mode compares. errors: as search"""
        return self._snapshot(mode)[1].gallery()

    def add(self, paths: PathInput | Iterable[PathInput]) -> UpdateReport:
        """Caption these pictures into the library, by the captioner that made it, which is loaded once, and
        prepare the next search. errors: as Library.add"""
        library = self.library
        made_by = library.made_by
        with self._models.lock:
            captioner = None if made_by is None else self._models.captioner_for(made_by)
            if captioner is not None and made_by is not None:
                captioner = with_reranker(captioner, made_by.decoding)
            done = library.add(paths, captioner, progress=False, device=self._models.device)
        self.prepare(progress=False)
        return done

    def prepare(self, progress: bool | None = None) -> None:
        """Make now what the next search would wait for: words and vectors of new pictures, which the library
        keeps. What cannot be made is left to that search, which says why. errors: as `library`"""
        with self._lock:
            self._ready.prepare(self.library, progress)

    @property
    def models(self) -> Models:
        """What it computes with."""
        return self._models

    def with_captions_by(self, captions_by: str | None) -> "Searcher":
        """The same library and models, with the captions of one captioner (None: the best of each picture).
        It need not be closed. errors: as `library`"""
        found = copy.copy(self)
        found._library, found._opened_here = self.library, False
        found._captions_by, found._ready = captions_by, ReadyLibrary(self._models, captions_by)
        return found

    def with_library(self, library: Library) -> "Searcher":
        """A searcher of another library that is open, with the same models."""
        found = copy.copy(self)
        found._given = found._library = library
        found._opened_here, found._captions_by, found._lock = False, None, RLock()
        found._ready = ReadyLibrary(self._models)
        return found

    def check_spaces(self, mode: str) -> None:
        """BadSetting where a space was given that the mode does not compare in: a single search has no use
        for it."""
        self._models.check_spaces(mode, lambda: self.library.snapshot().contents.hybrid)

    def close(self) -> None:
        """Close the library, unless it was given as an open one."""
        with self._lock:
            if self._library is not None and self._opened_here:
                self._library.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._library is None:
            return f"<Searcher of {self._given or 'the sample photographs'}>"
        return f"<Searcher of {self._library.path}: {counted(len(self._library), 'pictures')}>"

    def _result(
        self,
        given: Asked,
        mode: str,
        snapshot: LibrarySnapshot,
        encoded: EncodedQuery,
        hits: Sequence[Hit],
        wanted: Wanted,
        explain: bool,
    ) -> SearchResult:
        gallery = snapshot.gallery()
        if len(gallery) and not encoded.lists and find_mode(mode).adaptive:
            compared = gallery.prepared(find_mode(mode)).compared(encoded)
            log.info(taken(mode, encoded, compared, self._ready.missing))
        explained = []
        if explain and not encoded.lists:
            prepared = gallery.prepared(find_mode(mode))
            explained = [prepared.explain(encoded, gallery.row_of_id[hit.id]) for hit in hits]
        below = None if hits else below_least(snapshot, encoded, mode, wanted)
        return SearchResult(
            hits=tuple(hits),
            asked=given.shown,
            query=encoded,
            explanations=tuple(explained),
            mode=mode,
            source=source_of(self.library, snapshot, hits),
            library=self.library.path,
            root=snapshot.root,
            searched=len(gallery),
            notes=(below,) if below else notes(gallery, encoded, hits, find_mode(mode).understands),
        )

    def _encode(self, given: Asked, mode: str, rerank: int) -> tuple[str, LibrarySnapshot, EncodedQuery]:
        given.check(mode, rerank)
        given.check_pictures()  # before models are loaded, or a whole folder is captioned
        name, snapshot = self._snapshot(mode, given.asks_for_words)
        given = given.within(snapshot.root)
        return name, snapshot, Encoder(snapshot, self._models, name).query(given)

    def _snapshot(self, mode: str, with_words: bool = False) -> tuple[str, LibrarySnapshot]:
        """The name of the mode that answers, and the library as it is now, with what that mode requires.

        with_words: with word probabilities, too, wherever they can be made
        """
        with self._lock:
            library = self.library
            kinds = {*library.spaces, *self._models.given_spaces()} if mode == "vse" else set()
            name = renamed_mode(mode, kinds)
            return name, self._ready.snapshot(library, name, with_words)
