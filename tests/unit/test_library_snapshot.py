"""A snapshot is one state of a library: no later commit changes it, and any thread may ask."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mean_colour import Colours, MeanColour, made_library, picture

from captionret.app.searching import search
from captionret.errors import BadLibrary
from captionret.library import Library, snapshot
from captionret.retrieval import MODES, EncodedQuery, Gallery
from captionret.retrieval import search as search_gallery


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return made_library(tmp_path, {"red.png": "red", "blue.png": "blue", "green.png": "green"}, Colours())


def everything(gallery: Gallery) -> list[object]:
    """All that a mode may read of a gallery, as lists."""
    matrix, features = gallery.word_probabilities, gallery.features
    return [
        gallery.paths,
        gallery.all_captions,
        features.tolist(),
        [matrix.row(row) for row in range(len(matrix))],
    ]


def delete_one(library: Library) -> None:
    (library.root / "red.png").unlink()
    library.update(captioner=MeanColour())


def recaption(library: Library) -> None:
    library.update(captioner=MeanColour("e" * 64, "other"), recaption=True)
    library.predict_words(Colours("c" * 64))


def forget_all(library: Library) -> None:
    shutil.rmtree(library.root)
    library.root.mkdir()
    library.update(captioner=MeanColour(), allow_empty=True)


@pytest.mark.parametrize("change", [delete_one, recaption, forget_all])
@pytest.mark.parametrize("other_process", [False, True], ids=["same library", "other library"])
def test_gallery_that_is_held_stays_whole_whatever_is_committed(
    library: Library, change: Callable[[Library], None], other_process: bool
) -> None:
    expected = everything(Library.open(library.path).gallery())
    held = library.gallery()
    change(Library.open(library.path) if other_process else library)
    assert everything(held) == expected
    query = EncodedQuery(text="red")
    assert search_gallery(held, query, "expected-jaccard")[0].path == "red.png"
    assert library.gallery() is not held and len(library.gallery()) == len(library.snapshot())


def test_hits_and_reasons_come_from_one_snapshot_beside_a_writer(library: Library) -> None:
    writer, failures = Library.open(library.path), []

    def write() -> None:
        for number in range(20):
            writer.set_caption("red.png", None if number % 2 else "a scarlet sunset")

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(write)
        while not done.done():
            gallery = library.gallery()
            query = EncodedQuery(text="sunset red")
            hits = search_gallery(gallery, query, "jaccard")
            failures += [hit for hit in hits if not set(hit.why) <= set(hit.caption.split())]
        done.result()
    assert failures == []


def test_one_library_answers_many_threads_and_asyncio(library: Library) -> None:
    def ask(number: int) -> str:
        text = ("red", "blue", "green")[number % 3]
        if number % 5 == 0:
            library.set_caption("green.png", f"a green meadow number {number}")
        return search(library, text=text, mode="expected-jaccard")[0].path

    async def ask_all() -> list[str]:
        return list(await asyncio.gather(*(asyncio.to_thread(ask, number) for number in range(40))))

    wanted = [f"{('red', 'blue', 'green')[number % 3]}.png" for number in range(40)]
    assert asyncio.run(ask_all()) == wanted
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == wanted


def test_gallery_is_read_again_only_after_a_change(library: Library) -> None:
    first = library.gallery()
    assert library.gallery() is first
    library.set_hybrid({"jaccard": 1.0})
    assert library.gallery() is not first and library.gallery().hybrid == {"jaccard": 1.0}


def test_features_of_the_rows_that_a_later_update_appends_are_not_part_of_a_snapshot(
    library: Library,
) -> None:
    held = library.snapshot()
    picture(library.root / "white.png", "white")
    library.update(captioner=MeanColour())
    assert held.gallery().features.shape == (3, 3)
    assert library.gallery().features.shape == (4, 3)


class Mirror:
    """A space in which pictures stand where their features do."""

    name = key = "mirror"

    def check(self, backbone: object) -> None:
        return None

    def encode_features(self, features: np.ndarray) -> np.ndarray:
        values = features.astype(np.float32)
        return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)

    def encode_texts(self, sentences: object) -> np.ndarray:
        return np.ones((1, 3), np.float32)


def test_a_space_that_is_taken_into_use_keeps_the_moment(library: Library) -> None:
    before = library.snapshot()
    library.use_space("embedding", Mirror())
    after = library.snapshot()
    assert "embedding" in after.parts and "embedding" not in before.parts
    assert after.contents is before.contents and after.gallery().vectors("embedding").shape == (3, 3)
    assert Library.open(library.path).gallery().parts == {"features", "word_probabilities"}


def test_very_many_vectors_are_searched_where_they_lie_with_the_same_answer(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(library.root / "amber.png", "yellow", shade=9)
    library.update(captioner=MeanColour())  # its feature stands last, its path first
    library.use_space("embedding", Mirror())
    query = EncodedQuery(text="bright", vectors={"embedding": np.array([0.9, 0.4, 0.1], np.float32)})
    few = library.snapshot().gallery()
    expected = [search_gallery(few, query, "embedding", top) for top in (2, None)]
    usual = replace(query, text="a red picture", usual=np.eye(3, dtype=np.float32)[:2])
    by_all = search_gallery(few, usual, "auto")
    monkeypatch.setattr(snapshot, "EXACT_UP_TO", 1)
    many = library.snapshot().with_spaces({"embedding": Mirror()}).gallery()
    monkeypatch.setattr(many, "vectors", None)
    assert [search_gallery(many, query, "embedding", top) for top in (2, None)] == expected
    assert search_gallery(many, usual, "auto") == by_all != search_gallery(many, query, "auto")
    explained = many.prepared(MODES["embedding"]).explain(query, 0)
    assert explained == few.prepared(MODES["embedding"]).explain(query, 0)
    assert len(list(library.path.glob("vectors-*-halves.f16"))) == 1


def test_closed_library_is_refused_but_its_snapshot_still_answers(library: Library) -> None:
    held = library.snapshot()
    library.close()
    assert search_gallery(held.gallery(), EncodedQuery(text="red"), "expected-jaccard")[0].path == "red.png"
    with pytest.raises(BadLibrary, match="was closed"):
        library.gallery()


def test_project_that_is_moved_as_a_whole_finds_its_pictures_and_its_checkpoint(tmp_path: Path) -> None:
    class Shipped(MeanColour):
        def describe(self) -> dict[str, object]:
            return {"name": self.name, "checkpoint": str(tmp_path / "project" / "checkpoints" / "mine")}

    (tmp_path / "project" / "checkpoints" / "mine").mkdir(parents=True)
    picture(tmp_path / "project" / "photos" / "red.png", "red")
    Library.create(tmp_path / "project" / "libraries" / "all", tmp_path / "project" / "photos").update(
        captioner=Shipped()
    )
    moved = (tmp_path / "project").rename(tmp_path / "elsewhere")
    library = Library.open(moved / "libraries" / "all")
    assert library.root == moved / "photos"
    assert library.made_by is not None and library.made_by.checkpoint == moved / "checkpoints" / "mine"
    captioner = MeanColour()
    assert library.update(captioner=captioner).unchanged == 1 and captioner.seen == []
    assert library.verify() == []


def test_library_that_was_moved_alone_still_finds_its_pictures(library: Library, tmp_path: Path) -> None:
    root = library.root
    library.close()
    (tmp_path / "deep" / "down").mkdir(parents=True)
    shutil.move(library.path, tmp_path / "deep" / "down" / "library")
    assert Library.open(tmp_path / "deep" / "down" / "library").root == root


def test_a_name_means_the_library_of_that_name(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPTIONRET_HOME", str(tmp_path / "home"))
    with Library.open_or_create("holidays", library.root) as made:
        assert made.path == tmp_path / "home" / "data" / "libraries" / "holidays"
    monkeypatch.chdir(tmp_path)
    assert Library.open("library").path == Path("library"), "a library in the current folder goes before"
    with pytest.raises(BadLibrary, match=r"no library in .*home.data.libraries.nothing"):
        Library.open("nothing")


def test_library_knows_which_pictures_it_holds(library: Library) -> None:
    (first, *_) = library
    assert first in library and first.path in library and first.file in library
    assert "nothing.png" not in library and 5 not in library


def test_library_says_what_it_is(library: Library) -> None:
    assert f"3 pictures of {library.root}, captioned by mean-colour, beam 3" in repr(library)
    assert "3 pictures" in repr(library.snapshot())


def test_readers_agree_while_the_catalogue_is_rewritten_from_outside(library: Library) -> None:
    first = library.gallery()
    with sqlite3.connect(library.path / "catalogue.sqlite") as connection:
        connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'revision'")
    connection.close()
    assert library.gallery() is not first and everything(library.gallery()) == everything(first)
