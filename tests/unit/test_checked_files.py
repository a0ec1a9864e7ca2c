"""Hashes that are remembered: never one of a file as it was before."""

import os
from pathlib import Path

import pytest

from captionret import checked_files
from captionret.checked_files import sha256_once
from captionret.files import sha256_of


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAPTIONRET_HOME", str(tmp_path / "home"))
    (tmp_path / "weights.bin").write_bytes(b"some weights")
    return tmp_path / "weights.bin"


def test_a_file_is_read_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = sha256_once(file)
    assert found == sha256_of(file)
    monkeypatch.setattr(checked_files, "sha256_of", lambda _: pytest.fail("it was read again"))
    assert sha256_once(file) == found


def test_a_file_that_was_written_again_is_read_again(file: Path) -> None:
    before = sha256_once(file)
    written = file.stat().st_mtime_ns
    file.write_bytes(b"same length!")
    os.utime(file, ns=(written + 1, written + 1))
    assert sha256_once(file) == sha256_of(file) != before
    file.write_bytes(b"other length")
    os.utime(file, ns=(written + 1, written + 1))
    other = file.with_name("other.bin")
    other.write_bytes(b"taken over!!")
    os.utime(other, ns=(written + 1, written + 1))
    os.replace(other, file)
    assert sha256_once(file) == sha256_of(file)


@pytest.mark.parametrize("note", ["", "{}", "[1, 2]", "null", "[[], [], [], [], 7]"])
def test_a_damaged_note_counts_for_nothing(file: Path, note: str) -> None:
    found = sha256_once(file)
    (kept,) = (file.parent / "home/data/checked").iterdir()
    kept.write_text(note)
    assert sha256_once(file) == found


def test_where_nothing_can_be_kept_the_hash_is_computed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPTIONRET_HOME", str(file))  # a file, so no folder can be made below it
    assert sha256_once(file) == sha256_of(file)
