"""Whatever happens to the search index on disk, an answer is the catalogue's: by the slower way, which the
log says. A kill, a full disk or a second writer costs time, never a picture."""

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mean_colour import MeanColour, made_library, numbered, picture

from captionret.app.searching import search
from captionret.errors import NoSpace
from captionret.library import Library
from captionret.library.index import changes, search_index, writing
from captionret.library.index.array_file import IndexFile
from captionret.library.index.search_index import MANIFEST
from captionret.library.writing import INDEX
from captionret.locks import locked

STEPS = ["begin", "write_index_file", "_publish", "clear", "_remove_others"]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return made_library(tmp_path, numbered(9))


def files(library: Library) -> list[Path]:
    return sorted([library.path / MANIFEST, *library.path.glob("*.segment")])


def answer(library: Library | Path, mode: str = "jaccard") -> list[tuple[str, float, str]]:
    path = library if isinstance(library, Path) else library.path
    with Library.open(path) as opened:
        found = search(opened, text="a red picture", top=20, mode=mode)  # one that loads no model
        return [(hit.path, hit.score, hit.caption) for hit in found]


def add_one(library: Library, name: str = "new.png", shade: int = 70) -> None:
    picture(library.root / name, "red", shade=shade)
    library.update(captioner=MeanColour())


def flipped(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place % len(content)] ^= 0x41
    file.write_bytes(content)


def cut(file: Path, left: int) -> None:
    os.truncate(file, left)


@pytest.mark.parametrize("number", range(2), ids=["manifest", "segment"])
def test_flipped_byte_anywhere_in_the_index_changes_no_answer(library: Library, number: int) -> None:
    modes = ("jaccard", "jaccard-lemma", "tfidf")  # which read one part of it each
    expected = [answer(library, mode) for mode in modes]
    kept = {file: file.read_bytes() for file in files(library)}
    file = [*kept][::-1][number]
    for place in range(0, len(kept[file]), 1 + len(kept[file]) // 60):
        for one, content in kept.items():
            one.write_bytes(content)
        flipped(file, place)
        assert [answer(library, mode) for mode in modes] == expected, place
        for spare in files(library):
            if spare not in kept:
                spare.unlink()


def test_pictures_are_listed_as_the_catalogue_has_them_whatever_the_index_holds(library: Library) -> None:
    expected = [(one.path, one.sha256, one.copies, one.caption) for one in library]
    (segment,) = library.path.glob("*.segment")
    content = segment.read_bytes()
    for place in range(0, len(content), 1 + len(content) // 30):
        for file in library.path.glob("*.segment"):
            file.unlink()
        segment.write_bytes(content)
        flipped(segment, place)
        with Library.open(library.path) as opened:
            assert [(one.path, one.sha256, one.copies, one.caption) for one in opened] == expected, place


@pytest.mark.parametrize("left", [0, 5, 100, 5000])
@pytest.mark.parametrize("number", range(2), ids=["manifest", "segment"])
def test_index_that_is_cut_short_is_not_used_and_made_again(
    library: Library, number: int, left: int, caplog: pytest.LogCaptureFixture
) -> None:
    expected, file = answer(library), files(library)[::-1][number]
    cut(file, min(left, file.stat().st_size - 1))
    with caplog.at_level(logging.WARNING, "captionret"):
        assert answer(library) == expected
    assert f"{file} is damaged" in caplog.text
    caplog.clear()
    assert answer(library) == expected and "damaged" not in caplog.text
    assert library.verify() == []


def test_damage_that_is_found_in_the_middle_of_a_query_is_answered_all_the_same(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    expected = answer(library)
    with Library.open(library.path) as opened:
        opened.snapshot()
        (segment,) = library.path.glob("*.segment")
        mapped = IndexFile(segment)
        with segment.open("r+b") as file:  # in place, as a disk decays: what is mapped sees it
            file.seek(len(mapped._bytes) - 3)
            file.write(b"###")
        with caplog.at_level(logging.WARNING, "captionret"):
            assert [hit.path for hit in search(opened, text="a red picture", top=20, mode="jaccard")] == [
                path for path, *_ in expected
            ]
    assert "is damaged" in caplog.text
    assert library.verify() == [] and answer(library) == expected


def test_verify_finds_damage_and_what_the_catalogue_does_not_say(library: Library) -> None:
    (segment,) = library.path.glob("*.segment")
    content = segment.read_bytes()
    flipped(segment, len(content) - 3)
    assert any(f"{segment} is damaged" in one for one in library.verify())
    segment.unlink()
    assert any(f"{segment}, a part of the search index, is missing" in one for one in library.verify())
    segment.write_bytes(content)
    assert library.verify() == []


def test_index_of_another_library_of_another_format_or_of_other_words_is_not_used(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "others" / "x.png", "red")
    other = Library.create(tmp_path / "other", tmp_path / "others")
    other.update(captioner=MeanColour())
    expected = answer(library)
    for file in files(library):
        file.unlink()
    for file in files(other):
        shutil.copy(file, library.path)
    assert answer(library) == expected
    monkeypatch.setattr(search_index, "FORMAT", 2)
    assert answer(library) == expected
    monkeypatch.setattr(search_index, "rules_key", lambda: 0)
    assert answer(library) == expected and library.verify() == []


def test_index_that_was_put_back_from_an_older_copy_is_not_used(library: Library, tmp_path: Path) -> None:
    shutil.copytree(library.path, tmp_path / "copy")
    add_one(library)
    expected = answer(library)
    for file in (tmp_path / "copy").glob("search-index*"):
        shutil.copy(file, library.path)
    assert answer(library) == expected and "new.png" in {path for path, *_ in expected}


def test_catalogue_that_was_put_back_from_an_older_copy_is_searched_as_it_is(
    library: Library, tmp_path: Path
) -> None:
    shutil.copytree(library.path, tmp_path / "copy")
    expected = answer(library)
    add_one(library)
    library.close()
    for file in library.path.glob("catalogue.sqlite*"):
        file.unlink()
    for file in (tmp_path / "copy").glob("catalogue.sqlite*"):
        shutil.copy(file, library.path)
    lost = library.path / MANIFEST
    content = lost.read_bytes()
    assert answer(library) == expected
    with Library.open(library.path) as opened:
        for number in range(20):  # until it has a higher revision than the index that is not its own
            opened.set_caption("0.png", f"red number {number}")
    lost.write_bytes(content)
    assert {caption for *_, caption in answer(library)} >= {"red number 19"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="asks for fork")
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_kill_at_any_step_of_writing_loses_nothing(library: Library, step: str, after: bool) -> None:
    picture(library.root / "new.png", "red", shade=70)
    process = os.fork()
    if not process:
        owner = changes if step in ("begin", "clear") else writing
        real: Callable[..., object] = getattr(owner, step)

        def dying(*arguments: object) -> None:
            if after:
                real(*arguments)
            os._exit(9)

        setattr(owner, step, dying)
        Library.open(library.path).update(captioner=MeanColour())
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 9
    found = {path for path, *_ in answer(library)}
    assert "new.png" in found and len(found) == 10 and library.verify() == []
    add_one(library, "newer.png", 90)
    assert len(answer(library)) == 11 and library.verify() == []
    assert len(files(library)) <= 4, "what the killed run left is gone"


def test_full_disk_under_the_index_costs_no_picture(
    library: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(file: Path, *_: object) -> None:
        raise NoSpace(f"No space left to write {file}.")

    with monkeypatch.context() as patched, caplog.at_level(logging.INFO, "captionret"):
        patched.setattr(writing, "write_index_file", full)
        add_one(library)
        assert len(answer(library)) == 10
    assert "was not written: No space left" in caplog.text
    add_one(library, "newer.png", 90)
    assert len(answer(library)) == 11 and library.verify() == []


def test_second_writer_of_the_index_leaves_it_and_everything_is_found(library: Library) -> None:
    before = files(library)
    with locked(library.path / INDEX):
        add_one(library)
        assert files(library) == before
        assert len(answer(library)) == 10
    add_one(library, "newer.png", 90)
    assert files(library) != before and len(answer(library)) == 11


def test_library_of_an_older_release_gets_its_index_with_the_first_search(library: Library) -> None:
    for file in files(library):
        file.unlink()
    with library._catalogue.transaction() as connection:
        connection.execute("DROP TABLE changes")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM meta WHERE key LIKE 'index%'")
    assert len(answer(library)) == 9
    assert len(files(library)) == 2 and library.verify() == []
