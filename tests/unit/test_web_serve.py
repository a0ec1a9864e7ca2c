"""`captionret serve`: which libraries, for whom, and where."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest
import uvicorn
from mean_colour import MeanColour, picture
from typed import Call

from captionret.cli import serve
from captionret.errors import BadSetting
from captionret.library import Library
from captionret.web import serving, threads
from captionret.web.settings import Settings


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """What would be served."""
    found: list[Settings] = []
    monkeypatch.setattr(serving, "serve", lambda settings, started: found.append(settings))
    return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAPTIONRET_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def make_library(home: Path, name: str) -> Path:
    root = home / "pictures"
    picture(root / "red.png", "red")
    with Library.create(home / "data" / "libraries" / name, root) as library:
        library.update(root, MeanColour(), progress=False)
        return library.path


def test_every_library_with_a_name_is_served_and_a_damaged_one_is_left_out(
    call: Call, asked: list[Settings], home: Path
) -> None:
    whole, bad = make_library(home, "photos"), make_library(home, "broken")
    (bad / "catalogue.sqlite").write_bytes(b"no catalogue")
    done = call(serve)
    assert done.code == 0 and asked[0].libraries == (whole,)
    assert "broken is left out" in done.err


def test_options_say_who_may_ask_and_what_may_be_changed(
    call: Call, asked: list[Settings], home: Path
) -> None:
    make_library(home, "photos")
    call(
        serve,
        "--library",
        "photos",
        "--read-only",
        "--uploads",
        "added",
        "--host",
        "0.0.0.0",
        "--name",
        "pics",
    )
    (settings,) = asked
    assert settings.read_only and settings.uploads == "added"
    assert settings.token and "pics" in settings.hosts
    assert settings.token in settings.address(8000)


def test_threads_of_a_server_stand_in_nobodys_way_and_those_of_its_index_jobs_are_as_they_were(
    call: Call, asked: list[Settings], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "_set", set())
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "")  # so that it is as it was afterwards
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    make_library(home, "photos")
    assert call(serve, "--library", "photos").code == 0
    assert (os.environ["OPENBLAS_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"]) == ("1", "ACTIVE")
    alone = threads.environment_alone()
    assert "OPENBLAS_NUM_THREADS" not in alone and alone["OMP_WAIT_POLICY"] == "ACTIVE"


def test_what_cannot_be_served_is_refused(call: Call, asked: list[Settings], home: Path) -> None:
    assert call(serve, "--library", "none").code == 3
    make_library(home, "photos")
    for folder in ("../away", "/etc", ""):
        assert call(serve, "--library", "photos", "--uploads", folder).code == 2
    assert asked == []


@contextmanager
def running(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server's port; at the end of the block it is stopped, and has to end."""
    servers: list[uvicorn.Server] = []

    def noted(self: uvicorn.Server) -> nullcontext[None]:  # signals are for the main thread
        servers.append(self)
        return nullcontext()

    monkeypatch.setattr(uvicorn.Server, "capture_signals", noted)
    path, addresses = make_library(home, "photos"), Queue[str]()
    thread = Thread(target=serving.serve, args=(Settings((path,), port=0), addresses.put))
    thread.start()
    yield int(addresses.get(timeout=20).rstrip("/").rpartition(":")[2])
    servers[0].should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def test_a_connection_on_which_nothing_is_asked_is_closed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_IDLE", 0.3)
    with (
        running(home, monkeypatch) as port,
        socket.create_connection(("127.0.0.1", port), timeout=20) as idle,
    ):
        assert idle.recv(1) == b""


def test_a_client_that_never_ends_its_request_does_not_keep_the_server_from_stopping(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serving, "_TO_END", 0.1)
    sent = b"POST /api/query-pictures HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
    with ExitStack() as held, running(home, monkeypatch) as port:
        slow = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
        slow.sendall(sent + b"Content-Length: 1000\r\n\r\nsome of it")
        with socket.create_connection(("127.0.0.1", port), timeout=20) as other:
            other.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert other.recv(15) == b"HTTP/1.1 200 OK"  # so the slow one is being answered
    assert not any(record.exc_info for record in caplog.records)


def test_a_port_that_is_taken_is_named(home: Path) -> None:
    path = make_library(home, "photos")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadSetting, match=str(port)):
            serving.serve(Settings((path,), port=port), print)
