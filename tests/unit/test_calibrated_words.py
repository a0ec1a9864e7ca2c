"""Word probabilities that mean what they say: learnt from captions, kept in a file, read by every mode."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mean_colour import Colours, made_library

from captionret.app.measuring.calibrating import calibrate
from captionret.app.places import LEXICAL_HEAD
from captionret.app.searching import search
from captionret.datasets import Dataset
from captionret.errors import BadLibrary, BadSetting
from captionret.evaluation.word_bends import bends_of, learn_bends
from captionret.evaluation.word_fit import Fitted, fit_calibration
from captionret.library import Library
from captionret.models.lexical.predictor import WordPredictor
from captionret.retrieval import EncodedQuery, Gallery, TableSource, WordMatrix
from captionret.retrieval import search as search_gallery
from captionret.retrieval.calibrated import FILE, SURE, Calibration, WordGroup, calibrated
from captionret.retrieval.modes.likelihood import SURE as SURE_HIT
from captionret.retrieval.modes.text_likelihood import AGREED
from captionret.retrieval.predicted import (
    ALONE,
    EXPECTED,
    FLOOR,
    GUESSES,
    NAMED,
    NAMED_IN_AUTO,
    NAMED_TOO,
    SEVERAL,
)

DOG, BED = WordGroup(("dog", "dogs"), 1.2, 1.0, 0.25), WordGroup(("bed",), 1.0, -3.0, 0.1)


def calibration(predictor: str = "d" * 64) -> Calibration:
    return Calibration(predictor, "a head", "some captions", [DOG, BED], 0.6)


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def gallery_of(
    rows: list[dict[str, float]],
    classes: list[dict[str, float]] | None = None,
    captions: list[str] | None = None,
) -> Gallery:
    hashes = [f"{number:064x}" for number in range(len(rows))]
    source = TableSource(
        hashes,
        word_probabilities=WordMatrix.of_rows(rows),
        classes=None if classes is None else WordMatrix.of_rows(classes),
        calibration=calibration(),
    )
    names = [f"{number}.jpg" for number in range(len(rows))]
    return Gallery(names, captions or [""] * len(rows), hashes, source=source)


def test_forms_of_a_word_have_one_probability_that_two_of_five_say_any_of_them() -> None:
    predicted = gallery_of([{"dog": 0.3, "dogs": 0.2}, {"bed": 0.9}, {"dogs": 0.2, "sun": 0.4}]).predicted
    either = 1 - 0.7 * 0.8
    expected = sigmoid(1.2 * np.log(either / (1 - either)) + 1)
    assert predicted.of("dog")[0] == pytest.approx(expected, abs=1e-6)
    assert predicted.of("dogs").tolist() == predicted.of("dog").tolist()
    assert predicted.of("dog")[1] == predicted.least, "nothing is stored of it"
    assert predicted.of("sun")[2] == pytest.approx(0.4), "a word of no group stays as it is"
    assert predicted.uncalibrated("dog")[0] == pytest.approx(0.3)


def test_a_word_that_two_pictures_share_is_shown_in_one_of_its_forms() -> None:
    gallery = gallery_of([{"dog": 0.6, "dogs": 0.5, "bed": 0.9}, {"dog": 0.7, "dogs": 0.4}, {"bed": 0.2}])
    for hit in search_gallery(gallery, gallery.query(0), "expected-cosine", top=1):
        assert {"dog", "dogs"} <= {*hit.why} and [word for word, _ in hit.words] == ["dogs"]


def test_classes_count_by_a_share_of_each_word() -> None:
    predicted = gallery_of([{"cat": 0.1}], [{"chow": 0.5, "papillon": 0.3, "tabby": 0.8}]).predicted
    assert predicted.of("dog")[0] == pytest.approx(0.25 * 0.8, abs=1e-6)
    assert predicted.of("tabby")[0] == pytest.approx(0.6 * 0.8, abs=1e-6), "only classes know it"


def test_what_a_person_wrote_stays_sure_and_what_is_not_said_stays_out() -> None:
    found = calibration().of_head("bed", np.array([0.0, 1.0, 0.9]))
    assert found.tolist() == pytest.approx([0, SURE, sigmoid(np.log(9) - 3)])


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=20),
    st.floats(0.05, 3),
    st.floats(-5, 5),
    st.floats(0.1, 1),
)
def test_what_is_more_probable_stays_so(said: list[float], slope: float, offset: float, bend: float) -> None:
    one = Calibration("d", "a head", "captions", [WordGroup(("dog",), slope, offset, 0.1, bend)], 0.5)
    found = one.of_head("dog", np.array(sorted(said)))
    assert (np.diff(found) >= 0).all() and (found >= 0).all() and (found <= 1).all()


def test_modes_find_and_show_by_calibrated_probabilities() -> None:
    gallery = gallery_of([{"bed": 0.5, "dog": 0.01}, {"dog": 0.4}])
    assert search_gallery(gallery, EncodedQuery(text="bed"), "words") == [], f".05 is below {FLOOR}"
    (hit,) = search_gallery(gallery, EncodedQuery(text="dog"), "words")
    ((word, sure),) = hit.words
    assert word == "dog" and sure == pytest.approx(sigmoid(1.2 * np.log(0.4 / 0.6) + 1), abs=1e-3)


@pytest.mark.parametrize("mode", ["words", "auto"])
def test_where_no_picture_is_sure_alone_several_together_are_found_as_guesses(mode: str) -> None:
    def found(*probabilities: float) -> list[str]:
        gallery = gallery_of([{"sun": one, "dog": 0.01} for one in probabilities])
        hits = search_gallery(gallery, EncodedQuery(text="sun"), mode, top=None)
        assert all(hit.weak and hit.why == ("sun",) for hit in hits if not hit.words[0][1] > SURE_HIT)
        return sorted(hit.id for hit in hits)

    low, rest = FLOOR - 0.01, [0.001] * 20
    assert 2 * low < EXPECTED < 6 * low
    assert found(low, low, *rest) == [], "by expectation hardly half a picture in a library"
    assert found(*[low] * 6, *rest) == [f"{number}.jpg" for number in range(6)]
    assert len(found(*np.linspace(0.06, 0.09, 30))) == GUESSES, "no more than the likeliest"
    assert found(FLOOR, FLOOR + 0.2, *[low] * 9, *rest) == ["0.jpg", "1.jpg"], "two alone, and no guesses"


@pytest.mark.parametrize("mode", ["words", "auto"])
def test_what_many_pictures_show_a_little_tells_as_much_as_one_that_shows_it(mode: str) -> None:
    def found(*probabilities: float) -> int:
        gallery = gallery_of([{"sun": one, "dog": 0.01} for one in probabilities])
        return len(search_gallery(gallery, EncodedQuery(text="sun"), mode, top=None))

    low, rest = EXPECTED / SEVERAL + 0.001, [0.0001] * 100
    many = np.linspace(low, 1.1 * low, SEVERAL)
    assert found(*many, *rest) == GUESSES, "by expectation enough, and the likeliest are shown"
    assert found(*many[: SEVERAL // 2], *rest) == 0
    assert found(ALONE + 0.01, *rest) == 1
    assert found(ALONE - 0.01, *rest) == 0


@pytest.mark.parametrize("mode", ["words", "auto"])
def test_a_less_probable_word_is_found_where_the_caption_says_it_too(mode: str) -> None:
    rows = [{"sun": AGREED + 0.01}, {"sun": AGREED + 0.01}, {"sun": AGREED - 0.01}]
    gallery = gallery_of(rows, captions=["a red sun", "a red car", "a low sun"])
    (hit,) = search_gallery(gallery, EncodedQuery(text="sun"), mode)
    assert (hit.id, hit.why, hit.by_caption, hit.weak) == ("0.jpg", ("sun",), ("sun",), True)
    (surer,) = search_gallery(
        gallery_of([{"sun": 0.9}], captions=["a red sun"]), EncodedQuery(text="sun"), mode
    )
    assert surer.by_caption == (), "it is probable enough, whatever the caption says"


@pytest.mark.parametrize(("mode", "named"), [("words", NAMED), ("auto", NAMED_IN_AUTO)])
def test_a_word_finds_the_pictures_of_a_class_that_it_names_where_one_is_sure(
    mode: str, named: float
) -> None:
    def found(*probabilities: float) -> list[tuple[str, bool]]:
        classes: list[dict[str, float]] = [{"papillon": p} for p in probabilities]
        gallery = gallery_of([{"bed": 0.01} for _ in classes], classes)
        hits = search_gallery(gallery, EncodedQuery(text="dog"), mode, top=None)
        assert all(hit.why == ("dog",) for hit in hits)
        return [(hit.id, hit.weak) for hit in hits]

    others = [0.001] * 20
    assert 0.25 * named < ALONE, "people seldom say what these classes are called"
    sure, also = ("0.jpg", False), [("1.jpg", True), ("2.jpg", True)]
    assert found(named + 0.01, 0.3, NAMED_TOO + 0.01, 0.09, *others) == [sure, *also]
    assert found(0.4, 0.3, *others) == [], "none of them for sure"


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    calibration().write(tmp_path / FILE)
    assert Calibration.read(tmp_path / FILE) == calibration()
    whole = json.loads((tmp_path / FILE).read_text())
    broken: list[dict[str, object]] = [
        {"format": 3},
        {"groups": ["dog one 2 3 1"]},
        {"groups": ["dog nan 0 0 1"]},
        {"groups": ["dog -1 0 0 1"]},
        {"groups": ["dog 1 0 0 -1"]},
        {"groups": 7},
        {"alone": 3},
        {"alone": None},
    ]
    for change in broken:
        (tmp_path / FILE).write_text(json.dumps(whole | change))
        with pytest.raises(BadSetting, match="Make the calibration again"):
            Calibration.read(tmp_path / FILE)
    (tmp_path / FILE).write_text("[1")
    with pytest.raises(BadSetting, match="Make the calibration again"):
        Calibration.read(tmp_path / FILE)


def _fit(words: WordMatrix, classes: WordMatrix | None, captions: list[list[str]]) -> Fitted:
    return fit_calibration(
        words, classes, captions, lambda groups, alone: Calibration("d", "a head", "captions", groups, alone)
    )


def _pictures(count: int = 400) -> tuple[WordMatrix, list[list[str]]]:
    """Words that are predicted with half the log odds they have, each of five people saying what is there."""
    random = np.random.default_rng(0)
    odds = random.normal(-2, 2, (count, 6))
    there = random.random(odds.shape) < 1 / (1 + np.exp(-odds))
    names = ["dog", "cat", "bed", "kite", "horse", "car"]
    said = 1 / (1 + np.exp(-odds / 2))
    rows = [dict(zip(names, map(float, row), strict=True)) for row in said]
    captions = [[" ".join(np.array(names)[row]) or "the"] * 2 for row in there]
    return WordMatrix.of_rows(rows), captions


def test_what_is_learnt_is_how_often_it_is_right_on_pictures_held_out() -> None:
    words, captions = _pictures()
    fitted = _fit(words, None, captions)
    assert fitted.before > 0.1 > 0.04 > fitted.error
    assert fitted.pictures == 400 and fitted.words == 6
    slopes = [one.slope for one in fitted.calibration.groups]
    assert slopes == pytest.approx([2] * 6, abs=0.4)
    assert fitted.thresholds[1].precision > 0.8


def test_too_few_pictures_and_a_calibration_that_helps_nothing_are_said() -> None:
    assert not list(_fit(*_without_classes(400)).doubts)
    (few,) = _fit(*_without_classes(60)).doubts
    assert few.startswith("60 pictures tell little of single words: only 6 words could be measured.")
    (worse,) = replace(_fit(*_without_classes(400)), before=0.01, error=0.02).doubts
    assert "without it: 0.020, before 0.010." in worse


def _without_classes(count: int) -> tuple[WordMatrix, None, list[list[str]]]:
    words, captions = _pictures(count)
    return words, None, captions


def test_shares_of_classes_are_learnt_where_captions_say_the_word() -> None:
    random = np.random.default_rng(1)
    sure = random.random((600, 2)) < 0.3
    names = ("tabby", "zebra")
    classes = [{name: 0.9 for name, there in zip(names, row, strict=True) if there} for row in sure.tolist()]
    captions = [
        ["a cat" if a and random.random() < 0.8 else "a kite", "the bed"] * 2 for a in sure[:, 0].tolist()
    ]
    words = WordMatrix.of_rows([{"cat": 0.02, "kite": 0.5, "bed": 0.9, "zebra": 0.001}] * 600)
    fitted = _fit(words, WordMatrix.of_rows(classes), captions)
    groups = {one.forms[0]: one for one in fitted.calibration.groups}
    assert groups["cat"].share == pytest.approx(0.8, abs=0.15)
    assert groups["zebra"].share in (fitted.calibration.alone, pytest.approx(groups["cat"].share, abs=0.2))
    assert 0.5 < fitted.calibration.alone <= 1


def test_high_probabilities_of_words_that_captions_seldom_hold_are_taken_back_where_they_are_wrong() -> None:
    random = np.random.default_rng(2)
    sure = random.random((2000, 2)) < 0.15
    held_out = np.where(sure, 0.95, 0.05)
    right = sure & (random.random(sure.shape) < (0.95, 0.6))
    forms = [("beach",), ("sprinkler", "sprinklers")]
    usual, seldom = bends_of(right, forms, learn_bends(held_out, right, forms))
    assert 0.85 < usual <= 1
    found = calibrated(held_out, 1.0, 0.0, np.array([usual, seldom]))
    assert found[sure[:, 1], 1] == pytest.approx(0.6, abs=0.06)
    assert found[~sure] == pytest.approx(held_out[~sure])


def test_a_calibration_of_the_release_before_is_read_as_it_was(tmp_path: Path) -> None:
    facts = {
        "format": 1,
        "predictor": "d",
        "name": "",
        "data": "",
        "alone": 0.5,
        "groups": ["dog dogs 1 -1 0.2"],
    }
    (tmp_path / FILE).write_text(json.dumps(facts))
    assert Calibration.read(tmp_path / FILE).groups == [WordGroup(("dog", "dogs"), 1.0, -1.0, 0.2, 1.0)]


def test_too_few_captions_are_refused() -> None:
    with pytest.raises(BadSetting, match="enough pictures"):
        _fit(WordMatrix.of_rows([{"dog": 0.5}]), None, [["a dog", "dogs"]])


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return made_library(tmp_path, {"red.png": "red", "blue.png": "blue"}, Colours())


def test_a_library_keeps_a_calibration_of_its_own(library: Library) -> None:
    (before,) = (hit for hit in search(library, text="red", mode="words") if hit.path == "red.png")
    known = library.snapshot()
    red = WordGroup(("red",), 1.0, -0.5, 0.1)
    own = Calibration(Colours().fingerprint, "Colours", "captions", [red], 0.5)
    library.set_calibration(own)
    assert known.calibration is None and library.snapshot() is not known
    assert library.snapshot().calibration == own
    (after,) = (hit for hit in search(library, text="red", mode="words") if hit.path == "red.png")
    assert dict(after.words)["red"] < dict(before.words)["red"]
    assert library.verify() == []


def test_a_calibration_of_another_predictor_is_not_used(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    library.set_calibration(calibration("e" * 64))
    assert library.snapshot().calibration is None
    assert "Make it again" in caplog.text


def test_a_damaged_calibration_is_named_with_what_to_do(library: Library) -> None:
    (library.path / FILE).write_text("{}")
    with pytest.raises(BadLibrary, match="Make the calibration again"):
        search(library, text="red", mode="words")
    assert any("no calibration" in problem for problem in library.verify())


def test_the_shipped_calibration_is_of_the_shipped_head() -> None:
    shipped = Calibration.read(LEXICAL_HEAD / FILE)
    predictor = WordPredictor.load(device="cpu")
    assert shipped.predictor == predictor.fingerprint, "captionret calibrate --data flickr8k:data/flickr8k"
    assert {form for one in shipped.groups for form in one.forms} == set(predictor.words)
    assert shipped.forms("dogs") == ("dog", "dogs") == shipped.forms("dog")


def test_a_library_and_a_head_are_not_calibrated_at_once() -> None:
    with pytest.raises(BadSetting, match="not both"):
        calibrate(Dataset("x", ()), "val", library="photos", head="words-lite")


def test_how_often_people_use_words_counts_where_few_pictures_tell() -> None:
    random = np.random.default_rng(2)
    names = [f"{first}{last}o" for first in "bcdfghjklm" for last in "aeiu"]
    rate = random.uniform(0.02, 0.7, len(names))

    def captions(count: int) -> list[list[str]]:
        return [
            [" ".join(np.array(names)[random.random(len(names)) < rate]) or "the"] * 2 for _ in range(count)
        ]

    words, own, others = WordMatrix.of_rows([dict.fromkeys(names, 0.3)] * 30), captions(30), captions(400)

    def wrong(further: list[list[str]]) -> float:
        found = fit_calibration(
            words, None, own, lambda groups, alone: Calibration("d", "", "", groups, alone), further
        ).calibration
        shown = [found.of_head(name, np.array([0.3]))[0] for name in names]
        return float(np.abs(np.array(shown) - rate).mean())

    assert wrong(others) < 0.7 * wrong([])


@pytest.mark.filterwarnings("error")
def test_odds_that_no_number_holds_are_a_probability_of_0_without_a_warning() -> None:
    assert calibrated(np.array([0.3]), 1.0, -2000.0).tolist() == [0.0]
