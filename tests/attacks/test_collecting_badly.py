"""What goes wrong while a data set is collected: certificates, servers that drip, full disks, Ctrl-C, hostile
names. A clear sentence, the rest goes on, nothing is lost."""

import errno
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from photographs import encoded, photograph
from typed import Call
from web_server import WebServer, page, serving

from captionret.cli import collect as collect_command
from captionret.collecting.candidates import Candidate
from captionret.collecting.collect import collect
from captionret.collecting.wanted import Wanted, listed
from captionret.errors import NoSpace, NotFetched
from captionret.fetching import Manners, Visitor, client
from captionret.fetching.visitor import Stopped

ROOT = Path(__file__).resolve().parents[2]
QUICK = Manners(
    per_second=1000, per_host=1000, first_wait=0.01, private=frozenset({"127.0.0.1", "localhost"})
)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving() as served:
        served.answers |= {f"/{n}.jpg": page(encoded(photograph(n))) for n in range(12)}
        yield served


def pictures(server: WebServer, count: int) -> Wanted:
    return Wanted("", listed([Candidate(f"{server.url}/{n}.jpg", (f"dog {n}",)) for n in range(count)]))


def test_a_certificate_that_nobody_vouches_for_is_refused_by_name(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, which makes a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)
        connection.close()

    serving_thread = threading.Thread(target=serve)
    serving_thread.start()
    address = f"https://localhost:{listener.getsockname()[1]}/1.jpg"
    with pytest.raises(NotFetched, match="its certificate is not to be trusted") as caught:
        Visitor(QUICK).get(address, robots=False)
    assert caught.value.kind == "certificate" and caught.value.for_now
    serving_thread.join(10)
    listener.close()


def test_a_server_that_drips_is_given_up_once_and_the_rest_goes_on(
    server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.05)

    monkeypatch.setattr(client, "MAX_SECONDS", 0.6)
    server.answers["/3.jpg"] = drip
    began = time.monotonic()
    done = collect([pictures(server, 6)], tmp_path, QUICK)
    assert done.outcomes == {"kept": 5, "for now": 1} and server.asked.count("/3.jpg") == 1
    assert time.monotonic() - began < 5


def test_a_full_disk_ends_the_run_with_its_name_and_keeps_what_is_there(
    server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect([pictures(server, 4)], tmp_path, QUICK)
    real = os.fsync

    def full(handle: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoSpace, match="No space left to write"):
        collect([pictures(server, 8)], tmp_path, QUICK)
    monkeypatch.setattr(os, "fsync", real)
    done = collect([pictures(server, 8)], tmp_path, QUICK)
    assert done.outcomes == {"kept": 8} and len(list((tmp_path / "pictures").iterdir())) == 8
    assert not list(tmp_path.rglob("*.tmp"))


def test_ctrl_c_ends_it_at_once_and_the_same_command_goes_on(server: WebServer, tmp_path: Path) -> None:
    server.answers |= {f"/{n}.jpg": lambda connection: time.sleep(20) for n in range(3, 12)}  # they hang
    (tmp_path / "list.txt").write_text(
        "".join(f"{server.url}/{n}.jpg\tdog {n}\n" for n in range(12)), "utf-8"
    )
    typed = [sys.executable, "-m", "captionret", "collect", "--urls", "list.txt", "--out", "mine"]
    typed += ["--private", "127.0.0.1", "--per-host", "6"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(typed, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "mine/collect.jsonl"
    until = time.monotonic() + 30
    while time.monotonic() < until and running.poll() is None:
        if journal.exists() and journal.read_bytes().count(b"kept") >= 2:
            break
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, shown = running.communicate(timeout=30)
    assert running.returncode == 130 and "Traceback" not in shown, shown
    assert time.monotonic() - began < 5
    rows = (tmp_path / "mine/captions.csv").read_text("utf-8").splitlines()
    assert 3 <= len(rows) < 12
    server.answers |= {f"/{n}.jpg": page(encoded(photograph(n))) for n in range(12)}
    from captionret.collecting.addresses_file import read_addresses

    again = Wanted("", listed(read_addresses(tmp_path / "list.txt")))
    assert collect([again], tmp_path / "mine", QUICK).outcomes == {"kept": 12}


def test_a_connection_that_is_made_while_a_run_ends_is_shut_at_once(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/1.jpg"] = lambda connection: time.sleep(3)  # it hangs
    visitor, connected = Visitor(QUICK), client._connected

    def stopped_meanwhile(*given: Any) -> socket.socket:
        visitor.stop()
        return connected(*given)

    monkeypatch.setattr(client, "_connected", stopped_meanwhile)
    began = time.monotonic()
    with pytest.raises(Stopped):
        visitor.get(f"{server.url}/1.jpg", robots=False)
    assert time.monotonic() - began < 2


def test_hostile_names_become_names_of_files_here(server: WebServer, tmp_path: Path) -> None:
    names = [
        "/..%2f..%2fetc%2fpasswd.jpg",
        "/%00.jpg",
        "/con.jpg",
        "/" + "a" * 2000 + ".jpg",
        "/%E7%8A%AC.jpg",
    ]
    server.answers |= {name: page(encoded(photograph(n))) for n, name in enumerate(names)}
    table = [Candidate(server.url + name, (f"dog {n}",), title="../../x") for n, name in enumerate(names)]
    done = collect([Wanted("../../犬\x1b[2J", listed(table), 9)], tmp_path / "mine", QUICK)
    assert done.outcomes == {"kept": 5}
    files = {path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*.jpg")}
    assert files == {("mine", "犬-2j")} and not list(tmp_path.glob("*.jpg"))


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("list.txt", "list.txt cannot be used"),
        ("list.txt/mine", "list.txt/mine cannot be used"),
        ("a" * 300, "cannot be used .File name too long"),
        ("mine", "mine/collect.jsonl cannot be used .Read-only file system"),
    ],
)
def test_a_folder_that_cannot_be_written_is_named_before_anything_is_asked_for(
    server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call, out: str, said: str
) -> None:
    list_file = tmp_path / "list.txt"
    list_file.write_text(f"{server.url}/1.jpg\tdog\n", "utf-8")
    real = open

    def read_only(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if str(file).endswith("collect.jsonl") and "r" not in mode:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(file))
        return real(file, mode, *rest, **named)

    monkeypatch.setattr("builtins.open", read_only)
    done = call(collect_command, "--urls", list_file, "--private", "127.0.0.1", "--out", tmp_path / out)
    assert done.code == 3 and re.search(said, done.err), done.err
    assert server.asked == []
