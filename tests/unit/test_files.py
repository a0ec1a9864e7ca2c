"""Publishing a file: what it leaves, and with which permissions."""

import os
import socket
import stat
import time
from pathlib import Path

import pytest

from captionret import files
from captionret.errors import BadDataset, BadSetting, NoSpace

on_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


@on_posix
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_published_file_has_the_permissions_that_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with files.publishing(tmp_path / "file") as file:
            file.write(b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o666 & ~umask


def test_publishing_never_changes_the_umask_which_belongs_to_all_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        os,
        "umask",
        lambda mask: pytest.fail("between two calls another thread would make files that anyone may write"),
    )
    with files.publishing(tmp_path / "file") as file:
        file.write(b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_an_exception_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(RuntimeError), files.publishing(tmp_path / "file") as file:
        file.write(b"half")
        raise RuntimeError
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


@on_posix
def test_a_link_stays_a_link_and_the_file_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(Path("there", "file"))
    (tmp_path / "chain").symlink_to("link")
    with files.publishing(tmp_path / "chain") as file:
        file.write(b"new")
    assert (tmp_path / "chain").is_symlink() and (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["file"]
    assert (tmp_path / "there" / "file").read_bytes() == b"new"


@on_posix
def test_a_link_to_a_file_that_is_not_there_yet_makes_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("later")
    files.publish_json(tmp_path / "link", 1)
    assert (tmp_path / "link").is_symlink() and files.read_json(tmp_path / "later") == 1


@on_posix
def test_links_in_a_circle_are_an_error_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError) as error:
        files.publish_json(tmp_path / "a", 1)
    assert error.value.filename == str(tmp_path / "a") and len(list(tmp_path.iterdir())) == 2


@on_posix
def test_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    for path in (Path("/dev/null"), tmp_path / "link"):
        files.publish_json(path, 1)
        with files.publishing(path) as file:
            file.write(b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode) and (tmp_path / "link").is_symlink()
    with pytest.raises(NoSpace, match="/dev/full"), files.publishing("/dev/full", "w") as file:
        file.write("x")


@pytest.mark.skipif(not hasattr(os, "mknod") or os.geteuid() != 0, reason="only root makes device nodes")
def test_a_device_node_in_a_folder_that_may_be_written_is_not_replaced(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        (tmp_path / "null").write_bytes(b"")
    except PermissionError:
        pytest.skip("device nodes cannot be made here")
    files.publish_json(tmp_path / "null", 1)
    assert stat.S_ISCHR((tmp_path / "null").stat().st_mode)


@on_posix
def test_pipes_and_sockets_are_refused_and_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name in ("pipe", "link", "socket"):
            with pytest.raises(BadSetting, match=f"{name} is a pipe or a socket, not a file"):
                files.publish_json(tmp_path / name, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe", "socket"]


def test_json_holds_every_text_and_gives_it_back(tmp_path: Path) -> None:
    value = {"café 犬": ["not utf-8 \udcff", "half \ud83d", '\\udc80 "quoted"\n', "\x1b[31m"]}
    files.publish_json(tmp_path / "file.json", value)
    assert files.read_json(tmp_path / "file.json") == value
    assert "café 犬" in (tmp_path / "file.json").read_text(encoding="utf-8")


def test_a_text_that_is_no_unicode_is_written_with_escapes(tmp_path: Path) -> None:
    with files.publishing(tmp_path / "card.md", "w") as file:
        file.write("made from pictures\udcff\n")
    assert (tmp_path / "card.md").read_bytes() == b"made from pictures\\udcff\n"


def test_a_byte_order_mark_before_json_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_bytes(b'\xef\xbb\xbf{"images": []}')
    assert files.read_json(tmp_path / "file.json") == {"images": []}


def test_a_file_that_is_held_open_for_a_moment_is_replaced_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where nothing can be done about folders either."""
    real, tries = os.replace, iter([False, False, True])

    def replace(source: Path, target: Path) -> None:
        if not next(tries):
            raise PermissionError(13, "held open")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(files, "_WINDOWS", True)
    files.publish_json(tmp_path / "file.json", 1)
    files.sync_directory(tmp_path / "not there")
    assert files.read_json(tmp_path / "file.json") == 1


@on_posix
def test_a_named_pipe_and_a_device_are_refused_where_a_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", Path("/dev/zero")):
        with pytest.raises(OSError, match="not a file"):
            files.content_of(path)
        with pytest.raises(BadDataset, match="a pipe or a device"):
            files.read_json(path)


@on_posix
def test_a_pipe_that_the_shell_made_is_read() -> None:
    read, write = os.pipe()
    os.write(write, b'{"a": 1}')
    os.close(write)
    assert files.read_json(f"/dev/fd/{read}") == {"a": 1}
    os.close(read)
