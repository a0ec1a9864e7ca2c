"""The one door to searching: pictures in any form, one snapshot a query, one read a picture, several
threads."""

import asyncio
import io
import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mean_colour import Colours, MeanColour, made_library, picture
from PIL import ExifTags, Image
from typed import Call

from captionret import Library, Searcher, search
from captionret.app.loading.loaded import Models
from captionret.app.query import answering
from captionret.cli import search as search_command
from captionret.errors import BadImage, BadSetting
from captionret.images import ImageInput, opening
from captionret.library import LibrarySnapshot
from captionret.library.index.merged import MergedSegments
from captionret.retrieval import search as search_gallery

COLOURS = ("red", "green", "blue")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Of a red, a green and a blue picture, captioned."""
    with made_library(tmp_path, {f"{colour}.png": colour for colour in COLOURS}) as made:
        yield made


@pytest.fixture
def searcher(library: Library) -> Searcher:
    return Searcher(library, captioner=MeanColour(), predictor=Colours())


def green(tmp_path: Path) -> Path:
    """A green picture that the library does not hold."""
    return picture(tmp_path / "query.png", "green", shade=5)


def forms(path: Path) -> dict[str, ImageInput]:
    image = Image.open(path)
    return {
        "str": str(path),
        "path": path,
        "image": image,
        "array": np.asarray(image),
        "bytes": path.read_bytes(),
        "file": io.BytesIO(path.read_bytes()),
    }


@pytest.mark.parametrize("form", ["str", "path", "image", "array", "bytes", "file"])
def test_a_picture_may_be_asked_for_in_any_form(searcher: Searcher, tmp_path: Path, form: str) -> None:
    given = forms(green(tmp_path))[form]
    result = searcher.search(given, top=1, mode="jaccard")
    assert [hit.path for hit in result] == ["green.png"]
    assert result.caption == "a plain green picture"
    liked = searcher.search(
        text="a plain red picture", like=[forms(green(tmp_path))[form]], top=None, mode="jaccard"
    )
    assert liked[0].path == "red.png" and "green" in liked[1].why


def test_a_text_that_names_a_file_is_a_picture_and_any_other_is_a_text(
    searcher: Searcher, tmp_path: Path
) -> None:
    assert searcher.search(str(green(tmp_path)), top=1, mode="jaccard")[0].path == "green.png"
    assert searcher.search("something blue", top=1, mode="jaccard")[0].path == "blue.png"
    assert searcher.search(text=str(tmp_path / "query.png") + " blue", top=1, mode="jaccard").caption is None


def test_an_answer_is_a_sequence_that_says_where_it_comes_from(searcher: Searcher, library: Library) -> None:
    result = searcher.search("red", explain=True, mode="jaccard")
    assert len(result) == 1 and result[0] == next(iter(result)) and result[:1] == (result[0],)
    assert (result.mode, result.searched, result.root) == ("jaccard", 3, library.root)
    assert result.paths == [library.root / "red.png"] and result.tokens == ["red"]
    assert result.explanations[0].score == pytest.approx(result[0].score, abs=1e-6)
    assert result.source == "mean-colour, beam 3"
    assert repr(result) == "<SearchResult of mode jaccard: 1 of 3 pictures, the first 'red.png' (0.25)>"
    assert repr(searcher.search("zebra", mode="jaccard")) == "<SearchResult of mode jaccard: 0 of 3 pictures>"


def test_what_cannot_be_asked_for_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    searcher = Searcher(tmp_path, captioner="not-there")  # which captioning the folder would load
    for arguments, said in (
        ({}, "empty"),
        ({"query": "red", "text": "blue"}, "query and text are both given"),
        ({"query": "red", "top": 0}, "at least 1 hit"),
        ({"query": "red", "mode": "jacard"}, "Did you mean 'jaccard'"),
        ({"query": "red", "plus": ["blue"]}, "no vectors to add words to"),
        ({"query": "red", "rerank": 3}, "no vectors"),
        ({"query": "red \ud800"}, "half a character"),
        ({"query": 7}, "A picture is"),
        ({"query": "red", "feedback_weights": (1, 2)}, "three numbers"),
    ):
        with pytest.raises(BadSetting, match=said):
            searcher.search(**arguments)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_library_that_is_not_there_is_refused_at_once(tmp_path: Path, kind: type[str] | type[Path]) -> None:
    with pytest.raises(BadSetting, match=r"no library in .*nowhere, and .*nowhere is not a folder"):
        Searcher(kind(tmp_path / "nowhere"))


def test_a_bad_picture_is_named_before_a_folder_is_captioned(tmp_path: Path) -> None:
    picture(tmp_path / "photos" / "red.png", "red")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    captioner = MeanColour()
    with pytest.raises(BadImage, match=r"bad\.png is not a picture"):
        search(tmp_path / "photos", tmp_path / "bad.png", captioner=captioner, mode="jaccard")
    assert captioner.seen == []


@pytest.mark.parametrize("role", ["image", "like", "dislike"])
def test_a_bad_picture_is_named_before_a_model_is_loaded(
    library: Library, tmp_path: Path, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Models, "captioner_for", lambda *_: pytest.fail("a captioner was loaded"))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    cut = green(tmp_path).read_bytes()[:-40]
    (tmp_path / "cut.png").write_bytes(cut)
    for name in ("bad.png", "cut.png"):
        with pytest.raises(BadImage, match=name):
            Searcher(library).search(text="red", mode="jaccard", **{role: str(tmp_path / name)})  # type: ignore[arg-type]


def test_a_folder_is_captioned_when_it_is_first_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPTIONRET_HOME", str(tmp_path / "home"))
    picture(tmp_path / "photos" / "red.png", "red")
    with Searcher(tmp_path / "photos", captioner=MeanColour()) as searcher:
        assert repr(searcher) == f"<Searcher of {tmp_path / 'photos'}>"
        assert searcher.search("red", mode="jaccard")[0].path == "red.png"
        assert ": 1 picture>" in repr(searcher)


# --- read once ---


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often files are read, pictures decoded, and galleries read from the library."""
    counts: Counter[str] = Counter()

    def count(owner: Any, name: str, what: str, when: Any = lambda *_: True) -> None:
        real = getattr(owner, name)

        def watched(*arguments: Any, **more: Any) -> Any:
            counts[what] += bool(when(*arguments))
            return real(*arguments, **more)

        monkeypatch.setattr(owner, name, watched)

    count(opening, "read_file", "file read")
    count(opening.Opened, "load", "picture decoded")
    count(MergedSegments, "__init__", "gallery read")
    count(LibrarySnapshot, "__init__", "snapshot taken")
    return counts


@pytest.mark.parametrize("mode", ["jaccard", "multi-caption", "cnn", "expected-cosine"])
def test_a_query_reads_its_picture_once_decodes_it_once_and_reads_the_gallery_once(
    library: Library, tmp_path: Path, counted: Counter[str], mode: str
) -> None:
    library.predict_words(Colours(), progress=False)
    query = green(tmp_path)
    with Library.open(library.path) as opened:
        searcher = Searcher(opened, captioner=MeanColour(), predictor=Colours())
        counted.clear()
        searcher.search(query, mode=mode, explain=True, like=["red.png"])
        once = {"file read": 1, "picture decoded": 1, "gallery read": 1, "snapshot taken": 1}
        assert counted == once
        searcher.search(query, mode=mode, explain=True)
        assert counted == {**once, "file read": 2, "picture decoded": 2}, (
            "the gallery is kept until it changes"
        )
        searcher.search(library.root / "red.png", mode=mode)
        assert counted == {**once, "file read": 3, "picture decoded": 2}, "its own picture is not decoded"


# --- one moment ---


def test_hits_and_explanations_are_of_one_moment_whatever_is_committed_meanwhile(
    searcher: Searcher, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = search_gallery

    def overtaken(*arguments: Any) -> Any:
        hits = real(*arguments)
        with Library.open(library.path) as writer:  # another process: every picture goes, another one comes
            for colour in COLOURS:
                (library.root / f"{colour}.png").unlink(missing_ok=True)
            picture(library.root / "white.png", "white")
            writer.update(captioner=MeanColour(), progress=False)
        return hits

    monkeypatch.setattr(answering, "search_gallery", overtaken)
    result = searcher.search("a plain red picture", explain=True, top=None, mode="jaccard")
    assert {hit.path for hit in result} == {f"{colour}.png" for colour in COLOURS}
    assert [one.score for one in result.explanations] == pytest.approx(
        [hit.score for hit in result], abs=1e-6
    )
    monkeypatch.undo()
    assert [hit.path for hit in searcher.search("a plain picture", mode="jaccard")] == ["white.png"], (
        "the next query sees it"
    )


def test_searching_goes_on_beside_a_writer_and_never_sees_half_a_commit(
    searcher: Searcher, library: Library
) -> None:
    searcher.search("red", mode="expected-jaccard")
    done = threading.Event()

    def write() -> None:
        with Library.open(library.path) as writer:
            for turn in range(12):
                picture(library.root / "yellow.png", "yellow", shade=turn)
                writer.update(captioner=MeanColour(), progress=False)
                (library.root / "yellow.png").unlink()
                writer.update(captioner=MeanColour(), progress=False)
        done.set()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        asked = 0
        while not done.is_set() and not writing.done():
            for mode in ("jaccard", "cnn", "expected-jaccard"):
                image = library.root / "red.png"
                result = searcher.search(image, mode=mode, explain=True, keep_self=True, top=None)
                assert len(result.explanations) == len(result) and result.searched in (3, 4)
                asked += 1
        writing.result()
    assert asked


def test_one_searcher_serves_several_threads_and_asyncio(searcher: Searcher, tmp_path: Path) -> None:
    query = green(tmp_path)
    expected = {
        mode: list(searcher.search(query, mode=mode)) for mode in ("jaccard", "cnn", "expected-cosine")
    }

    def ask(mode: str) -> list[Any]:
        return list(searcher.search(query, mode=mode))

    modes = [*expected] * 8
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, modes)) == [expected[mode] for mode in modes]

    async def gather() -> list[Any]:
        answers: list[Any] = await asyncio.gather(*(asyncio.to_thread(ask, mode) for mode in modes))
        return answers

    assert asyncio.run(gather()) == [expected[mode] for mode in modes]


def test_models_are_loaded_once_though_threads_ask_at_once(library: Library, tmp_path: Path) -> None:
    loaded = []

    class Slow(Colours):
        def check(self, backbone: Any) -> None:
            loaded.append(threading.current_thread().name)

    searcher = Searcher(library, captioner=MeanColour(), predictor=Slow())
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: searcher.search("red", mode="expected-jaccard")[0].path, range(8)))
    assert found == ["red.png"] * 8 and len(loaded) == 1, "the words are predicted once"


def test_words_of_a_picture_are_predicted_when_it_is_added(
    searcher: Searcher, library: Library, tmp_path: Path
) -> None:
    assert searcher.add(green(tmp_path)).new == 1
    assert library.without_word_probabilities() == 0


def test_pictures_of_feedback_may_be_one_or_many_in_any_form(searcher: Searcher, tmp_path: Path) -> None:
    path = green(tmp_path)
    pixels = np.asarray(Image.open(path))
    forms: list[Any] = [pixels, [pixels], path, [str(path)]]
    answers = [searcher.search("red", like=given, mode="jaccard") for given in forms]
    scores = [[(hit.path, hit.score) for hit in answer] for answer in answers]
    assert scores == [scores[0]] * 4
    assert scores[0] != [(hit.path, hit.score) for hit in searcher.search("red", mode="jaccard")]


def test_a_text_that_no_file_can_be_named_by_is_a_text(searcher: Searcher) -> None:
    assert searcher.search("green \0", mode="jaccard")[0].path == "green.png"
    assert searcher.search("green " * 2000, mode="jaccard")[0].path == "green.png"
    with pytest.raises(BadSetting, match="rerank is -1"):
        searcher.search("green", rerank=-1, mode="jaccard")


@pytest.mark.parametrize("typed", [("nix.jpg",), ("trip to/nix.jpg",), ("trip", "to", "nix.JPG")])
def test_a_file_that_is_not_there_is_said_to_be_none(
    library: Library, typed: tuple[str, ...], call: Call
) -> None:
    found = call(search_command, *typed, "--library", library.path, "--mode", "jaccard")
    assert f"There is no file {' '.join(typed)}.\n" in found.err
    plain = call(search_command, "red.", "v2.0", "--library", library.path, "--mode", "jaccard")
    assert "There is no file" not in plain.err


@pytest.mark.parametrize("typed", [("green.png",), ("--image", "green.png"), ("trip/green.png",)])
def test_the_name_of_a_picture_of_the_library_asks_with_it(
    tmp_path: Path, typed: tuple[str, ...], call: Call
) -> None:
    for place in ("trip/green.png", "red.png"):
        picture(tmp_path / "photos" / place, place.rpartition("/")[2].removesuffix(".png"))
    with Library.create(tmp_path / "lib", tmp_path / "photos") as library:
        library.update(captioner=MeanColour())
    found = call(search_command, *typed, "--library", "./lib", "--mode", "jaccard", "--json")
    answer = json.loads(found.out)
    assert answer["query"]["image"] == str(tmp_path / "photos/trip/green.png")
    assert [Path(hit["path"]).name for hit in answer["hits"]] == ["red.png"]
    assert f"{typed[-1]} is a picture of the library: " in found.err


def test_words_beginning_with_a_minus_are_shown_as_they_were_typed(library: Library, call: Call) -> None:
    picture(library.root / "red.png", "red")
    red = ("--image", library.root / "red.png", "--library", library.path, "--mode", "jaccard")
    assert '"-people"' in call(search_command, *red, "--text", "-people").out


# --- the query language ---


@pytest.fixture
def dated(tmp_path: Path) -> Iterator[Searcher]:
    """A red picture of summer 2019 by a Canon, a green and a blue one of which nothing is noted."""
    path = picture(tmp_path / "photos" / "2019" / "red.png", "red")
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "Canon EOS R5"
    exif[ExifTags.Base.DateTime] = "2019:06:15 12:00:00"
    Image.open(path).save(path.with_suffix(".jpg"), exif=exif, quality=95)
    path.unlink()
    for colour in ("green", "blue"):
        picture(tmp_path / "photos" / f"{colour}.png", colour)
    with Library.create(tmp_path / "library", tmp_path / "photos") as made:
        made.update(captioner=MeanColour(), progress=False)
        yield Searcher(made, captioner=MeanColour(), predictor=Colours())


def test_the_catalogue_answers_for_folders_days_and_cameras(dated: Searcher) -> None:
    for text in ("since:2019-06 until:2019-06", "under:2019", "camera:canon", "a picture camera:eos"):
        assert [hit.path for hit in dated.search(text, mode="jaccard")] == ["2019/red.jpg"], text
    assert [hit.path for hit in dated.search("a picture", since="2019", top=None, mode="jaccard")] == [
        "2019/red.jpg"
    ]
    assert [hit.path for hit in dated.search(under=str(dated.library.root / "2019"), mode="jaccard")] == [
        "2019/red.jpg"
    ]
    assert (
        dated.search("a picture until:2018", mode="jaccard")
        .notes[0]
        .startswith("No picture here was taken until 2018")
    )
    assert len(dated.search("a picture -camera:canon", mode="jaccard")) == 2


def test_dates_may_be_years_and_days_of_python(dated: Searcher) -> None:
    for since, until in ((2019, 2019), (date(2019, 6, 15), datetime(2019, 6, 15, 8))):
        found = dated.search("a picture", since=since, until=until, mode="jaccard")
        assert [hit.path for hit in found] == ["2019/red.jpg"]


def test_a_least_score_that_leaves_nothing_is_what_is_said(searcher: Searcher) -> None:
    found = searcher.search("red", mode="jaccard", min_score=0.9)
    assert (len(found), found.notes) == (0, ("No picture scores 0.9 or more; the best scores 0.25.",))
    assert searcher.search("zebra", mode="jaccard", min_score=0.9).notes == (
        "No picture here shows 'zebra'.",
    )


def test_a_count_that_is_none_is_refused(searcher: Searcher) -> None:
    with pytest.raises(BadSetting, match="top is '3'; it is a whole number"):
        searcher.search("red", top="3")  # type: ignore[arg-type]


def test_beside_filters_alone_the_liked_picture_asks(dated: Searcher) -> None:
    everything = [hit.path for hit in dated.search(under=".", mode="jaccard", top=None)]
    assert everything == ["2019/red.jpg", "blue.png", "green.png"]
    liked = dated.search(under=".", like=["green.png"], mode="jaccard", top=None, keep_self=True)
    assert liked[0].path == "green.png" and liked.caption == "a plain green picture"
    assert not dated.search("since:2030", like=["green.png"], mode="jaccard", top=None)
    less = dated.search(under=".", dislike=["green.png"], mode="jaccard", top=None)
    assert [hit.path for hit in less] == everything[:-1]


@pytest.mark.parametrize("more", [{"plus": ["beach"]}, {"minus": ["beach"]}, {"rerank": 3}])
def test_filters_alone_have_nothing_to_add_words_to(dated: Searcher, more: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match="Filters alone compare nothing"):
        dated.search("since:2000", mode="embedding", **more)


def test_conditions_on_words_are_answered_by_word_probabilities_which_are_made_for_them(
    searcher: Searcher, library: Library
) -> None:
    assert {hit.path for hit in searcher.search("a picture -red", mode="jaccard")} == {
        "green.png",
        "blue.png",
    }
    assert library.without_word_probabilities() == 0
    hits = searcher.search("red OR blue", mode="expected-jaccard")
    assert {hit.path for hit in hits} == {"red.png", "blue.png"}
    assert len(searcher.search("a picture red>0.8", mode="jaccard")) == 1
    assert searcher.search("a picture red>0.9", mode="jaccard").notes == (
        "No picture here shows 'red' with a probability of 0.9.",
    )
    assert len(searcher.search("red", min_probability=0.8, mode="jaccard")) == 1


def test_where_no_words_can_be_predicted_conditions_are_answered_by_captions(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    class Missing(Colours):
        def check(self, backbone: dict[str, Any] | None) -> None:
            raise BadSetting("The head reads another backbone's features.")

    searcher = Searcher(library, captioner=MeanColour(), predictor=Missing())
    assert {hit.path for hit in searcher.search("a picture -red", mode="jaccard")} == {
        "green.png",
        "blue.png",
    }
    assert "answered by captions: The head reads another backbone" in caplog.text


def test_a_picture_may_be_asked_for_with_what_shall_not_be_seen(searcher: Searcher, tmp_path: Path) -> None:
    query = green(tmp_path)
    assert searcher.search(image=query, text="-green", mode="cnn", top=None).asked.text == "-green"
    assert "green.png" not in [
        hit.path for hit in searcher.search(image=query, text="-green", top=None, mode="jaccard")
    ]
    assert searcher.search(image=query, under="nowhere", mode="jaccard").notes == (
        "No picture here lies under 'nowhere'.",
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"query": "a (dog"}, "no [)] for this"),
        ({"query": "-dog"}, "only what shall not be seen"),
        ({"query": "dog", "since": "soon"}, "no date"),
        ({"query": "dog", "min_probability": 2}, "from 0 to 1"),
        ({"query": "dog", "min_probability": "much"}, "is 'much'; these are from 0 to 1"),
        ({"query": "dog", "min_score": "much"}, "least score is 'much'. Give a number"),
        ({"query": "dog", "under": 2019}, "A folder is a path, not int"),
        ({"query": "dog", "mode": ["words"]}, "There is no mode"),
        ({"query": "dog", "plus": [1]}, "A text is a str, not int"),
        ({"text": ["dog", "cat"]}, "A text is a str, not list. Give one query at a time"),
        ({"text": b"dog"}, "A text is a str, not bytes"),
        ({"query": "dog", "rerank": "a", "mode": "embedding"}, "rerank is 'a'; it is a whole number"),
        ({"query": "dog", "rerank": 1.5, "mode": "embedding"}, "rerank is 1.5; it is a whole number"),
        ({"query": "dog", "feedback_weights": 1}, "are 1; they are three numbers"),
        ({"query": "dog", "feedback_weights": "abc"}, "are 'abc'; they are three numbers"),
        ({"min_probability": 0.5}, "goes with the words of a text"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_is_opened(
    arguments: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(BadSetting, match=sentence):
        Searcher(tmp_path, captioner="not-there").search(**arguments)


@pytest.mark.parametrize("mode", ["auto", "jaccard", "multi-caption"])
def test_a_text_of_stop_words_is_said_to_tell_nothing(library: Library, mode: str) -> None:
    library.predict_words(Colours(), progress=False)
    searcher = Searcher(library, captioner=MeanColour(), predictor=Colours())
    for text, asked in {"a": "'a' says", "a on": "'a' and 'on' say"}.items():
        found = searcher.search(text=text, mode=mode)
        assert found.hits or mode != "jaccard"
        assert not found or any(note.startswith(f"{asked} nothing of what") for note in found.notes)
    assert not any("nothing of what" in note for note in searcher.search(text="a red one", mode=mode).notes)
