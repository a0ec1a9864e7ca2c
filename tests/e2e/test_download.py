"""download.sh against a server on the loopback address that behaves well, and badly."""

import hashlib
import io
import os
import re
import signal
import stat
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from captionret.datasets import open_dataset

SCRIPT = Path(__file__).parents[2] / "download.sh"
GLOVE = [f"glove.6B.{size}d.txt" for size in (50, 100, 200, 300)]


class Server(ThreadingHTTPServer):
    """Serves `files`; `requests` holds each request's path and Range header."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.ranges = True
        self.break_after: int | None = None  # drop the first connection after so many bytes
        self.breaks = 0
        self.hang = False  # send half, then nothing more
        self.slow = 0.0  # seconds before an answer

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        time.sleep(self.server.slow)
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.ranges else 0
        if start and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self._send(content[start:])

    def _send(self, content: bytes) -> None:
        if self.server.hang:
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            time.sleep(20)
        elif self.server.breaks or self.server.break_after is not None:
            self.wfile.write(content[: self.server.break_after])
            self.server.breaks = max(self.server.breaks - 1, 0)
            self.server.break_after = self.server.break_after if self.server.breaks else None
            self.close_connection = True
        else:
            self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class Shelf:
    """A folder to download into, a table of what there is, and the server that has it."""

    def __init__(self, root: Path, server: Server) -> None:
        self.root, self.server, self.table = root, server, root / "table"
        self.data = root / "the data"  # a blank in the path must do no harm
        self.table.touch()

    def offer(self, row: str, file: str, content: bytes, checksum: str | None = None, **sizes: int) -> None:
        """Put `content` on the server and a row "collection name folder take" in the table."""
        collection, name, folder, take = row.split()
        checksum = checksum or f"sha256:{hashlib.sha256(content).hexdigest()}"
        size, unpacked = sizes.get("size", len(content)), sizes.get("unpacked", len(content))
        self.server.files[f"/pub/{file}"] = content
        with self.table.open("a") as table:
            address = f"https://unreachable.invalid/pub/{file}"
            table.write(
                f"{collection} | {name} | {size} | {unpacked} | {checksum} | {address} | {folder} | {take} | "
                "A thing; free for all\n"
            )

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CAPTIONRET_MIRROR": self.server.address,
            "CAPTIONRET_DOWNLOAD_TABLE": str(self.table),
            "NO_PROXY": "127.0.0.1",
        }

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(SCRIPT), "--dir", str(self.data), *arguments]
        return subprocess.run(
            command, env={**self.environment(), **environment}, capture_output=True, text=True, timeout=60
        )

    def leftovers(self) -> list[str]:
        return sorted(
            path.name for path in self.data.iterdir() if path.is_file() or path.name.startswith(".")
        )


@pytest.fixture
def shelf(tmp_path: Path, server: Server) -> Shelf:
    return Shelf(tmp_path, server)


def archive(entries: dict[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()


def noise(size: int) -> bytes:
    return b"".join(hashlib.sha256(str(index).encode()).digest() for index in range(size // 32))


def test_list_needs_no_network_and_names_sizes_licences_addresses_and_places(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "CAPTIONRET_DOWNLOAD_TABLE": "",
        "CAPTIONRET_MIRROR": "",
        "http_proxy": "http://127.0.0.1:1",
        "https_proxy": "http://127.0.0.1:1",
    }
    done = subprocess.run(
        [SCRIPT, "--list", "--dir", str(tmp_path / "data")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and done.stderr == ""
    for expected in (
        "13.5 GB",
        "862 MB",
        "CC BY 4.0",
        "PDDL",
        "non-commercial",
        "http://images.cocodataset.org/zips/train2014.zip",
        "missing",
    ):
        assert expected in done.stdout
    places = (
        "coco/train2014",
        "coco/annotations",
        "flickr8k/Flicker8k_Dataset",
        "flickr8k/Flickr8k_text",
        "glove/glove.6B.300d.txt",
    )
    for place in places:
        assert f"{tmp_path}/data/{place}" in done.stdout
    assert not (tmp_path / "data").exists()


def test_every_backbone_is_the_file_that_torchvision_names() -> None:
    models = pytest.importorskip("torchvision.models")
    listed = dict(
        re.findall(r"^backbones \| (\w+) .* sha256:\w+ +\| (\S+)", SCRIPT.read_text(), re.MULTILINE)
    )
    published = {name: models.get_model_weights(name)["IMAGENET1K_V1"].url for name in listed}
    assert listed == published and len(listed) == 7


def test_an_unknown_name_lists_the_known_ones(shelf: Shelf) -> None:
    shelf.offer("glove glove.6B glove -", "a.txt", b"a")
    done = shelf.run("glov")
    assert done.returncode == 2
    assert "'glov'" in done.stderr and "glove, all" in done.stderr and "glove.6B" in done.stderr
    assert shelf.server.requests == []


@pytest.mark.parametrize("arguments", [[], ["--dri", "x"], ["--dir"]])
def test_wrong_usage_says_how_it_is_used(arguments: list[str]) -> None:
    done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "Usage: ./download.sh" in done.stderr


def offer_everything(shelf: Shelf) -> None:
    names = [f"{index}_ab.jpg" for index in range(3)]
    shelf.offer(
        "flickr8k photographs flickr8k Flicker8k_Dataset",
        "Flickr8k_Dataset.zip",
        archive({f"Flicker8k_Dataset/{name}": b"jpg" for name in names}),
    )
    text = archive(
        {
            "Flickr8k.token.txt": "".join(
                f"{name}#{index}\tA dog runs .\n" for name in names for index in range(5)
            ),
            "Flickr_8k.trainImages.txt": names[0] + "\n",
            "Flickr_8k.devImages.txt": names[1] + "\n",
            "Flickr_8k.testImages.txt": names[2] + "\n",
            "__MACOSX/._Flickr8k.token.txt": b"junk",
        }
    )
    shelf.offer(
        "flickr8k text flickr8k/Flickr8k_text .",
        "Flickr8k_text.zip",
        text,
        f"md5:{hashlib.md5(text).hexdigest()}",
    )
    shelf.offer(
        f"glove glove.6B glove {','.join(GLOVE)}", "glove.6B.zip", archive(dict.fromkeys(GLOVE, b"the 0.1"))
    )
    weights = noise(640)
    digits = hashlib.sha256(weights).hexdigest()[:8]
    shelf.offer("backbones resnet18 backbones -", f"resnet18-{digits}.pth", weights, f"sha256:{digits}")


def test_everything_ends_where_the_readers_look_for_it(shelf: Shelf) -> None:
    offer_everything(shelf)
    done = shelf.run("all")
    assert done.returncode == 0, done.stderr
    assert "A thing; free for all" in done.stderr
    assert open_dataset(f"flickr8k:{shelf.data}/flickr8k").splits() == {"train": 1, "val": 1, "test": 1}
    assert sorted(path.name for path in (shelf.data / "glove").iterdir()) == sorted(GLOVE)
    assert [path.read_bytes() for path in (shelf.data / "backbones").iterdir()] == [noise(640)]
    assert not list((shelf.data / "flickr8k/Flickr8k_text").glob("*MACOSX*"))
    assert shelf.leftovers() == []
    assert f"{shelf.data}/flickr8k/Flickr8k_text" in done.stdout.splitlines()


def test_a_second_run_fetches_nothing(shelf: Shelf) -> None:
    offer_everything(shelf)
    assert shelf.run("all").returncode == 0
    shelf.server.requests.clear()
    done = shelf.run("all")
    assert done.returncode == 0 and shelf.server.requests == []
    assert done.stderr.count("already there") == 4
    assert "missing" not in shelf.run("--list").stdout


def test_a_single_file_can_be_asked_for_by_its_name(shelf: Shelf) -> None:
    offer_everything(shelf)
    assert shelf.run("text").returncode == 0
    assert [path for path, _ in shelf.server.requests] == ["/pub/Flickr8k_text.zip"]


def test_what_is_already_there_is_not_written_over(shelf: Shelf) -> None:
    offer_everything(shelf)
    mine = shelf.data / "glove" / GLOVE[0]
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert shelf.run("glove").returncode == 0
    assert mine.read_text() == "mine"
    assert (mine.parent / GLOVE[3]).read_text() == "the 0.1"


def test_a_part_file_is_continued_by_a_range_request(shelf: Shelf) -> None:
    content = noise(64_000)
    shelf.offer("backbones net backbones -", "net.pth", content)
    shelf.data.mkdir()
    (shelf.data / "net.pth.part").write_bytes(content[:40_000])
    done = shelf.run("net")
    assert done.returncode == 0, done.stderr
    assert shelf.server.requests == [("/pub/net.pth", "bytes=40000-")]
    assert (shelf.data / "backbones/net.pth").read_bytes() == content
    assert shelf.leftovers() == []


def test_a_complete_part_file_is_used_as_it_is(shelf: Shelf) -> None:
    content = noise(6_400)
    shelf.offer("backbones net backbones -", "net.pth", content)
    shelf.data.mkdir()
    (shelf.data / "net.pth.part").write_bytes(content)
    done = shelf.run("net")
    assert done.returncode == 0, done.stderr
    assert (shelf.data / "backbones/net.pth").read_bytes() == content


def test_a_connection_that_drops_half_way_is_taken_up_again(shelf: Shelf) -> None:
    content = noise(64_000)
    shelf.offer("backbones net backbones -", "net.pth", content)
    shelf.server.break_after = 30_000
    done = shelf.run("net")
    assert done.returncode == 0, done.stderr
    assert shelf.server.requests == [("/pub/net.pth", None), ("/pub/net.pth", "bytes=30000-")]
    assert (shelf.data / "backbones/net.pth").read_bytes() == content


def test_a_server_without_ranges_is_read_from_the_beginning(shelf: Shelf) -> None:
    content = noise(64_000)
    shelf.offer("backbones net backbones -", "net.pth", content)
    shelf.server.ranges = False
    shelf.data.mkdir()
    (shelf.data / "net.pth.part").write_bytes(content[:100])
    done = shelf.run("net")
    assert done.returncode == 0, done.stderr
    assert "from the beginning" in done.stderr
    assert (shelf.data / "backbones/net.pth").read_bytes() == content


def test_a_stopped_download_goes_on_where_it_stopped(shelf: Shelf) -> None:
    content = noise(64_000)
    shelf.offer("backbones net backbones -", "net.pth", content)
    shelf.server.hang = True
    command = [str(SCRIPT), "net", "--dir", str(shelf.data)]
    running = subprocess.Popen(
        command, env=shelf.environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    part = shelf.data / "net.pth.part"
    deadline = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGTERM)  # what a terminal does on Ctrl-C: the whole group
    assert "Run again" in running.communicate(timeout=10)[1]
    assert running.returncode == 130
    kept = part.stat().st_size
    assert 0 < kept < len(content)
    shelf.server.hang = False
    assert shelf.run("net").returncode == 0
    assert shelf.server.requests[-1] == ("/pub/net.pth", f"bytes={kept}-")
    assert (shelf.data / "backbones/net.pth").read_bytes() == content


def test_a_wrong_file_is_refused_with_both_checksums(shelf: Shelf) -> None:
    content = b"<html>please log in</html>"
    expected = hashlib.sha256(b"the real one").hexdigest()
    shelf.offer("backbones net backbones -", "net.pth", content, f"sha256:{expected}")
    done = shelf.run("net")
    assert done.returncode == 3
    assert (
        expected in done.stderr
        and hashlib.sha256(content).hexdigest() in done.stderr
        and "run again" in done.stderr
    )
    assert not (shelf.data / "backbones").exists() and shelf.leftovers() == []


def test_a_missing_file_is_said_at_once(shelf: Shelf) -> None:
    shelf.offer("backbones net backbones -", "net.pth", b"x")
    shelf.server.files.clear()
    done = shelf.run("net")
    assert done.returncode == 3 and "/pub/net.pth answers 404" in done.stderr
    assert len(shelf.server.requests) == 1
    assert not (shelf.data / "backbones").exists()


def damaged(content: bytes) -> bytes:
    """An archive whose first entry's content no longer fits its CRC."""
    at = content.index(b"the 0.1")
    return content[:at] + b"THE" + content[at + 3 :]


def link(name: str, to: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(entry, to)
        file.writestr("words/a.txt", "a")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive({"words/a.txt": "the 0.1"})[:-30], "not a whole zip archive"),
        (damaged(archive({"words/a.txt": "the 0.1"})), "not a whole zip archive"),
        (archive({"other/a.txt": "a"}), "holds no words"),
        (archive({"words/a.txt": "a", "words/../../evil": "b"}), "evil"),
        (archive({"words/a.txt": "a", "/tmp/evil": "b"}), "evil"),
        (link("words/evil", "/etc"), "evil"),
    ],
    ids=["cut short", "flipped byte", "another archive", "path upwards", "absolute path", "link"],
)
def test_a_bad_archive_is_refused_and_nothing_is_unpacked(shelf: Shelf, content: bytes, message: str) -> None:
    shelf.offer("glove words glove words", "words.zip", content)
    done = shelf.run("words")
    assert done.returncode == 3
    assert (
        message in done.stderr
        and str(shelf.data / "words.zip.part") in done.stderr
        and "Traceback" not in done.stderr
    )
    assert not (shelf.data / "glove").exists() and not list(shelf.root.rglob("evil"))
    assert shelf.leftovers() == ["words.zip.part"]


def test_too_little_space_is_said_before_anything_is_fetched(shelf: Shelf) -> None:
    shelf.offer("glove words glove words", "words.zip", archive({"words/a.txt": "a"}), unpacked=10**17)
    done = shelf.run("words")
    assert done.returncode == 3
    assert "Not enough space" in done.stderr and "100000000.0 GB" in done.stderr and "--dir" in done.stderr
    assert shelf.server.requests == [] and list(shelf.data.iterdir()) == []


def test_a_download_that_breaks_twenty_times_and_gets_on_arrives_whole(shelf: Shelf) -> None:
    content = noise(2_400_000)
    shelf.offer("backbones net backbones -", "net.pth", content)
    shelf.server.breaks, shelf.server.break_after = 20, 110_000
    done = shelf.run("net", CAPTIONRET_DOWNLOAD_PAUSE="0")
    assert done.returncode == 0, done.stderr
    assert (shelf.data / "backbones/net.pth").read_bytes() == content
    assert len(shelf.server.requests) == 21 and shelf.leftovers() == []


def test_what_its_host_gives_to_nobody_is_named_and_comes_from_a_mirror(shelf: Shelf) -> None:
    content = archive({"f8k/f8k_train_caps.txt": "a dog\n"})
    shelf.offer("vse vse-f8k vse f8k", "f8k.zip", content)
    table = shelf.table.read_text().replace(f"sha256:{hashlib.sha256(content).hexdigest()}", "-")
    shelf.table.write_text(table.replace("https://", "none:https://"))
    shelf.offer("glove words glove -", "words.txt", b"dog")
    alone = shelf.run("vse-f8k", CAPTIONRET_MIRROR="")
    assert alone.returncode == 3 and "vse-f8k cannot be fetched: A thing; free for all" in alone.stderr
    assert "withheld" in shelf.run("--list", CAPTIONRET_MIRROR="").stdout
    done = shelf.run("all")
    assert done.returncode == 0, done.stderr
    assert (shelf.data / "vse/f8k/f8k_train_caps.txt").read_text() == "a dog\n"
    assert "none is published to compare it with" in done.stderr and shelf.leftovers() == []


def test_the_mirror_is_asked_for_the_published_path(shelf: Shelf) -> None:
    done = shelf.run("resnet18", CAPTIONRET_DOWNLOAD_TABLE="")
    assert done.returncode == 3
    assert shelf.server.requests == [("/models/resnet18-f37072fd.pth", None)]


def test_of_two_runs_at_once_one_fetches_and_the_other_waits_for_it(shelf: Shelf) -> None:
    content = noise(64_000)
    shelf.offer("glove words glove words", "words.zip", archive({"words/a.txt": content}))
    shelf.server.slow = 1.0
    command = [str(SCRIPT), "words", "--dir", str(shelf.data)]
    runs = [
        subprocess.Popen(command, env=shelf.environment(), stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [run.communicate(timeout=60)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    assert len(shelf.server.requests) == 1 and "Traceback" not in "".join(said)
    assert sum("another download.sh is fetching it" in text for text in said) == 2
    assert (shelf.data / "glove/words/a.txt").read_bytes() == content
    assert shelf.leftovers() == []


def test_a_lock_that_a_killed_run_left_behind_stops_nobody(shelf: Shelf) -> None:
    shelf.offer("backbones net backbones -", "net.pth", noise(640))
    shelf.data.mkdir()
    (shelf.data / ".net.pth.lock").touch()
    done = shelf.run("net")
    assert done.returncode == 0 and shelf.leftovers() == [], done.stderr


def test_a_folder_that_cannot_be_written_is_exit_3_and_named(shelf: Shelf) -> None:
    shelf.offer("backbones net backbones -", "net.pth", noise(640))
    shelf.data.write_text("a file in the folder's place")
    done = shelf.run("net")
    assert done.returncode == 3 and str(shelf.data) in done.stderr and "--dir" in done.stderr
    shelf.data.unlink()
    shelf.data.mkdir()
    (shelf.data / "backbones").write_text("in the way")
    done = shelf.run("net")
    assert done.returncode == 3 and "backbones" in done.stderr
    assert shelf.leftovers() == ["backbones", "net.pth.part"], "the download is kept"


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount of its own can be made by root alone")
def test_a_read_only_disk_is_exit_3_before_anything_is_fetched(shelf: Shelf) -> None:
    shelf.offer("backbones net backbones -", "net.pth", noise(640))
    shelf.data.mkdir()
    mounted = f'mount -t tmpfs -o ro none "{shelf.data}" && "{SCRIPT}" net --dir "{shelf.data}"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mounted],
        env=shelf.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip("nothing can be mounted here")
    assert done.returncode == 3 and "cannot be written to" in done.stderr
    assert shelf.server.requests == []
