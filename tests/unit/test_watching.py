"""A library that follows its folders, on the real file system: each change is seen, and none is lost."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import watchfiles
from mean_colour import MeanColour, picture

from captionret.app.curating import watching
from captionret.app.curating.watching import Watcher
from captionret.errors import NoSpace
from captionret.library import Library, UpdateReport

COLOURS = ("red", "green", "blue")


@pytest.fixture
def library(tmp_path: Path) -> Library:
    for name in COLOURS:
        picture(tmp_path / "photos" / f"{name}.png", name)
    return Library.create(tmp_path / "library", tmp_path / "photos")


class Following:
    """A watcher in a thread of its own.

    looks: what each look was at, None: all; with the report
    """

    def __init__(self, library: Library) -> None:
        self.library, self.captioner = library, MeanColour()
        self.looks: list[tuple[Sequence[str] | None, UpdateReport]] = []
        self.problems: list[Exception] = []  # raised by the next looks

    def look(self, changed: Sequence[str] | None) -> None:
        if self.problems:
            raise self.problems.pop()
        report = self.library.update(captioner=self.captioner, changed=changed, progress=False)
        self.looks.append((changed, report))

    def names(self) -> list[str]:
        return sorted(one.path for one in self.library)

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for what the watcher brings about."""
        end = time.monotonic() + 20
        while not is_so():
            assert time.monotonic() < end, (self.names(), self.looks)
            time.sleep(0.02)

    def until_names(self, *wanted: str) -> None:
        self.until(lambda: self.names() == sorted(wanted))


@contextmanager
def following(library: Library, problems: Sequence[Exception] = ()) -> Iterator[Following]:
    """Follow its folders while the block runs; it begins when the first look is over."""
    stop, one = threading.Event(), Following(library)
    one.problems += problems
    watcher = Watcher(library, one.look, quiet=0.05, longest=2, retry=0.1)
    thread = threading.Thread(target=watcher.run, args=(stop,))
    thread.start()
    try:
        one.until(lambda: bool(one.looks))
        yield one
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def test_new_changed_renamed_and_deleted_pictures_are_seen(library: Library) -> None:
    with following(library) as one:
        assert one.looks[0][1].new == 3
        root = library.root
        picture(root / "white.png", "white")
        one.until_names("blue.png", "green.png", "red.png", "white.png")
        picture(root / "red.png", "yellow")
        one.until(lambda: one.looks[-1][1].changed == 1)
        (root / "trip").mkdir()
        (root / "green.png").rename(root / "trip" / "green.png")
        one.until_names("blue.png", "red.png", "trip/green.png", "white.png")
        seen = len(one.captioner.seen)
        (root / "trip").rename(root / "journey")
        one.until_names("blue.png", "journey/green.png", "red.png", "white.png")
        shutil.rmtree(root / "journey")
        (root / "blue.png").unlink()
        one.until_names("red.png", "white.png")
        assert len(one.captioner.seen) == seen, "a picture that was moved is not captioned again"
        assert all(changed is not None for changed, _ in one.looks[1:]), "only what changed is looked at"
    assert library.verify() == []


def test_a_burst_is_one_update_and_a_copied_tree_is_seen_whole(library: Library, tmp_path: Path) -> None:
    for number in range(40):
        picture(tmp_path / "card" / f"{number % 4}/deep/{number}.png", "red", shade=number + 1)
    with following(library) as one:
        shutil.copytree(tmp_path / "card", library.root / "card")
        one.until(lambda: len(one.names()) == 43)
        assert len(one.looks) <= 3


def test_editors_temporary_files_and_other_files_are_no_pictures(library: Library) -> None:
    with following(library) as one:
        content = picture(library.path.parent / "new.png", "white").read_bytes()
        for name in (".red.png.swp", "red.png~", "red.png.part", "@eaDir/red.png", "notes.txt"):
            (library.root / name).parent.mkdir(exist_ok=True)
            (library.root / name).write_bytes(content)
        (library.root / "red.png.part").rename(library.root / "red.png")  # as programs that save safely do
        one.until(lambda: one.looks[-1][1].changed == 1)
        assert one.names() == ["blue.png", "green.png", "red.png"]
        (library.root / "notes.txt").unlink()
        (library.root / ".captionretignore").write_text("green.*")
        one.until_names("blue.png", "red.png")


def test_an_unfinished_picture_is_captioned_when_it_is_whole(library: Library) -> None:
    content = picture(library.path.parent / "new.png", "white", size=200).read_bytes()
    with following(library) as one:
        (library.root / "new.png").write_bytes(content[: len(content) // 2])
        one.until(lambda: one.looks[-1][1].failed == 1)
        (library.root / "new.png").write_bytes(content)
        one.until_names("blue.png", "green.png", "new.png", "red.png")
        assert library.failures() == []


def test_a_folder_that_is_not_there_is_waited_for_and_not_taken_for_empty(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    with following(library) as one:
        away = library.root.rename(library.root.with_name("away"))
        one.until(lambda: "is not a folder any more" in caplog.text)
        picture(away / "white.png", "white")
        assert len(one.names()) == 3
        away.rename(away.with_name("photos"))
        one.until_names("blue.png", "green.png", "red.png", "white.png")
        picture(library.root / "black.png", "black")
        one.until(lambda: "black.png" in one.names())
    assert caplog.text.count("is not a folder any more") == 1


def test_an_emptied_folder_keeps_its_pictures_until_they_come_back(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    with following(library) as one:
        away = library.root.rename(library.root.with_name("away"))
        library.root.mkdir()  # as the place where a disk was mounted
        one.until(lambda: "holds no pictures any more" in caplog.text)
        assert len(one.names()) == 3
        away.rename(library.root)
        picture(library.root / "white.png", "white")
        one.until(lambda: "white.png" in one.names())


def test_a_disk_that_fills_is_named_once_and_tried_again(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    with following(
        library, [NoSpace("No space left to write it."), NoSpace("No space left to write it.")]
    ) as one:
        assert one.names() == ["blue.png", "green.png", "red.png"]
    assert caplog.text.count("No space left") == 1


def test_where_the_system_tells_of_no_changes_all_is_looked_through_now_and_then(
    library: Library, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: str, **options: object) -> None:
        raise OSError(28, "OS file watch limit reached.")

    monkeypatch.setattr(watchfiles, "watch", refuse)
    with following(library) as one:
        picture(library.root / "white.png", "white")
        one.until(lambda: "white.png" in one.names())
    assert "watch limit reached" in caplog.text and "max_user_watches" in caplog.text


_LIMITED = """
import sys
from pathlib import Path
Path("/proc/sys/user", sys.argv[2]).write_text(sys.argv[3])  # in this namespace alone
import logging, test_watching
from captionret.library import Library
logging.basicConfig()
library = Library.open(Path(sys.argv[1]))
with test_watching.following(library) as one:
    test_watching.picture(library.root / "trip" / "white.png", "white")
    one.until(lambda: "trip/white.png" in one.names())
"""


@pytest.mark.parametrize("limit", ["max_inotify_watches", "max_inotify_instances"])
def test_limits_of_the_system_are_said_and_lived_with(library: Library, limit: str) -> None:
    own = ["unshare", "--user", "--map-root-user"]
    if sys.platform != "linux" or subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs namespaces of users, in which it may lower the limits")
    for number in range(3):
        (library.root / f"folder {number}").mkdir()
    command = [
        *own,
        sys.executable,
        "-c",
        _LIMITED,
        str(library.path),
        limit,
        "2" if "watches" in limit else "0",
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), *sys.path))}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("does not tell of changes") == 1, done.stderr
    assert "sysctl" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other systems name files in Unicode")
def test_a_folder_whose_name_is_no_unicode_is_what_keeps_changes_untold(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    (library.root / os.fsdecode(b"d\xfe")).mkdir()
    watcher = watching.Watcher(library, lambda _: None, every=60)
    stop = threading.Event()
    stop.set()
    next(watcher._bursts([str(library.root)], stop))
    assert "Give that folder a name in Unicode." in caplog.text and "sysctl" not in caplog.text


def test_further_folders_are_followed_and_many_changes_are_looked_at_whole(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MOST_SINGLE", 2)
    (tmp_path / "scans").mkdir()
    library.add_folder(tmp_path / "scans")
    with following(library) as one:
        for name in COLOURS:
            picture(tmp_path / "scans" / f"{name}.png", name, shade=3)
        one.until(lambda: len(one.looks) > 1 and one.looks[-1][0] is None)
        assert len(one.names()) == 6
        (tmp_path / "scans" / "red.png").unlink()
        one.until(lambda: one.looks[-1][0] == [str(tmp_path / "scans" / "red.png")])
        assert len(one.names()) == 5


def test_a_disk_below_the_root_that_goes_with_its_folder_keeps_its_pictures(library: Library) -> None:
    picture(library.root / "stick" / "white.png", "white")
    library.update(captioner=MeanColour(), progress=False)
    with following(library) as one:
        with library._catalogue.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('disks', '[\"stick\"]')")
        away = library.root.with_name("away")
        (library.root / "stick").rename(away)
        one.until(lambda: one.looks[-1][1].failed == 1)
        assert "stick/white.png" in one.names()


def test_names_in_other_letters_are_not_taken_for_the_file(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.update(captioner=MeanColour(), progress=False)
    (library.root / "red.png").rename(library.root / "Red.png")
    real = os.stat
    lower = {str(library.root / "red.png"): str(library.root / "Red.png")}
    monkeypatch.setattr(os, "stat", lambda place, **how: real(lower.get(str(place), str(place)), **how))
    changed = [library.root / "red.png", library.root / "Red.png"]
    report = library.update(captioner=MeanColour(), changed=changed, progress=False)
    assert report == UpdateReport(renamed=1)
