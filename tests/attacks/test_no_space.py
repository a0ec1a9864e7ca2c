"""A full disk: the message names the file, what was there before stays whole, and nothing half-written is
left."""

import contextlib
import errno
import hashlib
import os
import resource
import shutil
import signal
import stat
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from shapes import Trained
from toy_task import Toy, equal, fit
from warm import Warm

from captionret import Library, files
from captionret.errors import BadLibrary, NoSpace
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.config import CAPTIONER
from captionret.models.card import write_card
from captionret.models.checkpoint import read_checkpoint, save_checkpoint
from captionret.report.plots import training_curve
from captionret.training.features import FeatureStore

ROOT = Path(__file__).resolve().parents[2]
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch, after: int = 0, code: int = errno.ENOSPC) -> Iterator[None]:
    """The disk takes `after` more files, then says that it is full when the next is to be made lasting."""
    left = [after]
    real = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            if left[0] <= 0:
                raise OSError(code, os.strerror(code))
            left[0] -= 1
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    yield
    monkeypatch.undo()


@contextlib.contextmanager
def small_files(limit: int) -> Iterator[None]:
    """A real limit of the system on the size of every file that is written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder with its content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("code", FULL, ids=errno.errorcode.get)
def test_publishing_names_the_file_and_keeps_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "deep" / "file.txt"
    files.publish_json(path, "old")
    with (
        full_disk(monkeypatch, code=code),
        pytest.raises(NoSpace, match=rf"No space left to write {path}\. What was there before"),
    ):
        files.publish_json(path, "new")
    assert files.read_json(path) == "old"
    assert list(path.parent.iterdir()) == [path]


def test_publishing_past_a_real_limit_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with small_files(10_000), pytest.raises(NoSpace, match=r"file\.bin"), files.publishing(path) as file:
        file.write(b"x" * 100_000)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_other_failures_are_not_called_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with full_disk(monkeypatch, code=errno.EIO), pytest.raises(OSError, match="Input/output error"):
        files.publish_json(tmp_path / "file.json", 1)


def test_full_disk_under_the_feature_cache_keeps_what_it_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number:064x}" for number in range(9)]
    rows = np.arange(9, dtype=np.float16)[:, None] * np.ones(4, np.float16)
    store = FeatureStore(tmp_path, (4,))
    store.append(names[:3], rows[:3])
    with full_disk(monkeypatch), pytest.raises(NoSpace, match=str(tmp_path)):
        store.append(names[3:6], rows[3:6])
    again = FeatureStore(tmp_path, (4,))
    assert list(again.rows) == names[:3]
    again.append(names[6:], rows[6:])  # other pictures come to stand in the rows that were written in vain
    assert {name: float(again.memmap()[row][0]) for name, row in again.rows.items()} == dict(
        zip(names[:3] + names[6:], (0, 1, 2, 6, 7, 8), strict=True)
    )


@pytest.mark.parametrize("limit", [65 * 40, 65 * 40 + 30, 100_000])
def test_real_limit_under_the_feature_cache_never_gives_a_wrong_row(tmp_path: Path, limit: int) -> None:
    """The limit strikes in the names, in the middle of a name, or in the rows."""
    width = 8 if limit < 10_000 else 2000
    names = [f"{number:064x}" for number in range(90)]
    rows = np.arange(90, dtype=np.float16)[:, None] * np.ones(width, np.float16)
    store = FeatureStore(tmp_path, (width,))
    with small_files(limit), pytest.raises(NoSpace):
        for start in range(0, 90, 15):
            store.append(names[start : start + 15], rows[start : start + 15])
    again = FeatureStore(tmp_path, (width,))
    assert len(again.rows) >= 15
    again.append(names, rows)
    assert set(again.rows) == set(names)
    assert all((again.memmap()[row] == int(name, 16)).all() for name, row in again.rows.items())


@pytest.mark.parametrize("after", range(3))
def test_full_disk_under_a_checkpoint_leaves_the_old_one_whole(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Whichever of its three files is the first that does not fit."""
    old, new = read_checkpoint(trained.checkpoint, CAPTIONER), read_checkpoint(trained.checkpoint, CAPTIONER)
    new.tensors["output.bias"].add_(1.0)
    save_checkpoint(tmp_path / "ck", old)
    with full_disk(monkeypatch, after), pytest.raises(NoSpace, match=str(tmp_path / "ck")):
        save_checkpoint(tmp_path / "ck", new)
    assert (
        read_checkpoint(tmp_path / "ck", CAPTIONER).tensors["output.bias"].equal(old.tensors["output.bias"])
    )
    save_checkpoint(tmp_path / "ck", new)
    assert sorted(path.name for path in (tmp_path / "ck").iterdir()) == [
        "config.json",
        "model.safetensors",
        "vocab.json",
    ]


def test_real_limit_under_a_checkpoint_leaves_the_old_one_whole(trained: Trained, tmp_path: Path) -> None:
    checkpoint = read_checkpoint(trained.checkpoint, CAPTIONER)
    save_checkpoint(tmp_path / "ck", checkpoint)
    before = contents(tmp_path / "ck")
    with small_files(50_000), pytest.raises(NoSpace, match=r"model\.safetensors"):
        save_checkpoint(tmp_path / "ck", checkpoint)
    assert before.items() <= contents(tmp_path / "ck").items()
    Captioner.load(tmp_path / "ck")


def test_full_disk_during_a_training_leaves_a_state_to_go_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = Toy()
    fit(straight, tmp_path / "straight").run()
    for after in range(2, 14):  # the state the training begins with, then three files an epoch
        folder = tmp_path / str(after)
        with full_disk(monkeypatch, after), pytest.raises(NoSpace, match=str(folder)):
            fit(Toy(), folder).run()
        resumed = Toy()
        fit(resumed, folder, resume=True).run()
        assert equal(resumed.module.state_dict(), straight.module.state_dict())


WRITERS: dict[str, Callable[[Path, Trained], Any]] = {
    "card": lambda folder, trained: write_card(folder / "ck"),
    "curve": lambda folder, trained: training_curve(
        [{"epoch": 1, "train_loss": 1.0, "val_loss": 1.0, "cider_d": 1.0}], folder / "ck" / "training.png"
    ),
}


@pytest.mark.parametrize("what", WRITERS)
def test_full_disk_under_card_and_curve_keeps_the_old_ones(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    save_checkpoint(tmp_path / "ck", read_checkpoint(trained.checkpoint, CAPTIONER))
    for write in WRITERS.values():
        write(tmp_path, trained)
    before = contents(tmp_path)
    with full_disk(monkeypatch), pytest.raises(NoSpace):
        WRITERS[what](tmp_path, trained)
    assert contents(tmp_path) == before


def test_command_on_a_full_disk_ends_with_the_message_alone(
    trained: Trained, tmp_path: Path, warm: Warm
) -> None:
    """The whole training command, in a process whose files may not become larger than a few bytes."""
    program = f"""
    import resource, sys
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
    sys.path.insert(0, {str(ROOT)!r})
    from captionret.cli.options import run
    from captionret.cli.train_captioner import main
    sys.exit(run(main))
    """
    arguments = (
        "--data",
        trained.spec,
        "--features",
        str(trained.features),
        "--out",
        "out",
        *trained.settings,
    )
    ended = warm(["-c", textwrap.dedent(program), *arguments], tmp_path)
    assert (ended.code, ended.out) == (3, "")
    assert "No space left to write out/training/state-" in ended.err
    assert "Traceback" not in ended.err
    assert contents(tmp_path) == {}


def test_catalogue_that_may_not_be_written_is_a_full_disk_where_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    library = Library.create(tmp_path / "library", tmp_path / "photos")

    def refused() -> None:
        with library._catalogue.transaction() as connection:
            connection.execute("PRAGMA query_only = 1")
            connection.execute("DELETE FROM meta")

    with pytest.raises(BadLibrary, match="cannot be read or written"):
        refused()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    with pytest.raises(NoSpace, match=r"No space left to write .*catalogue\.sqlite"):
        refused()
