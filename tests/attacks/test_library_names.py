"""Odd names, odd files and folders that cannot be read: each is captioned or named, nothing else is lost."""

import os
import shutil
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mean_colour import MeanColour, picture

from captionret.app.searching import search
from captionret.cli.main import dispatch
from captionret.cli.running import run
from captionret.errors import BadLibrary
from captionret.images import Picture
from captionret.library import Library, UpdateReport
from captionret.records import CaptionResult, Failure

ODD_NAMES = [
    "ünï cødé 🐕.png",
    "new\nline.png",
    "tab\there.png",
    "'; DROP TABLE files; --.png",
    "%s%00.png",
    "-rf.png",
    "a" * 200 + ".png",
]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    picture(tmp_path / "photos" / "plain.png", "green")
    return Library.create(tmp_path / "library", tmp_path / "photos")


def update(library: Library, captioner: MeanColour | None = None) -> UpdateReport:
    return library.update(library.root, captioner or MeanColour(), progress=False)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_captioned_found_and_dropped(library: Library, name: str) -> None:
    picture(library.root / name, "red")
    assert update(library) == UpdateReport(new=2)
    assert search(library, text="red", mode="jaccard")[0].path == name
    assert update(library) == UpdateReport(unchanged=2)
    (library.root / name).unlink()
    assert update(library) == UpdateReport(unchanged=1, removed=1)


def test_undecodable_bytes_in_names_are_kept_exactly(library: Library) -> None:
    name = os.fsdecode(b"caf\xe9 \xff.png")
    shutil.copy(picture(library.root / "red.png", "red"), library.root / name)
    (library.root / os.fsdecode(b"broken\xfe.jpg")).write_bytes(b"x")
    report = update(library)
    assert (report.new, report.duplicates, report.failed) == (2, 1, 1)
    (hit,) = search(library, text="red", top=1, mode="jaccard")
    assert (hit.path, hit.copies) == (name, ("red.png",))
    assert os.fsencode(library.failures()[0].path) == b"broken\xfe.jpg"
    assert update(library).unchanged == 3
    assert library.verify() == []


def test_names_that_differ_only_in_normal_form_are_two_files(library: Library) -> None:
    picture(library.root / "caf\u00e9.png", "red")
    picture(library.root / "cafe\u0301.png", "red", shade=5)
    assert update(library).new == 3
    assert update(library).unchanged == 3


@pytest.fixture
def locked(library: Library, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Make the folder "locked" refuse to be listed; for a superuser too, whom permissions do not stop."""
    picture(library.root / "locked" / "red.png", "red")
    real = os.scandir

    def scandir(path: str | bytes | os.PathLike[str]) -> object:
        if os.fspath(path) == str(library.root / "locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    yield lambda: monkeypatch.setattr(os, "scandir", scandir)


def test_unreadable_folder_is_named_and_its_pictures_are_kept(
    library: Library, locked: Callable[[], None]
) -> None:
    assert update(library).new == 2
    locked()
    report = update(library)
    assert (report.unchanged, report.removed, report.failed) == (1, 0, 1)
    assert report.failures[0].path == "locked"
    assert "cannot be listed (Permission denied)" in report.failures[0].reason
    assert search(library, text="red", mode="jaccard")[0].path == "locked/red.png"


def test_links_that_lead_nowhere_and_pipes_are_named_and_never_waited_for(library: Library) -> None:
    (library.root / "nowhere.png").symlink_to(library.root / "missing.png")
    os.mkfifo(library.root / "pipe.png")
    (library.root / "folder.png").mkdir()
    captioner = MeanColour()
    report = update(library, captioner)
    assert sorted(failure.path for failure in report.failures) == ["nowhere.png", "pipe.png"]
    assert captioner.seen == [library.root / "plain.png"]


def test_link_to_a_picture_is_a_copy_of_it(library: Library) -> None:
    (library.root / "link.png").symlink_to(library.root / "plain.png")
    assert update(library) == UpdateReport(new=1, duplicates=1)


class Meanwhile(MeanColour):
    """Does something to the folder just before it reads the picture of that name."""

    def __init__(self, name: str, act: Callable[[Path], object]) -> None:
        super().__init__()
        self.at, self.act = name, act

    def answer(self, path: Path | Picture) -> CaptionResult | Failure:
        if path.name == self.at:
            self.act(path if isinstance(path, Path) else path.path or Path(path.name))
        return super().answer(path)


def test_file_that_vanishes_during_the_update_is_a_failure_and_then_forgotten(library: Library) -> None:
    picture(library.root / "brief.png", "red")
    report = update(library, Meanwhile("brief.png", Path.unlink))
    assert (report.new, report.failed) == (1, 1)
    assert "does not exist" in report.failures[0].reason
    assert update(library) == UpdateReport(unchanged=1)


def test_file_rewritten_during_the_update_is_never_shown_with_its_old_caption(library: Library) -> None:
    first = picture(library.root / "a.png", "red")
    shutil.copy(first, library.root / "b.png")
    update(library, Meanwhile("a.png", lambda path: picture(path, "blue")))
    update(library)
    gallery = library.gallery()
    assert dict(zip(gallery.paths, gallery.captions, strict=True)) == {
        "a.png": "a plain blue picture",
        "b.png": "a plain red picture",
        "plain.png": "a plain green picture",
    }
    assert library.verify() == []


def test_copies_of_a_broken_picture_are_all_named(library: Library) -> None:
    for name in ("x.jpg", "y.jpg"):
        (library.root / name).write_bytes(b"broken")
    captioner = MeanColour()
    assert sorted(failure.path for failure in update(library, captioner).failures) == ["x.jpg", "y.jpg"]
    assert len(captioner.seen) == 2  # one of the two, and the whole picture
    assert update(library).failed == 2


def test_captioner_that_skips_a_picture_is_caught(library: Library) -> None:
    class Skipping(MeanColour):
        def caption_stream(
            self, *arguments: object, **options: object
        ) -> Iterator[list[CaptionResult | Failure]]:
            yield from ()

    with pytest.raises(RuntimeError, match="did not answer for every picture"):
        update(library, Skipping())


def test_a_name_in_other_letters_means_the_file_where_the_system_says_so(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS and Windows, whose file systems take "PLAIN.PNG" for "plain.png"."""
    picture(library.root / "Trip" / "caf\u00e9.png", "red")
    update(library)
    real = Path.samefile
    monkeypatch.setattr(Path, "samefile", lambda one, other: _lower(one) == _lower(other) or real(one, other))
    library.set_caption("PLAIN.PNG", "our meadow")
    library.set_caption("trip/CAFE\u0301.png", "our kitchen")
    assert search(library, text="meadow", mode="jaccard")[0].path == "plain.png"
    assert search(library, text="kitchen", mode="jaccard")[0].path == "Trip/caf\u00e9.png"
    assert library.remove("TRIP") == 1


def _lower(path: object) -> str:
    return unicodedata.normalize("NFC", str(path)).lower()


def test_a_name_in_other_letters_is_another_file_elsewhere(library: Library) -> None:
    update(library)
    with pytest.raises(BadLibrary, match=r"holds no picture PLAIN\.PNG"):
        library.set_caption("PLAIN.PNG", "our meadow")


@pytest.mark.parametrize(
    "command", [("index", "{}"), ("index", ".", "--library", "{}"), ("info", "--library", "{}")]
)
def test_a_name_that_is_too_long_is_refused_in_a_sentence(
    command: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CAPTIONRET_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    typed = [word.format("x" * 300) for word in command]
    code = run(lambda _: dispatch(typed))
    assert code in (2, 3)
    assert "Traceback" not in (printed := capsys.readouterr().err) and "xxx" in printed
