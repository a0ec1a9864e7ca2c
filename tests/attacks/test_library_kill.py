"""A library survives what happens to programs: kills, Ctrl-C, full disks, a second writer, readers in
between."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mean_colour import MeanColour, picture

from captionret.app.searching import search
from captionret.decoding import Decoding
from captionret.errors import BadLibrary, CaptionretError, NoSpace
from captionret.images import Picture
from captionret.library import Library, UpdateReport
from captionret.library.vectors import features
from captionret.records import CaptionResult, Failure

ROOT = Path(__file__).resolve().parents[2]
PICTURES = 12


class Slow(MeanColour):
    """Takes its time over every batch, so that a test can come in between."""

    def caption_stream(
        self, paths: Sequence[Path | Picture], *, decoding: Decoding, batch_size: int
    ) -> Iterator[list[CaptionResult | Failure]]:
        for batch in super().caption_stream(paths, decoding=decoding, batch_size=batch_size):
            yield batch
            time.sleep(0.15)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    for number in range(PICTURES):
        picture(tmp_path / "photos" / f"{number:02d}.png", ["red", "green", "blue"][number % 3], shade=number)
    return Library.create(tmp_path / "library", tmp_path / "photos")


def update(library: Library, captioner: MeanColour | None = None, batch_size: int = 2) -> UpdateReport:
    return library.update(library.root, captioner or MeanColour(), batch_size=batch_size, progress=False)


def start(library: Library, code: str) -> subprocess.Popen[str]:
    """Run code in another process that has the library's path in `path` and the test's captioners at hand."""
    head = f"""
    import signal, sys
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job would ignore
    sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}, {str(ROOT / "tests" / "attacks")!r}]
    from captionret.library import Library
    from test_library_kill import Slow, update
    library = Library.open({str(library.path)!r})
    """
    program = textwrap.dedent(head) + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", program], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for(library: Library, images: int, process: subprocess.Popen[str]) -> None:
    """Until the other process has committed so many images."""
    for _ in range(600):
        if len(library) >= images:
            return
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.02)
    raise AssertionError(f"{images} images were never committed")


def finish(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_killed_update_goes_on_where_it_stopped(library: Library) -> None:
    process = start(library, "update(library, Slow())")
    wait_for(library, 4, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = len(library)
    assert 4 <= kept < PICTURES
    assert library.verify() == []

    captioner = MeanColour()
    assert update(library, captioner) == UpdateReport(unchanged=kept, new=PICTURES - kept)
    assert len(captioner.seen) == PICTURES - kept
    assert library.verify() == []
    colours = [caption.split()[2] for caption in library.gallery().captions]
    assert colours == [["red", "green", "blue"][number % 3] for number in range(PICTURES)]
    assert library.gallery().features.argmax(1).tolist() == [number % 3 for number in range(PICTURES)]


def test_kill_between_features_and_catalogue_leaves_no_wrong_feature(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = features.append

    def die_after(*arguments: Any) -> None:
        real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(features, "append", die_after)
    with pytest.raises(KeyboardInterrupt):
        update(library, batch_size=5)
    monkeypatch.undo()
    assert len(library) == 0
    (library.root / "00.png").unlink()  # so that other pictures come to stand in the rows that were written
    update(library)
    assert library.gallery().features.argmax(1).tolist() == [number % 3 for number in range(1, PICTURES)]


def test_interrupt_answers_at_once_and_loses_at_most_a_batch(library: Library) -> None:
    process = start(library, "update(library, Slow())")
    wait_for(library, 2, process)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=10)
    assert "KeyboardInterrupt" in message
    kept = len(library)
    assert kept >= 2
    assert library.verify() == []
    assert update(library) == UpdateReport(unchanged=kept, new=PICTURES - kept)


def test_reader_never_waits_for_a_writer(library: Library) -> None:
    update(library, MeanColour())
    picture(library.root / "new.png", "white")
    writer = Library.open(library.path)
    with writer._catalogue.transaction() as connection:
        connection.execute("DELETE FROM captions")
        begun = time.perf_counter()
        with Library.open(library.path) as reader:
            assert search(reader, text="red", mode="jaccard")[0].path == "00.png"
        assert time.perf_counter() - begun < 2
        connection.execute("ROLLBACK")
        connection.execute("BEGIN")
    writer.close()


def test_searches_during_an_update_see_whole_batches(library: Library) -> None:
    process = start(library, "update(library, Slow(), batch_size=3)")
    try:
        seen = set()
        while process.poll() is None:
            gallery = library.gallery()
            assert len(gallery) == len(gallery.features)
            seen.add(len(gallery))
        assert seen <= {0, 3, 6, 9, 12}
    finally:
        finish(process)
    assert len(library) == PICTURES


def test_second_writer_is_told_who_writes(library: Library) -> None:
    process = start(library, "update(library, Slow())")
    try:
        wait_for(library, 2, process)
        with pytest.raises(BadLibrary, match=f"is being updated by process {process.pid}"):
            update(library)
    finally:
        finish(process)
    assert update(library).failed == 0  # the lock ended with the process


def test_full_disk_under_the_features_leaves_the_library_readable(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(library.root / "00.png", "white")
    update(library)
    picture(library.root / "one more.png", "yellow")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoSpace, match="features-"):
        update(library)
    monkeypatch.undo()
    with Library.open(library.path) as again:
        assert len(again) == PICTURES
        assert again.verify() == []
        assert update(again).new == 1


def test_full_disk_under_the_catalogue_leaves_the_library_readable(library: Library) -> None:
    update(library)
    for number in range(40):
        picture(library.root / f"more {number}.png", "yellow", shade=-number)
    pages = library._catalogue.value("PRAGMA page_count")
    # SQLite then answers as it does on a full disk
    library._catalogue.value(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(NoSpace, match=r"catalogue\.sqlite"):
        update(library, batch_size=40)
    with Library.open(library.path) as again:
        assert len(again) == PICTURES
        assert again.verify() == []
        assert update(again).new == 40


def test_limit_on_file_sizes_loses_nothing_that_was_there(library: Library) -> None:
    update(library)
    for number in range(200):
        picture(library.root / f"more {number}.png", "yellow", shade=-number)
    process = start(
        library,
        f"""
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, ({40_000}, resource.RLIM_INFINITY))
        update(library, batch_size=20)
        """,
    )
    _, message = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "BadLibrary" in message or "NoSpace" in message
    assert len(library) >= PICTURES
    assert library.verify() == []
    assert update(library, batch_size=100).failed == 0
    assert len(library) == len(list(library.root.iterdir()))


@pytest.mark.parametrize("damage", ["header", "middle", "cut", "empty", "text"])
def test_damaged_catalogue_is_a_clear_error(library: Library, damage: str) -> None:
    update(library)
    library.close()
    file = library.path / "catalogue.sqlite"
    content = bytearray(file.read_bytes())
    if damage == "header":
        content[:16] = b"\0" * 16
    elif damage == "middle":
        content[4096:] = bytes(value ^ 0x5A for value in content[4096:])
    elif damage == "cut":
        del content[len(content) // 3 :]
    elif damage == "empty":
        content.clear()
    else:
        content[:] = b"this is not a database\n" * 100
    file.write_bytes(content)
    with (
        pytest.raises(CaptionretError, match=r"catalogue\.sqlite") as caught,
        Library.open(library.path) as opened,
    ):
        opened.gallery()
    assert isinstance(caught.value, BadLibrary)


def test_flipped_pages_are_found_by_verify(library: Library) -> None:
    update(library)
    library.close()
    file = library.path / "catalogue.sqlite"
    content = bytearray(file.read_bytes())
    content[-4096:-2048] = b"\xff" * 2048
    file.write_bytes(content)
    try:
        with Library.open(library.path) as opened:
            found = opened.verify()
    except BadLibrary as error:
        found = [str(error)]
    assert any("damaged" in problem for problem in found)


def test_feature_file_cut_short_is_a_clear_error(library: Library) -> None:
    update(library)
    (file,) = library.path.glob("features-*.f16")
    os.truncate(file, file.stat().st_size - 1)
    with pytest.raises(BadLibrary, match=r"features-.* has \d+ bytes"):
        len(library.gallery().features)
    assert any("features-" in problem for problem in library.verify())
    assert search(library, text="red", mode="jaccard")  # the captions are whole


def test_newer_format_is_refused_with_the_release_that_reads_it(library: Library) -> None:
    library.close()
    with closing(sqlite3.connect(library.path / "catalogue.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("UPDATE meta SET value = '7.5' WHERE key = 'version'")
        connection.commit()
    with pytest.raises(BadLibrary, match=r"format 99, written by captionret 7\.5.*Update captionret"):
        Library.open(library.path)


def test_older_format_is_brought_up_to_date(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    update(library)
    library.close()

    def add_column(connection: sqlite3.Connection, folder: Path, on_disk: bool) -> None:
        connection.execute("ALTER TABLE images ADD COLUMN note TEXT")

    monkeypatch.setattr("captionret.library.catalogue.schema.FORMAT", 5)
    monkeypatch.setattr("captionret.library.catalogue.schema.UPGRADES", {4: add_column})
    with Library.open(library.path) as upgraded:
        assert upgraded._catalogue.value("PRAGMA user_version") == 5
        assert upgraded._catalogue.value("SELECT COUNT(note) FROM images") == 0
        assert len(upgraded) == PICTURES


def test_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as connection:
        connection.execute("CREATE TABLE mine (x)")
    before = (tmp_path / "catalogue.sqlite").read_bytes()
    with pytest.raises(BadLibrary, match="of another program"):
        Library.open(tmp_path)
    assert (tmp_path / "catalogue.sqlite").read_bytes() == before
