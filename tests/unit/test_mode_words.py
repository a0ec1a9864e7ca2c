"""Mode `words`: likelihoods of texts over an inverted index, with classes beside the lexical head."""

import math

import numpy as np
import pytest

from captionret.errors import BadSetting
from captionret.image_classes import classes_of, image_classes
from captionret.retrieval import MODES, EncodedQuery, Gallery, TableSource, WordMatrix, search
from captionret.retrieval.hit_words import LEAST
from captionret.retrieval.index.columns import Columns
from captionret.retrieval.modes.text_likelihood import NUMBER
from captionret.retrieval.predicted import CLASS_ALONE, CLASS_SHARE, FLOOR
from captionret.retrieval.understanding import understand
from captionret.retrieval.word_weights import learnt_weight, learnt_weights

ROWS = [
    {"dog": 0.9, "beach": 0.3, "a": 0.95},
    {"cat": 0.8, "bed": 0.004, "a": 0.9},
    {"dog": 0.2, "man": 0.7, "beach": 0.6, "a": 0.9},
]
CLASSES = [{"chow": 0.5, "papillon": 0.25}, {"tabby": 0.8, "tiger cat": 0.1}, {"sea lion": 0.9}]
NAMES = ["1-dog.jpg", "2-cat.jpg", "3-man.jpg"]


def gallery_of(classes: list[dict[str, float]] | None = None) -> Gallery:
    hashes = [f"{number:064x}" for number in range(len(ROWS))]
    source = TableSource(
        hashes,
        word_probabilities=WordMatrix.of_rows(ROWS),
        classes=None if classes is None else WordMatrix.of_rows(classes),
    )
    return Gallery(NAMES, ["" for _ in ROWS], hashes, source=source)


def found(text: str, classes: list[dict[str, float]] | None = None) -> list[str]:
    return [hit.path for hit in search(gallery_of(classes), EncodedQuery(text=text), "words")]


def test_score_is_the_log_likelihood_of_the_words_by_their_number() -> None:
    unstored = 0.004 / 3  # a third of the least that is stored

    def odds(row: dict[str, float], word: str) -> float:
        value = row.get(word, unstored)
        return learnt_weight(word) * math.log(value / (1 - value))

    def number(row: dict[str, float]) -> float:
        return NUMBER * sum(math.log(1 - value) for value in row.values())

    expected = [(odds(row, "dog") + odds(row, "beach") + number(row)) / 2 for row in ROWS]
    scores = MODES["words"].prepare(gallery_of()).scores(EncodedQuery(text="dog beach"))
    assert scores.tolist() == pytest.approx(expected, abs=1e-4)


def test_words_of_what_is_seen_tell_more_than_those_of_how_it_is_said() -> None:
    assert min(learnt_weight("red"), learnt_weight("beach"), learnt_weight("bus")) > max(
        learnt_weight("his"), learnt_weight("through"), learnt_weight("to")
    )
    assert learnt_weight("no such word") == 1 and all(value > 0 for value in learnt_weights().values())


def test_a_picture_in_which_no_word_is_probable_is_no_hit() -> None:
    assert found("dog") == ["1-dog.jpg", "3-man.jpg"]
    assert found("bed") == [], f"0.004 is below {FLOOR}"
    assert found("the dog") == ["1-dog.jpg", "3-man.jpg"], "stop words make no picture fit"


def test_words_that_nothing_is_known_of_find_nothing() -> None:
    assert found("Hund") == found("xyzzy", CLASSES) == []
    with pytest.raises(BadSetting, match="no word to compare by"):
        found("?!")


def test_classes_know_words_that_the_lexical_head_does_not() -> None:
    assert found("tabby") == []
    assert found("tabby", CLASSES) == ["2-cat.jpg"]
    assert sorted(found("animal", CLASSES)) == NAMES, "all three are kinds of animals"
    assert found("a sea lion", CLASSES) == ["3-man.jpg"], "a name of two words"


def test_a_word_of_both_is_surer_than_of_one() -> None:
    prepared = MODES["words"].prepare(gallery_of(CLASSES))
    for word, row, head, share in (("dog", 0, 0.9, CLASS_SHARE), ("tabby", 1, 0.0, CLASS_ALONE)):
        by_class = sum(CLASSES[row].get(name, 0.0) for name in classes_of()[word])
        (reason,) = prepared.explain(EncodedQuery(text=word), row).words
        assert reason.image == pytest.approx(1 - (1 - head) * (1 - share * by_class), abs=1e-6)


def test_hits_show_the_words_that_they_were_found_by() -> None:
    first = search(gallery_of(CLASSES), EncodedQuery(text="a dog on a beach"), "words")[0]
    assert first.why == ("dog", "beach", "a")


def test_hits_show_the_texts_words_with_their_probabilities() -> None:
    first, second = search(gallery_of(CLASSES), EncodedQuery(text="a dog, not a cat on the beach"), "words")[
        :2
    ]
    assert [word for word, _ in first.words] == ["dog", "cat", "beach"], "in the order of the text"
    by_class = CLASS_SHARE * sum(CLASSES[0].values())
    assert first.words[0][1] == pytest.approx(1 - (1 - 0.9) * (1 - by_class), abs=1e-6)
    assert dict(second.words)["beach"] == pytest.approx(0.6, abs=1e-6), "whatever the score counts them for"


def test_hits_show_the_word_that_a_word_was_read_as() -> None:
    gallery = gallery_of()
    understood = understand(["dogs"], gallery.known_words)
    hit = search(gallery, EncodedQuery(text="dogs", understood=understood), "words")[0]
    assert [word for word, _ in hit.words] == ["dog"]


def test_hits_for_a_picture_show_the_words_that_both_share() -> None:
    gallery = gallery_of()
    hits = search(gallery, gallery.query(0), "words")
    assert [[word for word, _ in hit.words] for hit in hits if hit.path == NAMES[2]] == [["beach", "dog"]]
    assert all(value >= LEAST for hit in hits for _, value in hit.words)


def test_modes_that_compare_captions_show_no_probabilities() -> None:
    gallery = Gallery(NAMES, ["a dog"] * 3, gallery_of().hashes, source=gallery_of()._source)
    assert [hit.words for hit in search(gallery, EncodedQuery(text="dog"), "jaccard")] == [()] * 3


def test_text_scores_are_explained_to_their_sum() -> None:
    prepared, query = MODES["words"].prepare(gallery_of(CLASSES)), EncodedQuery(text="a dog and a tabby")
    for row, score in enumerate(prepared.scores(query)):
        assert prepared.explain(query, row).score == pytest.approx(float(score), abs=1e-5)


def test_picture_scores_are_explained_to_their_sum() -> None:
    gallery = gallery_of()
    prepared, query = MODES["words"].prepare(gallery), gallery.query(0)
    for row, score in enumerate(prepared.scores(query)):
        assert prepared.explain(query, row).score == pytest.approx(float(score), abs=1e-5)


def test_of_pictures_as_like_the_surer_comes_first() -> None:
    rows = [{"dog": 0.9, "beach": 0.8}, {"dog": 0.3, "beach": 0.25}, {"dog": 0.9, "beach": 0.8}]
    rows += [{"man": 0.9}] * 3
    hashes = [f"{number:064x}" for number in range(len(rows))]
    source = TableSource(hashes, word_probabilities=WordMatrix.of_rows(rows))
    gallery = Gallery(
        [f"{number}.jpg" for number in range(len(rows))], [""] * len(rows), hashes, source=source
    )
    scores = MODES["words"].prepare(gallery).scores(gallery.query(0))
    cosines = MODES["expected-cosine"].prepare(gallery).scores(gallery.query(0))
    assert scores[2] > scores[1] > scores[3]
    assert scores[1] / scores[2] < cosines[1] / cosines[2]


def test_columns_are_the_rows_the_other_way_round() -> None:
    matrix = WordMatrix.of_rows(ROWS)
    columns = Columns(matrix)
    for word in matrix.words:
        assert columns.column(word).tolist() == pytest.approx([row.get(word, 0.0) for row in ROWS])
    assert "zebra" not in columns and not columns.column("zebra").any()


def test_image_classes_are_imagenets_with_what_people_call_them() -> None:
    classes = image_classes()
    assert len({one.name for one in classes}) == 1000
    assert (classes[0].name, classes[281].name, classes[999].name) == ("tench", "tabby", "toilet tissue")
    assert {"cat", "animal"} <= set(classes[281].above)
    assert all(name in classes_of() for name in ("espresso", "coffee", "rocket", "sea lion"))
    assert not {"entity", "object", "artifact"} & classes_of().keys()


def test_a_text_in_expected_cosine_counts_its_own_words_alone() -> None:
    rows = [{"man": 0.9, "street": 0.8, "dog": 0.6}, {"wall": 0.1}] * 20
    query = EncodedQuery(text="dog")
    source = TableSource([f"{n:064x}" for n in range(40)], word_probabilities=WordMatrix.of_rows(rows))
    gallery = Gallery(
        [f"{n:02}" for n in range(40)], [""] * 40, [f"{n:064x}" for n in range(40)], source=source
    )
    scores = MODES["expected-cosine"].prepare(gallery).scores(query)
    assert scores[0] > 0 > scores[1], "of the second hardly anything is predicted; that makes it no dog"
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("typed", "name"), [("dogs", "1-dog.jpg"), ("tabbies", "2-cat.jpg"), ("tabbie", "")])
def test_words_are_taken_for_what_they_mean(typed: str, name: str) -> None:
    held = gallery_of(CLASSES)
    query = EncodedQuery(text=typed, understood=understand([typed], held.known_words))
    hits = search(held, query, "words")
    assert [hit.path for hit in hits][:1] == ([name] if name else [])
    if name:
        row = held.row_of_id[name]
        (reason,) = MODES["words"].prepare(held).explain(query, row).words
        assert reason.partner == {"dogs": "dog", "tabbies": "tabby"}[typed]


def test_a_gallery_knows_the_words_for_its_classes() -> None:
    known = gallery_of(CLASSES).known_words
    assert known["tabby"] == 1 and known["sea lion"] == 1 and known["zebra"] == 0


def test_forms_of_a_word_tell_as_much_as_the_commonest() -> None:
    known, held = {"dog": 9, "dogs": 9}, gallery_of()
    prepared = held.prepared(MODES["words"])
    scores = [
        prepared.scores(EncodedQuery(text=typed, understood=understand([typed], known))).tolist()
        for typed in ("dog", "dogs")
    ]
    assert scores[0] == scores[1]
