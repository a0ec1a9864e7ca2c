"""Captions of several captioners in one library, side by side."""

from collections.abc import Iterable, Mapping

from ...decoding import BeamSearch, Decoding, OwnWay
from ...errors import BadLibrary, BadSetting
from ...records import GivenCaptions, GivenFacts
from ...remedies import remedy
from ...uncollected import uncollected
from ..catalogue import writes
from ..index.writing import write_index
from ..protocols import Captioning
from ..reading import ReadableLibrary
from ..report import CaptionReport
from ..writing import writing
from .beside import Beside, adopt, own_way
from .captioners import read_present, read_shown
from .given import GivenSource, held_already, put_given, put_own, take_over
from .given_facts import put_given_facts


class SideBySideLibrary(ReadableLibrary):
    """What can be done with the captions of one captioner, beside those of others."""

    def caption_beside(
        self,
        captioner: Captioning,
        *,
        decoding: Decoding | None = None,
        batch_size: int = 32,
        progress: bool | None = None,
        limit: int | None = None,
    ) -> CaptionReport:
        """Let one more captioner caption the pictures that the library holds. Its captions are kept beside
        those of others, under its name; what it captioned before is not asked again.

        decoding: None: the captioner's own way, else a beam of 3
        errors:   BadLibrary where nobody captioned the library yet (`update`), LibraryInUse, NoSpace
        """
        decoding = decoding or own_way(captioner) or BeamSearch()
        with writing(self.path):
            root = self.root
            self._check_captioned()
            run = Beside(self._catalogue, adopt(self._catalogue, captioner, decoding), root)
            waiting = run.waiting()
            report = run.run(
                captioner, decoding, waiting, batch_size=batch_size, progress=progress, limit=limit
            )
            write_index(self._catalogue)
            return report

    @uncollected()
    def add_captions(
        self,
        source: str,
        captions: Iterable[GivenCaptions],
        *,
        whole: bool = False,
        described: Mapping[str, object] | None = None,
    ) -> CaptionReport:
        """Keep captions that stand in a file, or that another program gave, under the name of their source.
        They go before those of models, and after a person's. A source that has no captions of these pictures
        is not noted, but a file that is read again; nor is one that gives what another file of its name gave.

        whole:     whether they are all that the source has; else what it gave before stays
        described: further facts of the source, as JSON can hold them
        errors:    as caption_beside

        given = GivenCaptions("beach/dog.jpg", (Caption("our dog", ("our", "dog"), 0.0),))
        library.add_captions("notes.csv", [given])
        """
        with writing(self.path):
            self._check_captioned()
            one = GivenSource(source, dict(described or {}))
            read_again = "captioner" in one.facts
            if read_again:
                take_over(self._catalogue, one)
            else:
                captions = list(captions)
                if held := held_already(self._catalogue, one, captions, self.root):
                    return held
            known = adopt(self._catalogue, one, OwnWay(), "file")
            report = put_given(self._catalogue, known.id, known.label, captions, self.root, whole)
            if whole and not read_again and not (report.new or report.changed or report.unchanged):
                with self._catalogue.transaction() as connection:
                    writes.drop_captioner(connection, known.id)
            write_index(self._catalogue)
            return report

    def add_own_captions(self, captions: Iterable[GivenCaptions]) -> int:
        """Keep captions that a person wrote elsewhere as a person's, the first of each picture; what a person
        wrote here stays. Returns of how many pictures that was.

        errors: as caption_beside
        """
        with writing(self.path):
            self._check_captioned()
            new = put_own(self._catalogue, captions, self.root)
            write_index(self._catalogue)
            return new

    def add_facts(self, facts: Iterable[GivenFacts]) -> int:
        """Keep what is known elsewhere of pictures' dates, cameras, lenses, places, titles and keywords,
        where their own files say nothing. Returns of how many pictures that was.

        errors: as caption_beside
        """
        with writing(self.path):
            self._check_captioned()
            new = put_given_facts(self._catalogue, facts, self.root)
            write_index(self._catalogue)
            return new

    def waiting_for(self, name: str) -> int:
        """How many pictures a captioner that stands beside others has yet to caption. errors: BadSetting"""
        with self._catalogue.reading() as rows:
            (known,) = read_shown(rows, name).captioners
        return len(Beside(self._catalogue, known, self.root).waiting())

    def prefer(self, name: str) -> None:
        """Show the captions of this captioner before those of others. errors: BadSetting where there is
        none of that name"""
        with self._catalogue.reading() as rows:
            (known,) = read_shown(rows, name).captioners
        with self._catalogue.transaction() as connection:
            writes.prefer(connection, known.id)

    def remove_captions(self, name: str) -> None:
        """Forget a captioner that stands beside others, and its captions. errors: BadSetting where there is
        none of that name, or where the library's features are of it"""
        with writing(self.path):
            with self._catalogue.reading() as rows:
                shown = read_shown(rows, name)
            (known,) = shown.captioners
            if known.id == shown.present:
                raise BadSetting(
                    f"{name} gives the library its features. Caption the pictures by another one first.",
                    remedy("recaption"),
                )
            with self._catalogue.transaction() as connection:
                writes.drop_captioner(connection, known.id)

    def _check_captioned(self) -> None:
        with self._catalogue.reading() as rows:
            present = read_present(rows)
        if present is None:
            raise BadLibrary(f"{self.path} holds no pictures yet.", remedy("caption first"))
