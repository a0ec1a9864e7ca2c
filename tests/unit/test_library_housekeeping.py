"""A library looked after: pruned, moved, copied and described, and nothing of it is lost."""

import errno
import os
import shutil
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pytest
from mean_colour import Colours, MeanColour, picture

from captionret.app.searching import search
from captionret.errors import BadLibrary, BadSetting, LibraryInUse, NoSpace
from captionret.library import Library, back_up, copying, move_library, pruning
from captionret.library.writing import writing

NAMES = ("red", "green", "blue", "yellow", "white")


@pytest.fixture
def library(tmp_path: Path) -> Library:
    for name in NAMES:
        picture(tmp_path / "photos" / f"{name}.png", name)
    library = Library.create(tmp_path / "libraries" / "first", tmp_path / "photos")
    library.update(captioner=MeanColour(), progress=False)
    library.predict_words(Colours())
    library.set_caption("blue.png", "our lake")
    return library


def captions(library: Library) -> dict[str, str]:
    gallery = library.gallery()
    return dict(zip(gallery.paths, gallery.captions, strict=True))


def features(library: Library) -> dict[str, list[float]]:
    gallery = library.gallery()
    return dict(zip(gallery.paths, np.asarray(gallery.features).tolist(), strict=True))


def feature_bytes(library: Library) -> int:
    (file,) = library.path.glob("features-*.f16")
    return file.stat().st_size


def without_two(library: Library) -> None:
    for name in ("red.png", "green.png"):
        (library.root / name).unlink()
    library.update(captioner=MeanColour(), progress=False)


def test_pruning_gives_back_features_of_pictures_that_are_gone(library: Library) -> None:
    width = feature_bytes(library) // 5
    without_two(library)
    before = (captions(library), features(library))
    (expected,) = (one for one in library.prune(dry_run=True) if one.what.startswith("features"))
    assert (expected.count, expected.bytes, feature_bytes(library)) == (2, 2 * width, 5 * width)
    assert expected in library.prune()
    assert feature_bytes(library) == 3 * width
    with Library.open(library.path) as again:
        assert (captions(again), features(again)) == before
        assert again.verify() == []
        assert again.prune() == []
        picture(again.root / "black.png", "black")
        assert again.update(captioner=MeanColour(), progress=False).new == 1
        assert search(again, text="black", mode="jaccard")[0].path == "black.png"
        assert again.verify() == []


def test_pruning_all_pictures_leaves_a_library_that_works(library: Library) -> None:
    for name in NAMES:
        (library.root / f"{name}.png").unlink()
    library.update(captioner=MeanColour(), progress=False, allow_empty=True)
    library.prune()
    picture(library.root / "blue.png", "blue")
    library.update(captioner=MeanColour(), progress=False)
    assert captions(library) == {"blue.png": "our lake"}, "what a person wrote outlives its picture"
    assert library.verify() == []


@pytest.mark.parametrize("step", ["_write_with", "_go_over_to", "_write_first"])
@pytest.mark.parametrize("after", [False, True])
def test_pruning_that_is_stopped_at_any_step_loses_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    without_two(library)
    before = (captions(library), features(library))
    real = getattr(pruning._Features, step)

    def stopped(*arguments: object) -> None:
        if after:
            real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(pruning._Features, step, stopped)
    with pytest.raises(KeyboardInterrupt):
        library.prune()
    monkeypatch.undo()
    with Library.open(library.path) as again:
        assert (captions(again), features(again)) == before
        assert again.verify() == []
        again.prune()
        assert (captions(again), features(again)) == before
        assert again.verify() == []


def test_a_reader_keeps_what_it_reads_while_a_library_is_pruned(library: Library) -> None:
    without_two(library)
    reader = Library.open(library.path).snapshot()
    library.prune()
    assert np.asarray(reader.gallery().features).shape == (3, 3)


def test_damaged_features_are_refused_and_not_taken_over(library: Library) -> None:
    without_two(library)
    (file,) = library.path.glob("features-*.f16")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(BadLibrary, match="not those that were written"):
        library.prune()
    assert any("not those that were written" in problem for problem in library.verify())


def test_what_stopped_runs_left_is_given_back_and_what_a_run_needs_now_is_kept(library: Library) -> None:
    old, new = library.path / ".scores.0123.tmp", library.path / ".scores.4567.tmp"
    for file in (old, new, library.path / "answers-0123456789abcdef.jsonl"):
        file.write_bytes(b"x" * 10)
    os.utime(old, (0, 0))
    (part,) = library.path.glob("word-probabilities-*.part")
    shutil.copy(part, library.path / "word-probabilities-ffffffffffff.part")
    given_back = {one.what: one.count for one in library.prune()}
    assert given_back["unfinished files"] == given_back["parts of word probabilities"] == 1
    assert given_back["answers for captioners that are gone"] == 1
    assert not old.exists() and new.exists() and part.exists()


def test_a_moved_library_finds_its_pictures_from_its_new_place(library: Library, tmp_path: Path) -> None:
    before = captions(library)
    library.close()
    decoy = tmp_path / "deep" / "photos"  # where its pictures would lie, seen from the new place as before
    decoy.mkdir(parents=True)
    place = tmp_path / "deep" / "libraries" / "second"
    assert move_library(library.path, place, dry_run=True).place == place
    assert library.path.is_dir() and not place.exists()
    move_library(library.path, place)
    assert not library.path.exists()
    with Library.open(place) as moved:
        assert (captions(moved), moved.root) == (before, tmp_path / "photos")
        assert moved.verify() == []
        assert moved.update(captioner=MeanColour(), progress=False).unchanged == 5


def test_a_library_moves_to_another_disk_whole_or_not_at_all(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, place = captions(library), tmp_path / "second"
    library.close()
    real = os.rename

    def rename(source: Path, target: Path) -> None:
        if Path(source) == library.path:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with monkeypatch.context() as full:
        full.setattr(shutil, "copy2", _full_disk)
        with pytest.raises(NoSpace):
            move_library(library.path, place)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["libraries", "photos"]
    move_library(library.path, place)
    monkeypatch.undo()
    assert not library.path.exists()
    with Library.open(place) as moved:
        assert captions(moved) == before
        assert moved.verify() == []


@pytest.mark.parametrize("killed", [False, True])
def test_a_move_that_fails_midway_leaves_a_library_that_knows_its_pictures(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    before = captions(library)
    library.close()
    (tmp_path / "deep" / "photos").mkdir(parents=True)  # where they would lie, seen from the new place
    place = tmp_path / "deep" / "libraries" / "second"
    real, stop = copying._rewrite_paths, KeyboardInterrupt if killed else NoSpace

    def rewrite(file: Path, old: Path, new: Path | None) -> None:
        if new is not None:
            raise stop("No space left.")
        real(file, old, new)

    monkeypatch.setattr(copying, "_rewrite_paths", rewrite)
    with pytest.raises(stop):
        move_library(library.path, place)
    assert place.exists() == killed != library.path.exists()
    with Library.open(place if killed else library.path) as left:
        assert (captions(left), left.root) == (before, tmp_path / "photos")
        assert left.update(captioner=MeanColour(), progress=False).unchanged == 5


def _full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("name", ["copy", "copy-2026.11.28", "copy.zip"])
def test_a_backup_is_whole_although_the_library_is_open(library: Library, tmp_path: Path, name: str) -> None:
    before, place = captions(library), tmp_path / "elsewhere" / name
    assert back_up(library.path, place, dry_run=True).bytes > 0 and not place.parent.exists()
    done = back_up(library.path, place)
    assert [file.name for file in place.parent.iterdir()] == [name], "nothing unfinished is left"
    library.set_caption("red.png", "something later")
    if name.endswith(".zip"):
        assert done.bytes == place.stat().st_size
        with zipfile.ZipFile(place) as packed:
            packed.extractall(tmp_path / "unpacked")
        place = tmp_path / "unpacked" / "first"
    with Library.open(place) as copy:
        assert (captions(copy), copy.root) == (before, library.root)
        assert copy.verify() == []
        assert search(copy, text="lake", mode="jaccard")[0].path == "blue.png"


def test_a_backup_to_a_full_disk_leaves_nothing_behind(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "copy2", _full_disk)
    with pytest.raises(NoSpace, match=r"copy\.zip"):
        back_up(library.path, tmp_path / "copy.zip")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["libraries", "photos"]


def test_places_that_are_taken_impossible_or_in_itself_are_refused(library: Library, tmp_path: Path) -> None:
    library.close()
    for act in (move_library, back_up):
        with pytest.raises(BadSetting, match="is there already"):
            act(library.path, tmp_path / "photos")
        with pytest.raises(BadLibrary, match="cannot be used"):
            act(library.path, tmp_path / ("x" * 300))
        with pytest.raises(BadLibrary, match="There is no library"):
            act(tmp_path / "none", tmp_path / "second")
    with pytest.raises(BadSetting, match="lies in"):
        move_library(library.path, library.path / "inner")
    assert len(Library.open(library.path)) == 5


def test_a_library_that_is_being_updated_is_neither_moved_nor_copied_nor_pruned(
    library: Library, tmp_path: Path
) -> None:
    with writing(library.path):
        for act in (move_library, back_up):
            with pytest.raises(LibraryInUse):
                act(library.path, tmp_path / "second")
        with pytest.raises(LibraryInUse):
            library.prune()


def test_info_says_what_a_library_is(library: Library, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    shutil.copy(library.root / "red.png", library.root / "copy.png")
    (library.root / "broken.jpg").write_bytes(b"no picture")
    library.remove("green.png")
    library.add_folder(tmp_path / "scans")
    library.ignore(["*.gif"])
    library.update(captioner=MeanColour(), progress=False)
    info = library.info()
    assert (info.pictures, info.files, info.failed, info.removed, info.own_captions) == (4, 5, 1, 1, 1)
    assert (info.folders, info.ignored) == ((library.root, tmp_path / "scans"), ("*.gif",))
    assert [(one.name, one.pictures) for one in info.captioners] == [("mean-colour", 4)]
    assert (info.words, info.words_by, info.calibrated, info.encoder) == (4, "colours", False, None)
    sizes = sum(file.stat().st_size for file in library.path.iterdir())
    assert sum(info.sizes.values()) == sizes and info.sizes["features"] == feature_bytes(library)
    with sqlite3.connect(library.path / "catalogue.sqlite") as connection:
        assert info.format == connection.execute("PRAGMA user_version").fetchone()[0]
