"""Where a library looks for pictures: what is left out there, several folders, and disks that are not
mounted."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from mean_colour import MeanColour, picture

from captionret.errors import BadLibrary, BadSetting
from captionret.images import find_images, folders
from captionret.library import Library, UpdateReport

NAMES = ("red.png", "drafts/blue.png", "drafts/best/green.png", "trip/white.png", "trip/white.jpg")


@pytest.fixture
def library(tmp_path: Path) -> Library:
    for shade, name in enumerate(NAMES):
        picture(tmp_path / "photos" / name, "red", shade=shade)
    return Library.create(tmp_path / "library", tmp_path / "photos")


def update(library: Library, allow_empty: bool = False) -> UpdateReport:
    return library.update(captioner=MeanColour(), progress=False, allow_empty=allow_empty)


def names(library: Library) -> list[str]:
    return sorted(one.path for one in library)


def ignoring(folder: Path, *patterns: str) -> None:
    (folder / ".captionretignore").write_text("\n".join(patterns), encoding="utf-8")


def test_patterns_hold_until_others_are_given_and_what_they_name_is_dropped(library: Library) -> None:
    assert update(library) == UpdateReport(new=5)
    library.ignore(["*.jpg", "drafts/"])
    report = update(library)
    assert (report.unchanged, report.removed) == (2, 3)
    assert report.other == {"folders left out by a pattern": 1, "pictures left out by a pattern": 1}
    with Library.open(library.path) as again:
        assert again.ignored == ("*.jpg", "drafts/")
        assert update(again).unchanged == 2 and names(again) == ["red.png", "trip/white.png"]
        again.ignore([""])
        assert update(again).new == 3


def test_a_file_of_patterns_is_read_as_git_reads_its_own(library: Library) -> None:
    ignoring(library.root, "# of no use", "/drafts/*", "!/drafts/best/", "*.jpg")
    ignoring(library.root / "trip", "!white.jpg", "white.png")
    update(library)
    assert names(library) == ["drafts/best/green.png", "red.png", "trip/white.jpg"]
    library.ignore(["white.jpg"])
    assert update(library).removed == 1, "a person's patterns go before those of files"


def test_a_pattern_that_cannot_be_understood_is_refused(library: Library) -> None:
    with pytest.raises(BadSetting, match=r"pattern '!' cannot be understood"):
        library.ignore(["*.jpg", "!"])
    assert library.ignored == ()


def test_patterns_that_leave_out_everything_are_refused_and_nothing_is_lost(library: Library) -> None:
    update(library)
    library.ignore(["*"])
    with pytest.raises(BadLibrary, match=r"All 5 pictures of .*photos are left out by patterns.*allow_empty"):
        update(library)
    assert len(library) == 5
    assert update(library, allow_empty=True).removed == 5


def test_a_folder_whose_patterns_cannot_be_read_is_named_and_keeps_its_pictures(library: Library) -> None:
    update(library)
    (library.root / "trip" / ".captionretignore").mkdir()
    assert update(library).unchanged == 5, "a folder of that name says nothing"
    (library.root / "trip" / ".captionretignore").rmdir()
    ignoring(library.root / "trip", "!")
    report = update(library)
    assert (report.unchanged, report.removed, report.failed) == (3, 0, 1)
    assert report.failures[0].path == "trip"
    assert "its .captionretignore cannot be understood" in report.failures[0].reason


def test_a_picture_that_is_left_out_is_not_added_by_name(library: Library, tmp_path: Path) -> None:
    update(library)
    library.ignore(["drafts/"])
    update(library)
    with pytest.raises(BadSetting, match="left out by a pattern"):
        library.add("drafts/blue.png", MeanColour())
    assert library.add(library.root, MeanColour()).unchanged == 3
    outside = picture(tmp_path / "drafts" / "other.png", "blue")
    assert library.add(outside, MeanColour()).new == 1, "patterns are of the library's folders"


def test_hidden_files_and_those_of_the_system_are_counted(tmp_path: Path) -> None:
    for name in (".a.jpg", "Thumbs.db", "desktop.ini", "b.jpg.part", ".git/c.jpg", "@eaDir/d.jpg", "e.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    others: Counter[str] = Counter()
    assert [path.name for path in find_images(tmp_path, others=others)] == ["e.jpg"]
    assert others == {
        "hidden files": 1,
        "hidden folders": 1,
        "files of the system": 2,
        "folders of the system": 1,
        "unfinished files": 1,
        "links to folders": 1,
    }


def test_a_folder_that_lies_inside_itself_is_named_and_not_entered(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = folders._identity
    monkeypatch.setattr(
        folders, "_identity", lambda place: real(str(library.root) if place.endswith("best") else place)
    )
    report = update(library)
    assert (report.new, report.failed) == (4, 1)
    assert "it lies inside itself" in report.failures[0].reason


def test_links_in_a_circle_are_named_and_the_rest_goes_on(library: Library) -> None:
    (library.root / "one.png").symlink_to(library.root / "two.png")
    (library.root / "two.png").symlink_to(library.root / "one.png")
    report = update(library)
    assert (report.new, report.failed) == (5, 2)
    assert tuple(library.failures()) == report.failures, "kept, so that they need not be named again"
    assert update(library).failures == report.failures
    two = library.root / "two.png"
    two.unlink()
    picture(two, "blue")
    changed = library.update(None, MeanColour(), changed=[two], progress=False)
    assert (changed.new + changed.duplicates, changed.failed) == (1, 0)
    assert update(library).duplicates == 1 and library.failures() == [], "the other one leads to it now"


def test_further_folders_are_looked_through_and_dropped_again(library: Library, tmp_path: Path) -> None:
    scan = picture(tmp_path / "scans" / "blue.png", "blue")
    library.add_folder(tmp_path / "scans")
    library.add_folder(tmp_path / "scans")
    assert library.folders == (library.root, tmp_path / "scans")
    assert update(library).new == 6 and str(scan) in names(library)
    later = picture(tmp_path / "scans" / "deep" / "green.png", "green")
    library.ignore(["deep/"])
    assert update(library).unchanged == 6
    library.ignore([])
    assert library.update(tmp_path / "scans", MeanColour(), progress=False).new == 1, "all is looked through"
    scan.unlink()
    assert update(library) == UpdateReport(unchanged=6, removed=1)
    assert library.verify() == []
    assert library.drop_folder(tmp_path / "scans") == 1
    assert str(later) not in names(library) and list(library.folders) == [library.root]
    assert update(library).unchanged == 5
    with pytest.raises(BadSetting, match="was not added"):
        library.drop_folder(tmp_path / "scans")


def test_folders_that_overlap_or_are_none_are_refused(library: Library, tmp_path: Path) -> None:
    for folder in (library.root / "trip", tmp_path):
        with pytest.raises(BadSetting, match="its pictures would be there twice"):
            library.add_folder(folder)
    with pytest.raises(BadSetting, match="is not a folder"):
        library.add_folder(library.root / "red.png")


@pytest.mark.parametrize("left", ["nothing", "an empty folder"])
def test_a_further_folder_that_is_not_mounted_keeps_its_pictures(
    library: Library, tmp_path: Path, left: str
) -> None:
    picture(tmp_path / "scans" / "blue.png", "blue")
    library.add_folder(tmp_path / "scans")
    update(library)
    (tmp_path / "scans").rename(tmp_path / "away")
    if left != "nothing":
        (tmp_path / "scans").mkdir()
    report = update(library)
    assert (report.unchanged, report.removed, report.failed) == (5, 0, 1)
    assert "its pictures stay as they were" in report.failures[0].reason
    assert len(library) == 6
    assert update(library, allow_empty=True).removed == 1


def test_a_root_that_is_not_mounted_is_refused_although_a_further_folder_is_there(
    library: Library, tmp_path: Path
) -> None:
    picture(tmp_path / "scans" / "blue.png", "blue")
    library.add_folder(tmp_path / "scans")
    update(library)
    shutil.rmtree(library.root)
    library.root.mkdir()
    with pytest.raises(BadLibrary, match="holds no pictures any more, the library knows 5 of it"):
        update(library)
    assert len(library) == 6


def test_pictures_that_were_added_from_a_disk_stay_where_it_is_not_mounted(
    library: Library, tmp_path: Path
) -> None:
    stick = tmp_path / "stick"
    library.add(picture(stick / "blue.png", "blue"), MeanColour())
    update(library)
    stick.rename(tmp_path / "away")
    report = update(library)
    assert (report.unchanged, report.removed, report.failed) == (5, 0, 1)
    (tmp_path / "away").rename(stick)
    (stick / "blue.png").unlink()
    assert update(library).removed == 1


def test_a_disk_below_the_root_that_is_not_mounted_keeps_its_pictures(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = folders._identity

    def mounted(place: str) -> tuple[int, int]:
        disk, number = real(place)
        return disk + 1 if place.split(os.sep)[-1] in ("drafts", "best") else disk, number

    monkeypatch.setattr(folders, "_identity", mounted)
    update(library)
    monkeypatch.undo()
    away = library.root.with_name("away")
    shutil.move(library.root / "drafts", away)
    (library.root / "drafts").mkdir()
    for _ in range(2):
        report = update(library)
        assert (report.unchanged, report.removed, report.failed) == (3, 0, 1)
        assert "drafts is a disk of its own, which is not mounted" in report.failures[0].reason
    (library.root / "drafts").rmdir()
    shutil.move(away, library.root / "drafts")
    assert update(library) == UpdateReport(unchanged=5)
    shutil.rmtree(library.root / "drafts")
    assert update(library).removed == 2, "it was no disk of its own any more"
