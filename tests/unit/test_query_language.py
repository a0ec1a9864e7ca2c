"""The query language: what each text asks for, what is wrong with it and where, which pictures are left."""

import string
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from captionret.errors import BadQuery, BadSetting
from captionret.records import PictureFacts
from captionret.retrieval import EncodedQuery, Gallery, TableSource, WordMatrix, parse, search
from captionret.retrieval.notes import notes
from captionret.retrieval.selecting import selected
from captionret.text import words

PLAIN = [
    "a dog on a beach",
    "A man's dog, two cats; (three) birds: fine!",
    'a 5" disk - and 3" ones',
    "it's a well-known dog--truly",
    "a dog — a big one – on 5–6 legs −",
    "dog(s) and f(x)",
    "a happy dog :-)",
    "photo: a dog at 16:9",
    "a cat and a dog, not a bird or a fish",
    "dog -> cat",
    "a < b",
    "?!...",
    "犬 と 猫",
]


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_sentence_is_itself_whatever_its_punctuation(text: str) -> None:
    parsed = parse(text)
    assert (parsed.text, parsed.words, parsed.condition, parsed.filters) == (text, words(text), None, ())


@pytest.mark.parametrize(
    ("text", "sentence", "condition", "filters"),
    [
        ("a dog -people", "a dog", "NOT people", ""),
        ("a dog NOT people", "a dog", "NOT people", ""),
        ("a dog −people", "a dog", "NOT people", ""),  # as other programs set a minus
        ("a dog ‐people", "a dog", "NOT people", ""),
        ("a dog NOT a cat by the lake", "a dog by the lake", "NOT cat", ""),
        ("dog OR cat", "dog cat", "(dog OR cat)", ""),
        ("a dog AND a beach", "a dog a beach", "(dog AND beach)", ""),
        ("dog OR cat AND bird", "dog cat bird", "(dog OR (cat AND bird))", ""),
        ("(dog OR cat) AND bird", "dog cat bird", "((dog OR cat) AND bird)", ""),
        ("(dog OR cat) beach", "dog cat beach", "(dog OR cat)", ""),
        ("dog OR cat -people", "dog cat", "((dog OR cat) AND NOT people)", ""),
        ("dog OR -people", "dog", "(dog OR NOT people)", ""),
        ("-(dog cat) lake", "lake", "NOT (dog AND cat)", ""),
        ("NOT (dog OR cat) lake", "lake", "NOT (dog OR cat)", ""),
        ('"red car" street', "red car street", '"red car"', ""),
        ('street -"red car"', "street", 'NOT "red car"', ""),
        ("“red car” street", "red car street", '"red car"', ""),
        ("dog>0.8 beach", "dog beach", "dog>0.8", ""),
        ("dog>=.8", "dog", "dog>0.8", ""),
        ("dog > 0.8", "dog", "dog>0.8", ""),
        ("beach -people>0.2", "beach", "NOT people>0.2", ""),
        ("dog under:2019/summer", "dog", "None", "under:2019/summer"),
        ('under:"my photos" dog', "dog", "None", 'under:"my photos"'),
        ("under:2019(1) dog", "dog", "None", 'under:"2019(1)"'),
        ("dog since:2019-06 until:2019-06", "dog", "None", "since:2019-06-01 until:2019-06-30"),
        ("since:2019 until:2020", "", "None", "since:2019-01-01 until:2020-12-31"),
        ('camera:"EOS R5"', "", "None", 'camera:"EOS R5"'),
        ("dog -under:private", "dog", "NOT under:private", ""),
        ("dog OR cat under:a", "dog cat", "(dog OR cat)", "under:a"),
        ("the AND dog", "the dog", "(the AND dog)", ""),
        ("( ( dog ) ) -cat", "dog", "NOT cat", ""),
    ],
)
def test_a_query_asks_for(text: str, sentence: str, condition: str, filters: str) -> None:
    parsed = parse(text)
    found = parsed.text, str(parsed.condition), " ".join(map(str, parsed.filters))
    assert found == (sentence, condition, filters)


@pytest.mark.parametrize(
    ("text", "sentence", "place"),
    [
        ("(dog", "no ) for this (", 0),
        ("a (dog OR (cat)", "no ) for this (", 2),
        ("dog)", "no ( for this )", 3),
        ("dog () cat", "Nothing stands in this parenthesis", 4),
        ("dog OR", "After OR", 4),
        ("(dog AND ) cat", "After AND", 5),
        ("OR dog", "Before OR", 0),
        ("dog AND OR cat", "After AND", 4),
        ("NOT", "After NOT", 0),
        ("dog OR ...", "A part beside OR holds no word", 7),
        ('dog "red car', "quotation mark is not closed", 4),
        ('camera:"EOS R5', "quotation mark is not closed", 7),
        ("dog camera:„EOS R5 since:2019", "quotation mark is not closed", 11),
        ("dog --people", "To leave people out write -people", 4),
        ("dog –people", "To leave people out write -people", 4),
        ("—people", "To leave people out write -people", 0),
        ("dog>1.5", "1.5 is no probability", 4),
        ("dog>-1", "a probability from 0 to 1", 4),
        ("dog>nan", "a probability from 0 to 1", 4),
        ("dog>", "a probability from 0 to 1", 4),
        ('"red car">0.5', "Before > stands one word", 9),
        ("dog<0.2", "There is no <", 3),
        ("a since:yesterday", "'yesterday' is no date", 8),
        ("since:2019-13", "'2019-13' is no date", 6),
        ("until:2019-02-30", "'2019-02-30' is no date", 6),
        ("until:0000", "'0000' is no date", 6),
        ("camera: canon", "camera: has no value", 7),
        ("dog sinse:2019", "Did you mean since:", 4),
        ("犬 (", "Nothing stands in this parenthesis", 2),
    ],
)
def test_an_error_shows_the_place(text: str, sentence: str, place: int) -> None:
    with pytest.raises(BadQuery) as refused:
        parse(text)
    first, shown, mark = str(refused.value).split("\n")
    assert sentence in first and shown.strip() == text.rstrip()
    wide = sum(letter == "犬" for letter in text[:place])
    assert mark == " " * (4 + place + wide) + "^"


@pytest.mark.parametrize("text", ["-people", "NOT people", "-dog -(cat OR bird)", "... -people"])
def test_a_query_that_only_leaves_out_is_refused_unless_a_picture_stands_beside_it(text: str) -> None:
    with pytest.raises(BadQuery, match="only what shall not be seen"):
        parse(text)
    assert parse(text, alone=False).condition is not None


def test_an_empty_query_and_one_that_is_nested_too_deep_are_refused() -> None:
    for text in ("", "  \n"):
        with pytest.raises(BadQuery, match="empty"):
            parse(text)
    for text in ("(" * 60 + "dog" + ")" * 60, "(" * 100_000):
        with pytest.raises(BadQuery, match="more than 50 parentheses"):
            parse(text)
    assert str(parse("(" * 49 + "dog OR cat" + ")" * 49).condition) == "(dog OR cat)"


PIECES = [*'()"->:<.', " ", "AND", "OR", "NOT", "dog", "the", "under:", "since:", "2019", "0.5", "1.5"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(string.printable, max_size=20))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        parsed = parse(text)
    except BadQuery as error:
        assert str(error).split("\n")[0].endswith((".", ":?"))
    else:
        assert parsed.words == words(parsed.text)


def test_limits_beside_the_text_are_the_words_of_the_language() -> None:
    assert parse("a dog").limited(under="2019", since="2019-06", until="2019") == replace(
        parse("a dog under:2019 since:2019-06 until:2019"), given="a dog"
    )
    assert str(parse("a dog cat>0.9 -bird").limited(min_probability=0.7).condition) == (
        "((cat>0.9 AND NOT bird) AND dog>0.7)"
    )
    assert str(parse("dog OR cat").limited(min_probability=0.7).condition) == "(dog>0.7 OR cat>0.7)"
    with pytest.raises(BadSetting, match="no date"):
        parse("a dog").limited(since="soon")
    for wrong in (1.5, -0.1, float("nan")):
        with pytest.raises(BadSetting, match="from 0 to 1"):
            parse("a dog").limited(min_probability=wrong)


# --- which pictures are left ---

CAPTIONS = ["a dog on a beach", "a dog and people on a beach", "a red car in a street", "a cat"]
PATHS = ["2019/summer/dog.jpg", "2019/summer2/people.jpg", "2020/car.jpg", "cat.jpg"]
WORDS: list[dict[str, float]] = [
    {"dog": 0.9, "beach": 0.6},
    {"dog": 0.8, "people": 0.7, "beach": 0.9},
    {"car": 0.9, "dog": 0.3},
    {"cat": 1},
]
FACTS = [
    PictureFacts(
        *(4, 3, "2019-06-15T12:00:00", "Canon EOS R5"),
        lens="Canon RF24-70mm F2.8 L",
        place=(48.2082, 16.3738),
        title="Rex at the lake",
        keywords=("Summer holiday", "dogs"),
    ),
    PictureFacts(4, 3, "2019-07-01T00:00:00", "NIKON D70", place=(48.2500, 16.3738), keywords=("cards",)),
    PictureFacts(4, 3, "2020-01-01T00:00:00", None),
    None,
]


def gallery_of(predicted: bool) -> Gallery:
    hashes = [f"{number:064x}" for number in range(4)]
    matrix = WordMatrix.of_rows(WORDS)
    source = TableSource(
        hashes,
        captions=[(caption,) for caption in CAPTIONS],
        word_probabilities=matrix if predicted else None,
        facts=FACTS,
    )
    return Gallery(PATHS, CAPTIONS, hashes, source=source)


def asked(text: str) -> EncodedQuery:
    parsed = parse(text)
    return EncodedQuery(text=parsed.text or None, parsed=parsed)


@pytest.mark.parametrize("predicted", [True, False], ids=["word probabilities", "captions"])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("dog -people", ["dog", "car", "cat"]),
        ("dog AND beach", ["dog", "people"]),
        ("people OR cat", ["people", "cat"]),
        ("(people OR cat) -dog", ["cat"]),
        ("car -(dog beach)", ["car", "cat"]),
        ('"red car"', ["car"]),
        ('"car red"', []),
        ('a "dog"', ["dog", "people"]),
        ("under:2019", ["dog", "people"]),
        ("under:2019/summer", ["dog"]),
        ("under:./2019/summer/ dog", ["dog"]),
        ("under:. dog", ["dog", "people", "car", "cat"]),
        ("since:2019-06-15", ["dog", "people", "car"]),
        ("since:2019-06-16 until:2019", ["people"]),
        ("until:2019-06", ["dog"]),
        ("camera:canon", ["dog"]),
        ('camera:"nikon  d70"', ["people"]),
        ("dog -camera:canon", ["people", "car", "cat"]),
        ("cat OR since:2020", ["car", "cat"]),
        ("lens:24-70", ["dog"]),
        ("title:LAKE", ["dog"]),
        ("keyword:holiday", ["dog"]),
        ('keyword:"summer holiday"', ["dog"]),
        ("keyword:card", []),
        ("keyword:dogs OR keyword:cards", ["dog", "people"]),
        ("near:48.2082,16.3738", ["dog"]),
        ("near:48.2082,16.3738,5", ["dog", "people"]),
        ("near:48.2082,16.3738,4.5km", ["dog"]),
        ("-near:48.2082,16.3738,5 cat", ["car", "cat"]),
    ],
)
def test_pictures_are_left_that_meet_conditions_and_filters(
    text: str, left: list[str], predicted: bool
) -> None:
    gallery = gallery_of(predicted)
    mask = selected(gallery, asked(text))
    assert mask is not None
    names = [gallery.paths[row].rsplit("/")[-1].removesuffix(".jpg") for row in np.flatnonzero(mask).tolist()]
    assert sorted(names) == sorted(left)


@pytest.mark.parametrize(
    ("text", "count"), [("dog>0.8", 2), ("dog>0.85", 1), ("dog>0.3", 3), ("dog>0", 3), ("-dog>0.3 cat", 1)]
)
def test_a_least_probability_is_kept(text: str, count: int) -> None:
    mask = selected(gallery_of(True), asked(text))
    assert mask is not None and mask.sum() == count


def test_a_picture_whose_caption_says_what_is_struck_goes_however_improbable_it_is() -> None:
    captions = ["a rocket over people", "a rocket over a person", "a rocket"]
    words = [{"people": 0.2, "person": 0.1}, {"person": 0.3}, {"people": 0.1}]
    hashes = [f"{number:064x}" for number in range(3)]
    source = TableSource(
        hashes,
        captions=[(caption,) for caption in captions],
        word_probabilities=WordMatrix.of_rows(words),
    )
    gallery = Gallery(["0.jpg", "1.jpg", "2.jpg"], captions, hashes, source=source)
    for text, left in {
        "rocket -people": [False, True, True],
        "rocket -(people OR person)": [False, False, True],
        "rocket -people>0.15": [False, True, True],
        "rocket -people>0.5": [True, True, True],
        "rocket -(NOT people)": [False, False, False],
    }.items():
        mask = selected(gallery, asked(text))
        assert mask is not None and mask.tolist() == left, text


def test_no_people_means_no_man_and_no_girl_either() -> None:
    captions = ["two girls on a beach", "a beach", "a beach", "people on a beach"]
    words = [{"beach": 0.9}, {"beach": 0.9, "man": 0.7}, {"beach": 0.9, "man": 0.3}, {"people": 0.9}]
    hashes = [f"{number:064x}" for number in range(4)]
    source = TableSource(
        hashes,
        captions=[(caption,) for caption in captions],
        word_probabilities=WordMatrix.of_rows(words),
    )
    gallery = Gallery([f"{number}.jpg" for number in range(4)], captions, hashes, source=source)
    for text, left in {
        "beach -people": [False, False, True, False],
        "beach -person": [False, False, True, True],
        "beach -people>0.8": [False, True, True, False],
        "beach -man": [True, False, True, True],
        "people": [True, True, True, True],
        "people AND beach": [False, False, False, False],
    }.items():
        mask = selected(gallery, asked(text))
        assert mask is None or mask.tolist() == left, text


def test_what_does_not_come_into_question_is_never_a_hit_and_the_rest_ranks_as_before() -> None:
    gallery = gallery_of(True)
    everything = [(hit.id, hit.score) for hit in search(gallery, asked("a dog on a beach"))]
    left = search(gallery, asked("a dog on a beach -people"))
    assert [(hit.id, hit.score) for hit in left] == [one for one in everything if "people" not in one[0]]
    assert search(gallery, asked("a dog since:2021")) == []


def test_a_query_of_filters_alone_is_met_by_all_that_they_leave() -> None:
    hits = search(gallery_of(False), asked("since:2019 until:2019"), "cnn")
    assert [hit.path for hit in hits] == PATHS[:2] and {hit.score for hit in hits} == {1.0}


def test_a_text_that_is_not_parsed_is_taken_as_it_is() -> None:
    assert search(gallery_of(False), EncodedQuery(text="dog NOT people on a beach"))[0].id == PATHS[1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("xyzzy", "No picture here shows 'xyzzy'."),
        ("beech", "No picture here shows 'beech'. Did you mean 'beach'?"),
        ("dog under:2019/sumer", "No picture here lies under '2019/sumer'. Did you mean '2019/summer'?"),
        (
            "dog camera:leica",
            "No picture here was taken with 'leica'. Cameras here: Canon EOS R5, NIKON D70.",
        ),
        (
            "dog since:2021",
            "No picture here was taken since 2021-01-01; those of which it is known are of 2019-06-15 to "
            "2020-01-01.",
        ),
        ("zeppelin until:2020", "No picture here shows 'zeppelin'."),
        ("cat under:2019", "None of the 2 pictures that the conditions leave shows the rest of the query."),
        (
            "cat camera:canon",
            "The one picture that the conditions leave does not show the rest of the query.",
        ),
        ("dog>0.95", "No picture here shows 'dog' with a probability of 0.95."),
        ("dog AND cat", "No picture here meets all conditions of the query together."),
    ],
)
def test_an_answer_without_hits_says_why(text: str, sentence: str) -> None:
    gallery, query = gallery_of(True), asked(text)
    assert search(gallery, query) == []
    assert notes(gallery, query, [])[0] == sentence


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("a dog in 2019", ["since:2019 until:2019"]),
        ("dogs of june 2019", ["since:2019-06 until:2019-06"]),
        ("dog, 2019-06-15", ["since:2019-06-15 until:2019-06-15"]),
        ("summer 2019", ["since:2019 until:2019", "under:2019/summer"]),
        ("Summer", ["under:2019/summer"]),
        ("dog 2019 since:2019", ["under:2019"]),
        ("a dog under:2019 summer", []),
        ("dog 2018", []),
        ("a car of 2020", ["since:2020 until:2020"]),
        ("dog 2019-06-99", []),
        ("dog", []),
    ],
)
def test_days_and_folders_that_words_name_are_said_as_filters(text: str, typed: list[str]) -> None:
    gallery, query = gallery_of(True), asked(text)
    found = [one for one in notes(gallery, query, search(gallery, query)) if ", type " in one]
    assert [one.partition(", type ")[2] for one in found] == [f"{one}." for one in typed]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("under:italy", "Did you mean '2018 Italy'? Type under:\"2018 Italy\"."),
        ('under:"2018 ITALI"', "Did you mean '2018 Italy'? Type under:\"2018 Italy\"."),
        ("under:sea", "Did you mean '2018 Italy/sea'? Type under:\"2018 Italy/sea\"."),
        ("dog since:2020 until:2019", "until 2019-12-31: the last day comes first."),
    ],
)
def test_a_filter_that_nothing_meets_is_shown_as_it_may_be_meant(text: str, hint: str) -> None:
    source = TableSource(["0" * 64], captions=[("a dog",)], facts=FACTS[:1])
    gallery = Gallery(["2018 Italy/sea/a.jpg"], ["a dog"], ["0" * 64], source=source)
    assert notes(gallery, asked(text), [])[0].endswith(hint)


def test_where_no_file_says_when_it_was_taken_that_is_the_reason() -> None:
    gallery = Gallery(["a.jpg"], ["a dog"])
    assert "when it was taken" in notes(gallery, asked("dog since:2019"), [])[0]
    assert "the camera known" in notes(gallery, asked("dog camera:canon"), [])[0]


def test_the_page_shows_the_grammar_that_is_parsed() -> None:
    root = Path(__file__).resolve().parents[2]
    grammar = (root / "captionret/retrieval/language/grammar.lark").read_text("utf-8")
    assert grammar.strip() in (root / "docs/queries.md").read_text("utf-8")
