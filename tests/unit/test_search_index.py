"""The search index on disk: every mode of words answers from it what it answers from the captions themselves,
to the bit; what changed is seen at once; an update writes what it changed."""

import random
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mean_colour import MeanColour, made_library, numbered, picture
from numpy.typing import NDArray

from captionret.app.searching import search
from captionret.library import Library, reading
from captionret.library.catalogue.documents import Document, read_documents
from captionret.library.index import changes, writing
from captionret.library.index.array_file import IndexFile, write_index_file
from captionret.library.index.merged import MergedSegments
from captionret.library.index.search_index import MANIFEST
from captionret.library.index.segment import Hashes, segment_of
from captionret.records import Caption, GivenCaptions, PictureFacts
from captionret.retrieval import MODES, EncodedQuery, Gallery, parse
from captionret.retrieval import search as search_gallery
from captionret.retrieval.index import best, postings
from captionret.retrieval.index.arrays import Texts
from captionret.retrieval.modes.words import WordMode
from captionret.retrieval.query import Feedback
from captionret.retrieval.selecting import lie_under, plain_folder, selected
from captionret.retrieval.sources import TableSource
from captionret.text import STOP_WORDS, words

KEPT = [name for name, mode in MODES.items() if isinstance(mode, WordMode) and mode.stored is not None]
OF_SETS = ("jaccard", "jaccard-content", "jaccard-lemma")
WORDS = [*sorted(STOP_WORDS)[:12], *(f"{stem}{end}" for stem in ("dog", "run", "beach") for end in ("", "s"))]
WORDS += ["running", "children", "child", "café", "t-shirt", "x" * 40]


def noted(chosen: random.Random) -> dict[str, Any]:
    """What few files say about themselves."""
    return {
        "zone": "+02:00",
        "lens": chosen.choice(["RF24-70mm", "é 50mm", None]),
        "orientation": chosen.randint(1, 8),
        "place": chosen.choice([(48.25, 16.5), (-33.875, 151.25), None]),
        "title": chosen.choice(["Am See", None]),
        "keywords": tuple(chosen.sample(["Reise", "dogs", "Ärger"], chosen.randint(0, 3))),
    }


def documents(count: int, seed: int, prefix: str = "") -> list[Document]:
    chosen = random.Random(seed)
    made = []
    for number in range(count):
        texts = [" ".join(chosen.choices(WORDS, k=chosen.randint(1, 9))) for _ in range(chosen.randint(1, 3))]
        name = f"{chosen.randint(0, 9)}/{prefix}{number:04d}.jpg"
        copies = (f"{name}.copy",) if number % 7 == 0 else ()
        taken = f"20{chosen.randint(10, 25)}-0{chosen.randint(1, 9)}-02T03:04:05"
        camera = chosen.choice(["Canon  EOS R5", "Pixel 7", "ÉCLAIR", None])
        facts = PictureFacts(number, 3, chosen.choice([taken, None]), camera) if number % 5 else None
        if facts is not None and number % 3 == 0:
            facts = replace(facts, **noted(chosen))
        sha256, own = f"{chosen.getrandbits(256):064x}", number % 11 == 0
        made.append(
            Document(sha256, (name, *copies), tuple(texts), own, number * 3, facts, own or number % 3 == 0)
        )
    return sorted(made, key=lambda one: one.paths[0])


def as_lists(held: Sequence[Document]) -> Gallery:
    hashes = [one.sha256 for one in held]
    source = TableSource(hashes, captions=[one.captions for one in held], facts=[one.facts for one in held])
    return Gallery([one.paths[0] for one in held], [one.captions[0] for one in held], hashes, source=source)


def merged(
    parts: Sequence[Sequence[Document]], gone: Sequence[Sequence[int]]
) -> tuple[MergedSegments, list[Document]]:
    dead = [np.array(rows, np.int32) for rows in gone]
    left = [
        one for part, rows in zip(parts, gone, strict=True) for row, one in enumerate(part) if row not in rows
    ]
    return MergedSegments([segment_of(part, kept=True) for part in parts], dead), sorted(
        left, key=lambda one: one.paths[0]
    )


PARTS: dict[str, tuple[list[list[Document]], list[list[int]]]] = {
    "one segment": ([documents(300, 1)], [[]]),
    "with pictures taken out": ([documents(300, 1)], [[0, 17, 299]]),
    "three segments": ([documents(200, 1), documents(30, 2, "b"), documents(5, 3, "a")], [[3, 4], [], [0]]),
    "a segment of which nothing is left": ([documents(20, 1), documents(2, 2, "b")], [[], [0, 1]]),
    "no picture": ([[]], [[]]),
}


@pytest.fixture(params=PARTS.values(), ids=[*PARTS])
def table(request: pytest.FixtureRequest) -> tuple[MergedSegments, list[Document]]:
    return merged(*request.param)


@pytest.fixture(params=[False, True], ids=["lists", "bits"])
def with_bits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param:
        monkeypatch.setattr(postings, "_FEW", 1)
        monkeypatch.setattr(postings, "LEMMAS_FROM", 1)


def test_base_forms_of_what_is_not_kept_are_found_when_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postings, "LEMMAS_FROM", 1)
    held = documents(50, 1)
    read, kept = segment_of(held), segment_of(held, kept=True)
    assert "lemma.starts" in kept.arrays and "lemma.starts" not in read.arrays
    assert read.postings.of_lemma("dog") == kept.postings.of_lemma("dog") != []
    assert np.array_equal(read.postings.of_each("lemmas"), kept.postings.of_each("lemmas"))


QUERIES = ["dogs running", "a dog and a dog on the beach", "unheard words", "café", " ".join(WORDS)]


def test_pictures_are_found_by_every_path_that_they_have(
    table: tuple[MergedSegments, list[Document]],
) -> None:
    held, left = table
    rows = {path: row for row, one in enumerate(left) for path in one.paths}
    assert (len(rows) > len(left)) == bool(left) and {path: held.row_at(path) for path in rows} == rows
    assert held.row_at("nothing.jpg") is None and held.row_of_copy.keys() == rows.keys() - set(held.paths)


@pytest.mark.usefixtures("with_bits")
@pytest.mark.parametrize("mode", KEPT)
def test_kept_index_scores_as_the_captions_do_to_the_bit(
    mode: str, table: tuple[MergedSegments, list[Document]]
) -> None:
    held, left = table
    kept, plain = Gallery.of_table(held), as_lists(left)
    for text in QUERIES:
        query = EncodedQuery(text=text)
        ours, theirs = kept.prepared(MODES[mode]), plain.prepared(MODES[mode])
        assert ours.scores(query).tobytes() == theirs.scores(query).tobytes()
        assert search_gallery(kept, query, mode, top=None)[:9] == [
            one.__class__(
                **{**{name: getattr(one, name) for name in one.__slots__}, "copies": left[row].paths[1:]}
            )
            for one in search_gallery(plain, query, mode, top=9)
            for row in [plain.row_of_id[one.id]]
        ]
        for row in range(0, len(left), 40):
            assert ours.why(query, row) == theirs.why(query, row)
            assert ours.explain(query, row) == theirs.explain(query, row)


@pytest.mark.usefixtures("with_bits")
@pytest.mark.parametrize(
    ("mode", "compiled"),
    [(mode, compiled) for mode in KEPT for compiled in (True, False) if compiled or mode in OF_SETS],
)
def test_best_pictures_are_those_of_the_whole_ranking(
    mode: str,
    compiled: bool,
    table: tuple[MergedSegments, list[Document]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not compiled:
        monkeypatch.setattr(best, "KERNEL", None)
    elif best.KERNEL is None:
        pytest.skip("the kernel was not built here")
    held, left = table
    kept, plain = Gallery.of_table(held), as_lists(left)
    own = left[len(left) // 2].sha256 if left else None
    disliked = Feedback((), tuple(EncodedQuery("x", sha256=one.sha256) for one in left[::9]), (1.0, 0.0, 0.0))
    for text in QUERIES if mode in OF_SETS else QUERIES[1:3]:
        for query in (
            EncodedQuery(text=text),
            EncodedQuery(text, sha256=own),
            EncodedQuery(text=text, parsed=parse("dog -beach under:3")),
            EncodedQuery(text, sha256=own, feedback=disliked),
        ):
            for top, least in ((1, None), (4, 0.25), (10, None), (1000, 0.1)):
                ours, theirs = (
                    [(hit.path, hit.score, hit.why, hit.rank) for hit in found]
                    for one in (kept, plain)
                    for found in [search_gallery(one, query, mode, top, least)]
                )
                assert ours == theirs


def test_merged_segments_are_one_table_in_the_order_of_the_paths(
    table: tuple[MergedSegments, list[Document]],
) -> None:
    held, left = table
    assert len(held) == len(left)
    assert list(held.ids) == held.paths == [one.paths[0] for one in left]
    assert list(held.captions) == [one.captions[0] for one in left]
    assert held.hashes == [one.sha256 for one in left]
    assert held.copies == [one.paths[1:] for one in left]
    assert held.gathered(lambda one: one.feature_rows).tolist() == [one.feature_row for one in left]
    for row, one in enumerate(left):
        segment, place = held.place(row)
        assert (segment.all_captions(place), segment.facts.at(place)) == (one.captions, one.facts)
        assert segment.facts.taken(place) == (one.facts and one.facts.taken)


def test_names_are_found_of_which_nothing_was_read(
    table: tuple[MergedSegments, list[Document]],
) -> None:
    held, left = table
    for row, one in enumerate(left):
        assert held.row_of[one.sha256] == row == held.row_of_id[one.paths[0]]
    for nothing in ("0" * 64, "no hash", ""):
        assert nothing not in held.row_of and nothing not in held.row_of_id


def test_the_row_of_a_name_that_was_read_is_known_without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    held, own = merged([documents(200, 1), documents(30, 2, "b")], [[3, 4], []])
    names = [(held.ids[row], held.hashes[row]) for row in range(0, len(own), 3)]

    def searched(*_: object) -> int:
        raise AssertionError("it is looked for")

    monkeypatch.setattr(Texts, "before", searched)
    monkeypatch.setattr(Hashes, "find", searched)
    for row, (path, sha256) in zip(range(0, len(own), 3), names, strict=True):
        assert held.row_of_id[path] == held.row_of[sha256] == row


def test_words_folders_and_facts_are_known_without_reading_every_picture(
    table: tuple[MergedSegments, list[Document]],
) -> None:
    held, left = table
    kept = Gallery.of_table(held)
    counts = Counter(word for one in left for word in set(words(" ".join(one.captions))))
    assert dict(kept.known_words) == counts and len(kept.known_words) == len(counts)
    assert "unheard" not in kept.known_words
    for folder in ("3", "3/", "./7", "nowhere", "", left[0].paths[0] if left else "x"):
        named = plain_folder(folder)
        expected = [
            not named or any(path == named or path.startswith(f"{named}/") for path in one.paths)
            for one in left
        ]
        assert lie_under(kept, folder).tolist() == expected
    assert held.facts() == [one.facts for one in left]


FILTERS = """dog -beach; "a dog"; "a a"; "above across"; dog "dogs café"; dog "t-shirt"; dog "unheard a";
beach -"a dog" OR runs; since:2014; until:2016-05; since:2012 until:2018; since:2031; camera:canon;
lens:é; lens:rf24; title:see; keyword:reise dog; near:48.25,16.5; -near:-33.9,151.2,20 dog;
camera:"eos r5"; camera:é; camera:leica; dog -since:2015 -camera:pixel; (dog AND beach) OR (runs AND NOT a);
dog -under:3; running>0.5 under:3 since:2013""".replace("\n", " ").split("; ")


def test_filters_select_what_reading_every_picture_does_and_read_none(
    table: tuple[MergedSegments, list[Document]],
) -> None:
    held, left = table
    kept, plain = Gallery.of_table(held), as_lists(left)
    for name in ("all_captions", "caption_tokens", "caption_words", "facts", "paths", "captions"):
        setattr(kept, name, None)
    for text in FILTERS:
        query = EncodedQuery(text=text, parsed=parse(text))
        ours, theirs = selected(kept, query), selected(plain, query)
        assert ours is not None and theirs is not None and ours.tolist() == theirs.tolist(), text
    for fact in ("day", "camera", "lens", "title", "keyword"):
        counted = kept.row_sets.counts(fact)
        assert list(counted.items()) == list(plain.row_sets.counts(fact).items())
        assert all(int(kept.row_sets.where(fact, one.__eq__).sum()) == n for one, n in counted.items())
    assert kept.row_sets.days().astype(str).tolist() == plain.row_sets.days().astype(str).tolist()
    assert sorted(kept.row_sets.places().tolist()) == sorted(plain.row_sets.places().tolist())


def test_index_file_gives_what_was_written_and_no_array_that_was_not(tmp_path: Path) -> None:
    arrays: dict[str, NDArray[Any]] = {
        "a": np.arange(100_000, dtype=np.int32),
        "empty": np.zeros(0, np.float64),
        "b": np.ones(3, np.uint8),
    }
    write_index_file(tmp_path / "x", {"name": "é"}, arrays)
    file = IndexFile(tmp_path / "x")
    assert file.facts == {"name": "é"} and file.names() == tuple(arrays)
    for name, array in arrays.items():
        assert np.array_equal(file.whole(name), array) and file.whole(name).dtype == array.dtype
    assert file.part("a", 70_000, 70_002).tolist() == [70_000, 70_001]
    assert not file.whole("a").flags.writeable


# --- in a library ---


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return made_library(tmp_path, numbered(9))


def segments(library: Library) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in library.path.glob("*.segment")}


def answers(library: Library) -> list[object]:
    """Of a library that was opened just now, and what the catalogue alone says."""
    held = Library.open(library.path).snapshot()
    with library._catalogue.reading() as rows:
        plain = as_lists(read_documents(rows))
    assert held.pictures.ids == plain.ids and held.pictures.captions == plain.captions
    for text in ("red", "a plain green picture", "bella"):
        found = [
            search_gallery(one, EncodedQuery(text=text), "jaccard", 50) for one in (held.gallery(), plain)
        ]
        assert [(hit.path, hit.score, hit.why) for hit in found[0]] == [
            (hit.path, hit.score, hit.why) for hit in found[1]
        ]
    assert library.verify() == []
    return list(held.pictures.captions)


def test_update_writes_the_index_and_searching_reads_no_table_of_pictures(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(segments(library)) == 1 and (library.path / MANIFEST).is_file()
    monkeypatch.setattr(reading, "MOST_UNWRITTEN", 2)
    monkeypatch.setattr(reading, "write_index", None)  # would be called, were it not up to date
    monkeypatch.setattr(reading, "read_documents", None)  # would be asked for what is not in the index
    found = search(Library.open(library.path), text="a red picture")
    assert [hit.path for hit in found][:3] == ["0.png", "3.png", "6.png"]


def test_update_adds_a_segment_of_what_it_changed_and_leaves_the_others(library: Library) -> None:
    before = segments(library)
    picture(library.root / "new.png", "red", shade=50)
    (library.root / "1.png").unlink()
    library.update(captioner=MeanColour())
    after = segments(library)
    assert before.keys() < after.keys() and len(after) == 2
    assert len(answers(library)) == 9


def test_what_a_person_changes_is_seen_without_writing(library: Library) -> None:
    before = segments(library)
    library.set_caption("4.png", "our dog Bella")
    library.remove("5.png")
    assert "our dog Bella" in answers(library)
    assert search(library, text="bella")[0].path == "4.png"
    library.set_caption("4.png", None)
    assert "our dog Bella" not in answers(library) and segments(library) == before


def test_renamed_and_copied_files_are_found_under_their_new_names(library: Library) -> None:
    shutil.copy(library.root / "2.png", library.root / "0-copy.png")
    (library.root / "3.png").rename(library.root / "z.png")
    library.update(captioner=MeanColour())
    answers(library)
    gallery = Library.open(library.path).gallery()
    assert gallery.copies[gallery.row_of_id["0-copy.png"]] == ("2.png",) and "z.png" in gallery.ids


def test_many_small_segments_become_one(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_SEGMENTS", 3)
    counts = []
    for number in range(7):
        picture(library.root / f"more-{number}.png", "blue", shade=60 + number)
        library.update(captioner=MeanColour())
        counts.append(len(segments(library)))
    assert max(counts) == 4 and counts[3] == 2, counts
    assert len(answers(library)) == 16


def test_much_that_changed_makes_the_index_anew(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "FEW", 2)
    for number in range(5):
        picture(library.root / f"more-{number}.png", "blue", shade=60 + number)
    library.update(captioner=MeanColour())
    assert len(segments(library)) == 1 and len(answers(library)) == 14


def test_import_of_most_captions_notes_no_change_and_makes_the_index_anew(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "FEW", 2)
    given = [
        GivenCaptions(path, (Caption("a thing", ("a", "thing"), 0.0),)) for path in library.gallery().paths
    ]
    monkeypatch.setattr("captionret.library.captions.side_by_side.write_index", lambda catalogue: False)
    library.add_captions("notes", given)
    tables = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'changes' OR tbl_name = 'changes'"
    assert library._catalogue.value(tables) == 0
    assert [hit.caption for hit in search(library, text="thing", mode="jaccard", top=None)] == [
        "a thing"
    ] * len(given)
    assert writing.write_index(library._catalogue)
    assert library._catalogue.value(tables) == 1 and library.verify() == []


def test_another_captioner_makes_the_index_anew(library: Library) -> None:
    before = segments(library)
    library.update(captioner=MeanColour("e" * 64, "other"), recaption=True)
    assert len(segments(library)) == 1 and not before.keys() & segments(library).keys()
    answers(library)
