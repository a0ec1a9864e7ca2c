"""A gallery on disk: a folder's pictures, each with its captions and its feature, kept up to date by
content."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..decoding import BeamSearch, Decoding, decoding_from_json
from ..errors import BadLibrary, BadSetting
from ..files import expanded, no_space_named
from ..records import Caption, Failure
from ..retrieval import Gallery
from .catalogue import Catalogue, restored, stored
from .contents import StoredContents
from .predicting import predict_all
from .protocols import Captioning, Space
from .update import Updater, UpdateReport, writing
from .verify import problems
from .word_probabilities import StoredWordProbabilities, WordPredicting

CATALOGUE = "catalogue.sqlite"
_CURRENT = "(SELECT value FROM meta WHERE key = 'captioner')"
_ITEMS = f"""
SELECT path, sha256, text, feature_row, captioners.id, fingerprint, rows, dim
FROM files JOIN images USING (sha256) JOIN captions USING (sha256) JOIN captioners ON captioners.id = images.captioner
WHERE captions.n = 0 AND captioners.id = {_CURRENT}
"""  # noqa: E501, S608


@dataclass(frozen=True, slots=True)
class MadeBy:
    """Who captioned a library, and how. described: what the captioner said of itself."""

    name: str
    fingerprint: str
    decoding: Decoding
    described: dict[str, Any]

    @property
    def checkpoint(self) -> Path | None:
        """The directory the captioner was loaded from, if it named one."""
        path = self.described.get("checkpoint")
        return Path(path) if path else None


class Library:
    """An open library. Searching it never waits for an update; what an update commits is seen by the next
    search."""

    def __init__(self, path: Path, catalogue: Catalogue) -> None:
        self.path = path
        self._catalogue = catalogue
        self._gallery: Gallery | None = None
        self._state: int | None = None
        self.spaces: dict[str, Space] = {}  # by the mode that compares in it, see use_space

    @classmethod
    def create(cls, path: Path | str, root: Path | str) -> Self:
        """A new, empty library in the folder `path` for the pictures below `root`.

        errors: BadLibrary where `path` already holds one or `root` is not a folder
        """
        folder, pictures = expanded(path), expanded(root).resolve()
        if (folder / CATALOGUE).exists():
            raise BadLibrary(f"{folder} already holds a library. Open it, or give another --library.")
        if not pictures.is_dir():
            raise BadLibrary(f"{root} is not a folder. Give the folder that holds the pictures.")
        try:
            with no_space_named(folder):
                folder.mkdir(parents=True, exist_ok=True)
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise BadLibrary(
                f"{folder} cannot be made a library ({error.strerror}). Give another --library, or work "
                "elsewhere."
            ) from None
        return cls(folder, Catalogue.create(folder / CATALOGUE, {"root": stored(str(pictures))}))

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open what `create` made. BadLibrary where it is missing, damaged, or of a newer format."""
        folder = expanded(path)
        return cls(folder, Catalogue(folder / CATALOGUE))

    @classmethod
    def open_or_create(cls, path: Path | str, root: Path | str) -> Self:
        """Open the library in `path`, or make one for `root` where there is none."""
        exists = (expanded(path) / CATALOGUE).exists()
        return cls.open(path) if exists else cls.create(path, root)

    @property
    def root(self) -> Path:
        """The folder whose pictures it holds; every path of a hit is relative to it."""
        return Path(restored(self._catalogue.meta("root")))

    @property
    def made_by(self) -> MadeBy | None:
        """Who captioned it; None before the first update."""
        found = self._catalogue.rows(
            f"SELECT name, fingerprint, decoding, described FROM captioners WHERE id = {_CURRENT}"  # noqa: S608
        )
        if not found:
            return None
        name, fingerprint, decoding, described = found[0]
        made_with = decoding_from_json(json.loads(decoding), self.path)
        return MadeBy(restored(name), fingerprint, made_with, json.loads(described))

    def update(
        self,
        root: Path | str,
        captioner: Captioning,
        *,
        beam: int = 3,
        decoding: Decoding | None = None,
        batch_size: int = 32,
        progress: bool = True,
        limit: int | None = None,
        recaption: bool = False,
        allow_empty: bool = False,
        moved: bool = False,
    ) -> UpdateReport:
        """Caption what is new or changed below `root`; each batch is kept as soon as it is done, so a stopped
        update goes on later.

        decoding:    how captions are found and how many are kept of each picture; in place of the beam
        progress:    show a bar on stderr
        limit:       caption at most so many pictures now
        recaption:   go over to this captioner or decoding, if the library was made with another; until all is
                     captioned again, the pictures still to come are not found, for two captioners' captions
                     don't compare
        allow_empty: accept that the folder holds no picture any more
        moved:       accept that the folder now lies at `root`
        errors:      BadLibrary (another folder, another captioner, another writer, nothing there), NoSpace
        """
        if beam < 1 or batch_size < 1 or (limit is not None and limit < 0):
            raise BadSetting(
                f"beam {beam}, batch size {batch_size}, limit {limit}: beam and batch size must be at least "
                "1, limit at least 0."
            )
        with writing(self.path):
            pictures = self._accept_root(root, moved)
            try:
                updater = Updater(self._catalogue, captioner, decoding or BeamSearch(beam), recaption)
                return updater.run(
                    pictures, batch_size=batch_size, progress=progress, limit=limit, allow_empty=allow_empty
                )
            finally:
                self._gallery = None

    def gallery(self) -> Gallery:
        """Its images as retrieval takes them: ids are the paths relative to the root. Read again only after a
        change.

        `gallery().features` is (N, D) float16, read from the feature file when first asked for; BadLibrary
        where that is cut short.
        """
        state = self._catalogue.value("PRAGMA data_version")  # changes when another process commits
        if self._gallery is None or state != self._state:
            self._gallery = self._read_gallery()
            self._state = state
        return self._gallery

    def predict_words(
        self, predictor: WordPredicting, *, batch_size: int = 256, progress: bool = True
    ) -> int:
        """Keep what `predictor` predicts of every picture; what it said before is not asked again. Returns
        how many pictures were new.

        A run that is stopped or killed goes on later: what it has done is kept every half minute.
        errors: BadSetting for a lexical head that reads another backbone's features, BadImage for a picture
                that has gone bad
        """
        with writing(self.path):
            gallery = self.gallery()
            made_by = self.made_by
            predictor.check(made_by.described.get("backbone") if made_by else None)
            new = predict_all(self.path, self.root, gallery, predictor, batch_size, progress)
            self._gallery = None
        return new

    @property
    def predicted_by(self) -> dict[str, Any] | None:
        """Who said what to believe of the pictures; None where nobody did."""
        stored = StoredWordProbabilities.read(self.path)
        return stored.made_by if stored else None

    def without_word_probabilities(self) -> int:
        """Of how many pictures nothing is predicted yet."""
        stored = StoredWordProbabilities.read(self.path)
        known = stored.row_of if stored else {}
        return sum(sha256 not in known for sha256 in self.gallery().hashes)

    def use_space(self, mode: str, space: Space) -> None:
        """Let a mode compare in this embedding space, for as long as the library is open.

        errors: BadSetting for a space that reads another backbone's features than the library holds
        """
        made_by = self.made_by
        if made_by is not None:
            space.check(made_by.described.get("backbone"))
        self.spaces[mode] = space
        self._gallery = None

    def set_hybrid(self, weights: Mapping[str, float]) -> None:
        """Keep the weight of each mode in this library's hybrid."""
        with self._catalogue.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('hybrid', ?)", (json.dumps(dict(weights)),)
            )
        self._gallery = None

    def captions(self, sha256: str) -> list[Caption]:
        """The captions of the content with this hash, best first; empty where the library does not hold
        it."""
        found = self._catalogue.rows(
            "SELECT text, tokens, logprob FROM captions JOIN images USING (sha256) WHERE sha256 = ? AND "  # noqa: S608
            f"captioner = {_CURRENT} ORDER BY n",
            sha256,
        )
        return [Caption(text, tuple(json.loads(tokens)), logprob) for text, tokens, logprob in found]

    def failures(self) -> list[Failure]:
        """The files that could not be captioned, by name."""
        found = [
            Failure(restored(path), restored(reason))
            for path, reason in self._catalogue.rows("SELECT path, reason FROM failures")
        ]
        return sorted(found, key=lambda failure: failure.path)

    def verify(self) -> list[str]:
        """What is wrong, one sentence each: in the catalogue, in the feature file, between the catalogue and
        the folder."""
        return problems(self._catalogue, self.root)

    def close(self) -> None:
        """Close the catalogue."""
        self._catalogue.close()

    def __len__(self) -> int:
        return len(self.gallery())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_gallery(self) -> Gallery:
        found = self._catalogue.rows(_ITEMS)  # one query, so that captions and features are of one moment
        hybrid = self._catalogue.meta("hybrid")
        return Gallery(
            [restored(row[0]) for row in found],
            [row[2] for row in found],
            [row[1] for row in found],
            source=StoredContents(self._catalogue, found, self.spaces),
            hybrid=json.loads(hybrid) if hybrid else None,
        )

    def _accept_root(self, root: Path | str, moved: bool) -> Path:
        pictures, known = expanded(root).resolve(), self.root
        if pictures == known:
            return pictures
        # A library that holds nothing, perhaps of a run that failed at once, takes any folder.
        if not moved and self._catalogue.value("SELECT EXISTS (SELECT 1 FROM files)"):
            raise BadLibrary(
                f"{self.path} holds the pictures of {known}, not of {pictures}. Give another --library; or, "
                "if the folder was moved, say so (--moved)."
            )
        return pictures
