"""A text that nothing fits shows the pictures whose files are called so, and says it."""

from captionret.report.probabilities import reasons
from captionret.retrieval import EncodedQuery, Gallery, TableSource, WordMatrix, search
from captionret.retrieval.file_names import called_so
from captionret.retrieval.language.query import parse
from captionret.retrieval.notes import notes
from captionret.retrieval.understanding import understand

NAMES = ["trips/Full_Moon-2019.jpg", "moon/dog.jpg", "moons.png", "moonlight.jpg"]


def gallery() -> Gallery:
    hashes = [f"{number:064x}" for number in range(len(NAMES))]
    words = WordMatrix.of_rows([{"dog": 0.9}, {"dog": 0.8}, {"cat": 0.7}, {"dog": 0.6}])
    source = TableSource(hashes, word_probabilities=words)
    return Gallery(NAMES, ["a dog"] * len(NAMES), hashes, source=source)


def asked(text: str) -> EncodedQuery:
    parsed = parse(text)
    understood = understand(parsed.words, {"dog": 3})
    return EncodedQuery(text=parsed.text, parsed=parsed, understood=understood)


def test_files_that_are_called_so_are_shown_where_nothing_fits() -> None:
    hits = search(gallery(), asked("moon"), "auto")
    assert sorted(hit.path for hit in hits) == ["moons.png", "trips/Full_Moon-2019.jpg"]
    assert all(hit.by_name and hit.weak for hit in hits)
    assert reasons(hits[0]) == "file is called so  (weak)"
    assert notes(gallery(), asked("moon"), hits) == (
        "No picture here shows 'moon'.",
        "These pictures' files are called so.",
        "A folder is called 'moon'. To see what lies in it, type under:moon.",
    )


def test_name_without_its_ending_is_the_file() -> None:
    names = ["a/IMG_1234.JPG", "IMG_12345.jpg", "P3000 (1).jpg", "P3000.jpg"]
    pictures = Gallery(names, ["a dog"] * 4)
    for typed, name in {"IMG_1234": names[0], "img_12345": names[1], "P3000": names[3]}.items():
        assert [pictures.paths[row] for row in called_so(pictures, asked(typed))] == [name]


def test_every_word_has_to_be_in_the_name() -> None:
    (hit,) = search(gallery(), asked("a full moon"), "auto")
    assert hit.path == "trips/Full_Moon-2019.jpg"
    assert search(gallery(), asked("half moon"), "auto") == []


def test_what_fits_is_not_joined_by_names() -> None:
    hits = search(gallery(), asked("dog"), "auto")
    assert [hit.by_name for hit in hits] == [False] * 3


def test_filters_hold_and_other_modes_and_limits_go_by_no_names() -> None:
    (hit,) = search(gallery(), asked("moon under:trips"), "auto")
    assert hit.path == "trips/Full_Moon-2019.jpg"
    assert search(gallery(), asked("moon"), "words") == []
    assert search(gallery(), asked("moon"), "auto", min_score=0.5) == []
