"""What a library keeps of word probabilities: by content, only the new asked for, never another's, and a
hybrid's
weights beside them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from mean_colour import Colours, MeanColour, made_library, picture

from captionret.app.searcher import Searcher
from captionret.app.searching import search
from captionret.errors import BadImage, BadLibrary
from captionret.images import Picture
from captionret.library import Library
from captionret.library.words import predicting
from captionret.library.words.word_files import MANIFEST, PART
from captionret.library.writing import PREDICT, writing


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return made_library(tmp_path, {"red.png": "red", "blue.png": "blue", "green.png": "green"})


def test_only_new_pictures_are_asked_about(library: Library) -> None:
    predictor = Colours()
    assert library.predict_words(predictor, progress=False) == 3
    picture(library.root / "red too.png", "red", shade=9)
    library.update(library.root, MeanColour(), progress=False)
    assert library.without_word_probabilities() == 1
    assert library.predict_words(predictor, progress=False) == 1
    assert predictor.asked[3:] == ["red too.png"]
    assert library.without_word_probabilities() == 0


def test_word_probabilities_belong_to_contents_not_to_places(library: Library) -> None:
    library.predict_words(Colours(), progress=False)
    (library.root / "red.png").rename(library.root / "a.png")
    library.update(library.root, MeanColour(), progress=False)
    gallery = library.gallery()
    assert gallery.word_probabilities.row(gallery.paths.index("a.png"))["red"] == pytest.approx(
        220 / 255, abs=1e-3
    )


def test_another_predictor_begins_anew(library: Library) -> None:
    library.predict_words(Colours(), progress=False)
    other = Colours("c" * 64)
    assert library.predict_words(other, progress=False) == 3
    assert library.predicted_by == other.describe()


def test_new_pictures_are_found_by_their_captions_until_their_words_are_predicted(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    library.predict_words(Colours(), progress=False)
    picture(library.root / "yellow.png", "yellow")
    library.update(library.root, MeanColour(), progress=False)
    (hit,) = search(library, text="yellow", mode="expected-jaccard")
    assert (hit.path, hit.why) == ("yellow.png", ("yellow",))
    assert "Of 1 picture there are no word probabilities yet" in caplog.text
    assert search(library, text="red", mode="expected-jaccard")[0].path == "red.png"


def test_word_probabilities_are_made_when_a_mode_first_asks_for_them(library: Library) -> None:
    assert library.predicted_by is None
    predictor = Colours()
    assert search(library, text="red", mode="expected-jaccard", predictor=predictor)[0].path == "red.png"
    assert library.predicted_by == predictor.describe()
    outside = picture(library.path / "outside.png", "red", shade=9)
    other = Searcher(library, captioner=MeanColour(), predictor=Colours("9" * 64))
    with pytest.raises(BadLibrary, match="of the given predictor; they don't compare"):
        other.search(image=outside, mode="expected-jaccard")


def test_searching_does_not_wait_while_another_process_predicts(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    predictor = Colours()
    searcher = Searcher(library, captioner=MeanColour(), predictor=predictor)
    outside = picture(library.path / "outside.png", "red", shade=9)
    with writing(library.path, PREDICT):
        for query in ("red", outside, library.root / "red.png"):
            hits = searcher.search(query, mode="expected-jaccard", keep_self=True)
            assert hits[0].path == "red.png"
        assert "until it has ended, these are not kept" in caplog.text
        assert library.predicted_by is None and not (library.path / MANIFEST).exists()
        names = ["red.png", "blue.png", "green.png"]
        assert sorted(predictor.asked) == sorted([*names, "outside.png"]), "predicted once for this state"
    assert searcher.search("blue", mode="expected-cosine")[0].path == "blue.png"
    assert library.predicted_by == predictor.describe(), "kept, once nobody else is predicting"


def test_new_pictures_are_predicted_for_a_search_beside_another_process(library: Library) -> None:
    predictor = Colours()
    library.predict_words(predictor, progress=False)
    picture(library.root / "red too.png", "red", shade=9)
    library.update(library.root, MeanColour(), progress=False)
    with writing(library.path, PREDICT):
        hits = search(library, text="red", mode="expected-jaccard", predictor=predictor, top=2)
        assert {hit.path for hit in hits} == {"red.png", "red too.png"}
        assert predictor.asked[3:] == ["red too.png"] and library.without_word_probabilities() == 1


def test_files_that_are_cut_short_or_missing_are_refused(library: Library) -> None:
    library.predict_words(Colours(), progress=False)
    (part,) = library.path.glob(PART.format(name="*"))
    for file in (part, library.path / MANIFEST):
        whole = file.read_bytes()
        for content in (whole[:-1], whole[: len(whole) // 2], b"", None):
            file.unlink() if content is None else file.write_bytes(content)
            if content is None and file != part:
                break  # no word probabilities are no fault
            with Library.open(library.path) as opened:
                assert search(opened, text="red", mode="jaccard")[0].path == "red.png", (
                    "a mode that reads no word probabilities does not miss them"
                )
                with pytest.raises(BadLibrary, match=r"word-probabilities\S+ is damaged.*predict_words\("):
                    search(opened, text="red", mode="expected-jaccard")
        file.write_bytes(whole)
    file.write_bytes(whole[:-1])
    predictor = Colours()
    assert library.predict_words(predictor, progress=False) == 3, (
        "as the message says, they can be made again"
    )
    assert search(library, text="red", mode="expected-jaccard")[0].path == "red.png"


def test_a_gallery_keeps_the_word_probabilities_that_it_began_with(library: Library) -> None:
    library.predict_words(Colours(), progress=False)
    gallery, row = library.gallery(), library.gallery().query(0).word_probabilities
    held = library.snapshot()
    (library.path / MANIFEST).unlink()
    next(library.path.glob(PART.format(name="*"))).unlink()
    assert gallery.word_probabilities.row(0) == row
    assert held.predicted_by == Colours().describe()
    assert library.predicted_by is None
    assert search(library, text="red", mode="expected-jaccard", predictor=Colours())[0].path == "red.png", (
        "they are made again"
    )


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


class Mortal(Colours):
    """Believes, until it is asked about one picture too many."""

    def __init__(self, fingerprint: str, lives: int, end: BaseException) -> None:
        super().__init__(fingerprint)
        self.lives, self.end = lives, end

    def predict_classes(self, pooled: np.ndarray) -> np.ndarray | None:
        return None

    def predict_words(
        self, paths: Sequence[Path | Picture], hashes: Sequence[str], pooled: np.ndarray
    ) -> np.ndarray:
        self.lives -= 1
        if self.lives < 0:
            raise self.end
        return super().predict_words(paths, hashes, pooled)


@pytest.mark.parametrize(
    "end", [Killed(), KeyboardInterrupt(), BadImage("gone bad.")], ids=["killed", "interrupted", "bad"]
)
def test_a_run_that_ends_early_goes_on_where_it_stopped(
    library: Library, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    if isinstance(end, Killed):
        monkeypatch.setattr(predicting, "KEEP_SECONDS", 0.0)
    library.predict_words(Colours("a" * 64), progress=False)
    with pytest.raises(type(end)):
        library.predict_words(Mortal("d" * 64, 2, end), batch_size=1, progress=False)
    assert library.predicted_by == Colours("a" * 64).describe(), (
        "until the new ones are complete, the old ones are read"
    )
    assert search(library, text="red", mode="expected-jaccard")[0].path == "red.png"
    again = Colours("d" * 64)
    assert library.predict_words(again, batch_size=1, progress=False) == 1
    assert len(again.asked) == 1
    assert library.predicted_by == again.describe() and library.without_word_probabilities() == 0
    found = [library.gallery().word_probabilities.row(row) for row in range(3)]
    assert library.predict_words(Colours("e" * 64), progress=False) == 3
    assert [library.gallery().word_probabilities.row(row) for row in range(3)] == found, (
        "and they are those of a run in one piece"
    )
    assert len([*library.path.glob("word-probabilities*")]) == 2, "a manifest and one part"


def test_a_known_picture_is_described_from_the_library(library: Library) -> None:
    library.predict_words(Colours(), progress=False)
    hits = search(library, image=library.root / "red.png", mode="expected-jaccard", keep_self=True, top=1)
    assert (hits[0].path, hits[0].score) == ("red.png", 1.0)
    assert hits[0].why[0] == "red"


def test_weights_of_a_hybrid_stay_with_the_library(library: Library) -> None:
    library.set_hybrid({"jaccard": 1.0, "cnn": 0.5})
    library.close()
    with Library.open(library.path) as opened:
        assert opened.gallery().hybrid == {"jaccard": 1.0, "cnn": 0.5}
        hits = search(opened, image=opened.root / "red.png", mode="hybrid", top=None)
        assert len(hits) == 2
