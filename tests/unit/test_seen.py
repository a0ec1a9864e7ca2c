"""What a predictor's own last blocks see while pictures are captioned is kept until their words are
predicted; what is missing is read from the pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mean_colour import Colours, MeanColour, picture

from captionret.images import Picture
from captionret.library import Library
from captionret.library.surroundings import SURROUNDINGS
from captionret.records import CaptionResult, Failure

OTHERS = "seen-0123456789abcdef.rows"


class SeeingColours(Colours):
    """Predicts by what it sees itself; read: the pictures that it had to read for that."""

    def __init__(self, fingerprint: str = "d" * 64) -> None:
        super().__init__(fingerprint)
        self.sees_with = fingerprint
        self.read: list[str] = []

    def predict_words(
        self,
        paths: Sequence[Path | Picture],
        hashes: Sequence[str],
        pooled: np.ndarray,
        *,
        own: np.ndarray | None = None,
    ) -> np.ndarray:
        if own is None:
            self.read += [Path(path.name).name for path in paths]
            own = pooled / 2
        return super().predict_words(paths, hashes, own)


class Seeing(MeanColour):
    """Lets predictors see half of the mean colour."""

    sees_for: object = None

    def see_for(self, predictor: object) -> bool:
        self.sees_for = predictor
        return isinstance(predictor, SeeingColours)

    def answer(self, path: Any) -> CaptionResult | Failure:
        found = super().answer(path)
        if isinstance(found, Failure) or not isinstance(self.sees_for, SeeingColours):
            return found
        feature = found.feature
        return CaptionResult(
            path, found.sha256, found.captions, feature, own=(feature / 2).astype(np.float16)
        )


@pytest.fixture
def predictor(monkeypatch: pytest.MonkeyPatch) -> SeeingColours:
    predictor = SeeingColours()
    monkeypatch.setattr(SURROUNDINGS, "load_predictor", lambda record, device: predictor)
    return predictor


@pytest.fixture
def library(tmp_path: Path, predictor: SeeingColours) -> Library:
    for name, colour in (("red.png", "red"), ("blue.png", "blue"), ("green.png", "green")):
        picture(tmp_path / "photos" / name, colour)
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    (library.path / OTHERS).touch()
    library.update(library.root, Seeing(), progress=False, batch_size=2)
    return library


def rows_of(library: Library) -> Path:
    return library.path / f"seen-{'d' * 16}.rows"


def test_words_are_predicted_of_what_was_seen_while_captioning(
    library: Library, predictor: SeeingColours
) -> None:
    assert library.predict_words(predictor, progress=False) == 3
    assert predictor.read == [] and len(predictor.asked) == 3
    gallery = library.gallery()
    row = gallery.word_probabilities.row(gallery.paths.index("red.png"))
    assert row["red"] == pytest.approx(110 / 255, abs=1e-3)
    assert not list(library.path.glob("seen-*.rows")), "what was seen is of no use any more"


def test_what_was_not_seen_is_read_from_the_pictures(library: Library, predictor: SeeingColours) -> None:
    picture(library.root / "later.png", "white")
    library.update(library.root, MeanColour(), progress=False)
    assert library.predict_words(predictor, progress=False) == 4
    assert predictor.read == ["later.png"]


def test_a_damaged_row_is_read_again_and_a_half_written_one_is_none(
    library: Library, predictor: SeeingColours
) -> None:
    rows, size = rows_of(library), 32 + 4 + 2 * 3
    with open(rows, "r+b") as file:
        file.seek(size + 37)
        file.write(b"\xff")
        file.seek(0, 2)
        file.write(b"cut")
    picture(library.root / "later.png", "white")
    library.update(library.root, Seeing(), progress=False)
    assert rows.stat().st_size == 4 * size, "the next row lies where the half one did"
    library.predict_words(predictor, progress=False)
    assert len(predictor.read) == 1 and predictor.read != ["later.png"]


def test_rows_of_another_predictor_are_not_taken(library: Library) -> None:
    other = SeeingColours("e" * 64)
    library.predict_words(other, progress=False)
    assert len(other.read) == 3


def test_a_predictor_without_own_blocks_and_a_captioner_that_sees_for_none_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "photos" / "red.png", "red")
    for captioner, predictor in ((MeanColour(), SeeingColours()), (Seeing(), Colours())):
        library = Library.open_or_create(tmp_path / type(captioner).__name__, tmp_path / "photos")
        monkeypatch.setattr(SURROUNDINGS, "load_predictor", lambda record, device, one=predictor: one)
        library.update(library.root, captioner, progress=False)
        assert not list(library.path.glob("seen-*.rows"))
        assert library.predict_words(predictor, progress=False) == 1
