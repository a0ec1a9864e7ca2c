"""What the words of a query are read as: themselves, other forms, what was mistyped, what means the same."""

from collections.abc import Sequence
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captionret.app.query.meanings import word_meanings
from captionret.retrieval import EncodedQuery, Gallery, TableSource, WordMatrix, find_mode, parse, search
from captionret.retrieval.inflections import number_forms, verb_forms
from captionret.retrieval.notes import notes
from captionret.retrieval.understanding import (
    ALIKE,
    FORM,
    ITSELF,
    KIND,
    MEANING,
    TYPO,
    Understood,
    as_read,
    understand,
)
from captionret.text import words_as_typed

KNOWN = dict.fromkeys(
    """dog dogs cat cats man men woman beach beaches running runs run bus buses glass motorcycle motorcycles
    flower flowers red building child children horse car cars vehicle coffee hand the a on""".split(),
    5,
)


class Thesaurus:
    """A few words, with how common each is."""

    ranks: ClassVar = {
        "motorcyle": 141_028,
        "motorcycle": 7_213,
        "puppy": 22_454,
        "hund": 122_192,
        "hand": 823,
    }

    def rank(self, word: str) -> int | None:
        return self.ranks.get(word)

    def near(self, word: str, known: Sequence[str]) -> list[tuple[str, float]]:
        return [("dog", 0.8), ("dogs", 0.7)] if word == "puppy" else []


def read(word: str) -> Understood:
    (found,) = understand([word], KNOWN, Thesaurus())
    return found


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("cats", {"cats", "cat"}),
        ("cat", {"cat", "cats"}),
        ("men", {"men", "man"}),
        ("child", {"child", "children"}),
        ("buses", {"buses", "bus"}),
        ("bus", {"bus", "buses"}),
        ("glass", {"glass"}),
        ("glasses", {"glass"}),
        ("red", {"red"}),
        ("horses", {"horse"}),
        ("ran", {"run", "runs", "running"}),
        ("beaches", {"beach", "beaches"}),
        ("women", {"woman"}),
    ],
)
def test_other_forms_of_a_word_are_the_word(word: str, forms: set[str]) -> None:
    assert {one.word for one in read(word).readings} == forms
    assert {one.weight for one in read(word).readings} == {1.0}


@pytest.mark.parametrize(
    ("typed", "known"),
    [("Zoe", "zoë"), ("cafe", "café"), ("grosse", "größe"), ("café", "cafe")],
)
def test_marks_on_letters_may_be_left_out(typed: str, known: str) -> None:
    (one,) = understand([typed], {**KNOWN, known: 1, "zoo": 9})
    assert [(reading.word, reading.how) for reading in one.readings] == [(known, FORM)]


def test_a_word_that_is_known_as_it_is_spelt_is_no_other_with_marks() -> None:
    (one,) = understand(["pate"], {"pate": 3, "pâté": 2})
    assert one.alike == ("pate",)


def test_forms_of_a_verb_count_less_beside_the_word_itself() -> None:
    weights = {one.word: (one.weight, one.how) for one in read("running").readings}
    assert weights == {"running": (1.0, ITSELF), "run": (0.5, FORM), "runs": (0.5, FORM)}


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
def test_every_word_is_one_of_its_own_forms(word: str) -> None:
    assert word in number_forms(word, KNOWN) and word in verb_forms(word, KNOWN)


@pytest.mark.parametrize("typed", ["motorcyle", "motorcyclee", "motrocycle", "motorcyxle"])
def test_one_error_of_typing_is_read_as_what_was_meant(typed: str) -> None:
    found = read(typed)
    assert found.suggestion == "motorcycle"
    assert {(one.word, one.how) for one in found.readings} == {("motorcycle", TYPO), ("motorcycles", TYPO)}
    assert str(found) == f"{typed}: motorcycle (typing error), motorcycles (typing error)"


def test_a_word_of_its_own_is_no_error_though_a_known_one_is_near() -> None:
    assert [(one.word, one.weight, one.how) for one in read("puppy").readings] == [
        ("dog", 0.8, MEANING),
        ("dogs", 0.7, MEANING),
    ]
    assert str(read("puppy")) == "puppy: dog .80 (meaning), dogs .70 (meaning)"
    assert not read("Hund").known and read("Hund").suggestion is None, "a short noun with a capital"
    assert read("Hund").typed == "Hund" and str(read("xyzzy")) == "xyzzy: nothing that is known here"


def test_what_no_picture_shows_is_never_suggested() -> None:
    (found,) = understand(["motorcyle"], {"motorcycle": 0}, None)
    assert (found.readings, found.suggestion) == ((), None)


def test_a_noun_that_captions_seldom_hold_is_also_read_as_a_commoner_one_for_the_same() -> None:
    (found,) = understand(["automobiles"], KNOWN | {"automobile": 3})
    assert [(one.word, one.how) for one in found.readings] == [("automobile", FORM), ("car", MEANING)]
    assert found.alike == ("automobile", "car") and as_read("automobiles", [found]) == "automobile"
    (unknown,) = understand(["automobile"], KNOWN)
    assert unknown.readings[0].word == "car" and unknown.readings[0].weight == 1
    assert [one.word for one in unknown.readings if one.how == KIND] == ["vehicle"]
    assert [one.word for one in read("car").readings] == ["car", "cars"], "captions often hold it"


@pytest.mark.parametrize(
    ("typed", "known", "others"),
    [
        ("sofa", ["sofa", "couch"], ["couch"]),
        ("sofas", ["sofas", "couch"], ["couch"]),
        ("bicycle", ["bicycle", "bike", "motorcycle"], ["bike"]),
        ("tv", ["tv", "television", "video"], ["television"]),
        ("kids", ["kids", "child", "children"], ["child"]),
        ("trunk", ["trunk", "trunks", "shorts"], []),  # swimmers' trunks alone are shorts
        ("toilet", ["toilet", "bathroom"], []),  # though WordNet has them as one
    ],
)
def test_what_people_say_instead_of_a_noun_is_read_too_with_less_weight(
    typed: str, known: list[str], others: list[str]
) -> None:
    (found,) = understand([typed], dict.fromkeys(known, 3))
    meant = [one for one in found.readings if one.how == MEANING]
    assert [one.word for one in meant] == others
    assert all(ALIKE <= one.weight < 1 for one in meant), "conditions hold for it"
    assert found.exact and f"{typed}: {typed}" in str(found)


def test_a_noun_is_not_read_as_what_no_picture_shows() -> None:
    (found,) = understand(["sofa"], {"sofa": 3, "couch": 0})
    assert [one.word for one in found.readings] == ["sofa"]


def test_a_noun_finds_what_is_called_otherwise_after_what_is_called_so() -> None:
    rows = [{"couch": 0.8}, {"sofa": 0.8}, {"dog": 0.9}, {"sofa": 0.01, "couch": 0.01}]
    hashes = [f"{row:064x}" for row in range(4)]
    source = TableSource(hashes, word_probabilities=WordMatrix.of_rows(rows))
    gallery = Gallery([f"{row}.jpg" for row in range(4)], [""] * 4, hashes, source=source)
    for text, expected in (("sofa", ["1.jpg", "0.jpg"]), ("couch", ["0.jpg", "1.jpg"])):
        query = EncodedQuery(text=text, understood=understand([text], gallery.known_words))
        hits = search(gallery, query, "words")
        assert [hit.id for hit in hits] == expected
        assert [hit.why[0] for hit in hits] == [text, {"sofa": "couch", "couch": "sofa"}[text]]


def test_an_unknown_noun_is_read_as_what_it_is_a_kind_of_but_conditions_are_not() -> None:
    (found,) = understand(["ibises"], KNOWN | {"bird": 9, "wading bird": 1}, Thesaurus())
    assert str(found) == "ibises: wading bird .60 (a kind of), bird .40 (a kind of)"
    assert found.alike == () and found.common
    assert as_read("ibises", [found]) == "ibises"


def test_stop_words_and_numbers_are_only_themselves() -> None:
    assert [one.word for one in read("the").readings] == ["the"]
    assert not read("2019").known and read("teh").suggestion != "the"


def test_meanings_come_from_vectors_and_the_sentence_encoder() -> None:
    meanings = word_meanings()
    assert meanings is not None
    found = understand(["automobile", "feline", "xyzzy", "Hund", "coffees"], KNOWN, meanings)
    best = {one.typed: one.readings[0].word if one.readings else None for one in found}
    assert best == {"automobile": "car", "feline": "cat", "xyzzy": None, "Hund": None, "coffees": "coffee"}


# --- in an answer ---


def gallery_of(rows: list[dict[str, float]]) -> Gallery:
    hashes = [f"{number:064x}" for number in range(len(rows))]
    source = TableSource(hashes, word_probabilities=WordMatrix.of_rows(rows))
    return Gallery(
        [f"{number}.jpg" for number in range(len(rows))], ["a picture"] * len(rows), hashes, source=source
    )


PETS = gallery_of(
    [{"dog": 0.9, "a": 0.9}, {"dogs": 0.6, "a": 0.9}, {"cat": 0.9, "a": 0.9}, {"dog": 0.02, "a": 0.9}]
)


def asked(text: str) -> EncodedQuery:
    parsed = parse(text)
    read = understand(words_as_typed(text, parsed.words), PETS.known_words, Thesaurus())
    return EncodedQuery(text=parsed.text, parsed=parsed, understood=read)


@pytest.mark.parametrize("text", ["dog", "dogs", "a dog", "dgo", "puppy"])
def test_singular_plural_typing_error_and_synonym_find_the_same_pictures(text: str) -> None:
    assert [hit.path for hit in search(PETS, asked(text), "words")] == ["0.jpg", "1.jpg"]


def test_a_reason_and_an_explanation_name_the_word_that_was_found() -> None:
    first, second = search(PETS, asked("puppy"), "words")
    assert (first.why, second.why) == (("dog",), ("dogs",))
    explained = PETS.prepared(find_mode("words")).explain(asked("puppy"), 1)
    assert [(one.word, one.partner, round(one.image, 2)) for one in explained.words] == [
        ("puppy", "dogs", 0.42)
    ]
    assert explained.score == pytest.approx(second.score, abs=1e-6)


@pytest.mark.parametrize("mode", ["words", "expected-cosine", "expected-jaccard"])
def test_of_what_nothing_can_be_made_nothing_is_found(mode: str) -> None:
    for text in ("Hund", "a xyzzy"):
        assert search(PETS, asked(text), mode) == []
    assert notes(PETS, asked("Hund"), []) == (
        "No picture here shows 'Hund'.",
        "Words are read as English, and nothing is known of 'Hund'.",
    )
    assert notes(PETS, asked("gerenuk"), []) == ("No picture here shows 'gerenuk'.",)


def test_an_answer_for_another_word_says_so() -> None:
    hits = search(PETS, asked("dgo xyzzy"), "words")
    assert notes(PETS, asked("dgo xyzzy"), hits) == (
        "No picture here shows 'dgo'. Did you mean 'dog'? The answer is for 'dog'.",
        "No picture here shows 'xyzzy'. The answer is for the other words.",
    )


def test_words_that_nothing_shows_are_named_in_one_sentence() -> None:
    hits = search(PETS, asked("dog xyzzy zyxxy"), "words")
    shown = "No picture here shows 'xyzzy' or 'zyxxy'."
    assert notes(PETS, asked("dog xyzzy zyxxy"), hits) == (f"{shown} The answer is for the other words.",)
    english = "Words are read as English, and nothing is known of 'xyzzy' or 'zyxxy'."
    assert notes(PETS, asked("xyzzy zyxxy"), []) == (shown, english)


@pytest.mark.parametrize("text", ["a cat no dog", "a cat, not a dog", "a cat without any dog"])
def test_who_means_a_minus_is_shown_how_to_type_it(text: str) -> None:
    (note,) = notes(PETS, asked(text), search(PETS, asked(text), "words"))
    assert note.endswith("is a word like any other. To leave out what shows 'dog', type -dog.")
    for minus in ("a cat -dog", "a cat NOT dog", "a cat no a"):
        assert notes(PETS, asked(minus), search(PETS, asked(minus), "words")) == ()


def test_conditions_hold_for_other_forms_and_synonyms_too() -> None:
    assert [hit.path for hit in search(PETS, asked("a -puppy"), "expected-jaccard")] != []
    parsed = parse("a -puppy")
    query = EncodedQuery(
        text="a", parsed=parsed, understood=understand(["a", "puppy"], PETS.known_words, Thesaurus())
    )
    assert {hit.path for hit in search(PETS, query, "expected-jaccard")} == {"2.jpg", "3.jpg"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("winow", "window"), ("hnad", "hand"), ("sldie", "slide"), ("wahl", "wall")],
)
def test_an_error_is_read_as_the_likeliest_of_the_words_one_error_away(typed: str, meant: str) -> None:
    known = dict.fromkeys("window hand head slide side wall wail widow".split(), 3)
    (found,) = understand([typed], known, None)
    assert found.suggestion == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("elefant", "elephant"), ("dolfins", "dolphins"), ("fone", "phone"), ("bycicle", "bicycle")],
)
def test_a_word_that_is_written_as_it_sounds_is_an_error(typed: str, meant: str) -> None:
    known = dict.fromkeys("elephant elegant dolphins phone bone bicycle fine".split(), 3)
    (found,) = understand([typed], known, Thesaurus())
    assert (found.suggestion, found.readings[0].how) == (meant, TYPO)


def test_what_pictures_show_faintly_can_be_meant() -> None:
    faint = gallery_of([{"window": 0.1, "a": 0.9}]).known_words
    assert faint["window"] == 0
    (found,) = understand(["winow"], faint, None)
    assert found.suggestion == "window"


def test_a_rare_word_of_english_without_others_of_its_meaning_is_an_error_where_a_common_one_is_near() -> (
    None
):
    class Ranks(Thesaurus):
        ranks: ClassVar = {"tre": 36_539, "tree": 2_654, "rook": 11_000, "book": 539}

    tree, book = understand(["tre", "rook"], {"tree": 5, "book": 5}, Ranks())
    assert tree.suggestion == "tree" and tree.readings[0].how == TYPO
    assert not book.known, "many people use it"


def test_a_text_is_compared_as_it_was_meant() -> None:
    read = understand(["Dgos"], KNOWN, Thesaurus())
    assert as_read("Dgos", read) == "dog" == as_read("dogs", understand(["dogs"], KNOWN, Thesaurus()))
    two = understand(["a", "dgo", "red", "dogs"], KNOWN, Thesaurus())
    assert as_read("A dgo, red dogs", two) == "A dog, red dogs", "among others a known word stays as it is"
    assert as_read("puppy", understand(["puppy"], KNOWN, Thesaurus())) == "puppy"


@pytest.mark.parametrize("typed", ["dog,", "dog .", " Dog!", '"dog"', "(dogs)", "dog -"])
def test_marks_around_a_word_that_stands_alone_ask_for_nothing(typed: str) -> None:
    """`dog,` ranked the pictures of a space unlike `dog`."""
    assert as_read(typed, understand(["dogs"], KNOWN, Thesaurus())).lower() == "dog"


def test_marks_between_words_and_the_stop_of_a_sentence_are_read() -> None:
    assert as_read("A dog, a cat.", ()) == "A dog, a cat." and as_read("a dog, a cat,", ()) == "a dog, a cat"
    assert as_read("?!", ()) == "?!"


def test_a_far_likelier_word_is_meant_though_no_picture_shows_it() -> None:
    known = {"adult": 0, "duct": 1, "photo": 0, "shoot": 3, "cat": 0, "car": 9}
    meant = {one.word: one.suggestion for one in understand(["dult", "phoot", "caz", "ducf"], known)}
    assert meant == {"dult": "adult", "phoot": "photo", "caz": "car", "ducf": "duct"}


def test_a_word_that_is_none_is_an_error_rather_than_what_another_form_would_be_of() -> None:
    class Ranks(Thesaurus):
        ranks: ClassVar = {"bik": 81_329, "bike": 2_400, "hous": 261_224, "house": 166, "hike": 9_000}

    known = {
        "bike": 9,
        "bikes": 2,
        "biking": 3,
        "house": 9,
        "houses": 4,
        "housing": 1,
        "hiking": 7,
        "hide": 2,
    }
    bike, house, hike, boards = understand(["bik", "hous", "hike", "florp"], known | {"florps": 2}, Ranks())
    assert (bike.suggestion, house.suggestion) == ("bike", "house")
    assert [one.word for one in bike.readings] == ["bike", "bikes", "biking"]
    assert {one.how for one in (*bike.readings, *house.readings)} == {TYPO}
    assert [str(one) for one in (hike, boards)] == [
        "hike: hiking (other form)",
        "florp: florps (other form)",
    ]
