"""In a library of captions alone the captions give the word probabilities: modes words and auto answer by all
captions of a picture, and rank by how many of them say a word."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from mean_colour import picture
from typed import Call

from captionret import Library, Searcher
from captionret.app.loading.captioners import bring_up_to_date
from captionret.captioners import StreamedCaptioner
from captionret.cli import words as words_command
from captionret.images import Picture
from captionret.records import Caption, GivenCaptions
from captionret.retrieval import EncodedQuery, corpus, find_mode
from captionret.retrieval.caption_words import LENGTH, words_of_captions
from captionret.retrieval.other_captions import SMOOTHING

SAID = {
    "0.png": ["a dog on grass", "a brown dog", "an animal"],
    "1.png": ["a dog", "a cat on a sofa", "a cat"],
    "2.png": ["a cat on grass", "two cats", "a cat"],
    "3.png": ["a red door"],
}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return given(tmp_path, SAID)


def given(folder: Path, said: dict[str, list[str]]) -> Library:
    lines = ["path,caption"]
    for name, captions in said.items():
        picture(folder / "photos" / name, "red", shade=-int(name[0]))
        lines += [f"{name},{caption}" for caption in captions]
    (folder / "said.csv").write_text("\n".join(lines))
    made = Library.create(folder / "library", folder / "photos")
    bring_up_to_date(made, None, None, [f"file:{folder / 'said.csv'}"])
    return made


def names(library: Library, text: str, mode: str = "words") -> list[str]:
    with Searcher(library) as searcher:
        return [path.name for path in searcher.search(text=text, mode=mode).paths]


@pytest.mark.parametrize("mode", ["words", "auto"])
def test_the_more_captions_say_a_word_the_sooner_its_picture_is_found(library: Library, mode: str) -> None:
    assert names(library, "dog", mode) == ["0.png", "1.png"]
    assert names(library, "cat", mode) == ["2.png", "1.png"]
    assert names(library, "animal", mode) == ["0.png"], "not only the first caption counts"
    assert names(library, "dog>0.5 -cat", mode) == ["0.png"]
    assert names(library, "zebra", mode) == []


def test_probabilities_are_those_of_the_formula(library: Library) -> None:
    rate = float(np.exp(-corpus.weight("dog")))
    expected = (2 + SMOOTHING * rate) / (3 + SMOOTHING)
    assert words_of_captions(SAID["0.png"])["dog"] == pytest.approx(expected)
    gallery = library.gallery()
    assert gallery.words_of(0)["dog"] == pytest.approx(expected)
    likely = gallery.predicted.uncalibrated("dog")
    assert likely[0] == pytest.approx(expected)
    assert likely[2] == pytest.approx(SMOOTHING * rate / (3 + SMOOTHING))
    assert gallery.predicted.numbers[3] == pytest.approx(-LENGTH * 3)
    assert gallery.predicted.is_certain("dog", 0) and gallery.predicted.of("dog")[0] > 0.99
    assert gallery.predicted.of("dog")[3] < 1e-4 and not gallery.predicted.of_pictures


def test_the_best_are_those_of_the_whole_ranking(library: Library) -> None:
    mode = find_mode("words").prepare(library.gallery())
    for text in ("a dog on grass", "cat", "a cat on a sofa", "door"):
        query = EncodedQuery(text=text)
        scores, fits = mode.scores(query), mode.fits(query)
        assert fits is not None
        best = mode.best(query, 10, -np.inf, None)
        assert best is not None and [row for row, _ in best] == sorted(
            np.flatnonzero(fits).tolist(), key=lambda row: (-scores[row], row)
        )
        assert [score for _, score in best] == [float(scores[row]) for row, _ in best]


class Doors:
    """Says less and less of a door."""

    name = "doors"

    def caption(self, images: Sequence[Picture]) -> list[list[str]]:
        """Four captions of each picture."""
        doors = [int(Path(image.name).stem) for image in images]
        walls = ["red", "old", "new", "tall"]
        return [[f"a {one} {'wall' if n < few else 'door'}" for n, one in enumerate(walls)] for few in doors]


def test_what_a_model_says_is_as_probable_as_its_captions_agree(library: Library) -> None:
    library.caption_beside(StreamedCaptioner(Doors()))
    with Searcher(library, captions_by="doors") as searcher:
        hits = searcher.search("door", mode="words").hits
    expected = [(4 - number) / (4 + SMOOTHING) for number in range(4)]
    assert [hit.path for hit in hits] == ["0.png", "1.png", "2.png", "3.png"]
    assert [dict(hit.words)["door"] for hit in hits] == pytest.approx(expected, abs=0.01)
    assert not any(hit.certain for hit in hits) and [hit.weak for hit in hits] == [False] * 3 + [True]


def test_a_persons_caption_takes_the_place_of_all(library: Library) -> None:
    library.set_caption("0.png", "our zebra")
    assert names(library, "zebra") == ["0.png"]
    assert names(library, "dog") == ["1.png"]


def test_pictures_that_are_added_and_taken_out_count_at_once(library: Library) -> None:
    assert names(library, "cat") == ["2.png", "1.png"]
    more = [GivenCaptions("3.png", tuple(Caption(one, tuple(one.split()), 0.0) for one in ["a cat"] * 4))]
    library.add_captions("more.csv", more)
    assert names(library, "cat") == ["3.png", "2.png", "1.png"]
    library.remove([library.root / "2.png"])
    assert names(library, "cat") == ["3.png", "1.png"]
    assert library.verify() == []


def test_the_words_of_the_library_are_said_to_be_those_of_captions(library: Library, call: Call) -> None:
    done = call(words_command, "--library", library.path)
    assert done.code == 0 and "those of the captions" in done.err and "calibrate" not in done.err
    assert "grass" in done.out


def test_pictures_have_no_predicted_words_there(library: Library) -> None:
    assert all(one.word_probabilities is None for one in library)
