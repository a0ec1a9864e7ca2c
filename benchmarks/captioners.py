"""Captioners of other kinds: a server that takes its time, and three captioners in one library.

    python benchmarks/captioners.py --library photos

- 500 pictures through a server on this machine that answers after 200 ms, 8 at a time: seconds beside the
  ideal of 500 / 8 x 0.2 s.
- Of a copy of a library: what two further captioners add to the disk beside the text of their captions, how
  long an update with nothing new takes, and how long a search takes by each captioner.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image
from results import ROOT, markdown_table, write_section

from captionret.app.loading.captioners import bring_up_to_date
from captionret.app.models import Library
from captionret.app.places import find_library
from captionret.captioners import CaptionerOptions
from captionret.records import Caption, GivenCaptions

PICTURES, SECONDS, AT_ONCE = 500, 0.2, 8
TEXT = "a dog runs on the beach"
COMMAND = "python benchmarks/captioners.py --library photos"


class Server(ThreadingHTTPServer):
    """Answers every picture with the same sentence, after a while."""

    daemon_threads = True
    request_queue_size = 64


class Handler(BaseHTTPRequestHandler):
    """OpenAI's protocol, as much of it as is asked."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as servers do, so that an answer in two parts waits for nothing

    def do_POST(self) -> None:
        """One answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(SECONDS)
        content = json.dumps({"choices": [{"message": {"content": "a picture of something"}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


def through_a_server(folder: Path) -> tuple[float, float]:
    """Seconds for all pictures, and the least that they could take."""
    (folder / "photos").mkdir()
    for number in range(PICTURES):
        size = (640 + number % 25, 480 + number // 25)  # each another content
        Image.new("RGB", size, (90, 120, 150)).save(folder / "photos" / f"{number:03}.jpg")
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    spec = f"openai:http://127.0.0.1:{server.server_address[1]}/v1#see"
    with Library.create(folder / "served", folder / "photos") as library:
        bring_up_to_date(library, None, None)
        began = time.perf_counter()
        options = CaptionerOptions(concurrency=AT_ONCE)
        done = bring_up_to_date(library, None, None, [spec], options)
        took = time.perf_counter() - began
        assert done.captions[0].new == PICTURES, done
    server.shutdown()
    return took, PICTURES / AT_ONCE * SECONDS


def side_by_side(given: Path, folder: Path) -> list[list[object]]:
    """What further captioners cost a library, a row for each figure."""
    copy = Path(shutil.copytree(given, folder / "library"))
    with Library.open(copy) as library:
        library.snapshot()
        with library._catalogue._connection() as connection:  # so that no free page of an upgrade is filled
            connection.execute("VACUUM")
        listed = list(zip(library.gallery().paths, library.gallery().captions, strict=True))
        library.snapshot(library.captioners[0].label)
    found: list[list[object]] = []
    for name in ("second", "third"):
        before = sizes(copy)
        rows = [GivenCaptions(path, (caption(f"{text} {name}"),)) for path, text in listed]
        text_bytes = sum(len(row.captions[0].text.encode()) for row in rows)
        with Library.open(copy) as library:
            library.add_captions(name, rows, whole=True)
        catalogue, _ = (after - old for after, old in zip(sizes(copy), before, strict=True))
        with Library.open(copy) as library:
            library.snapshot(name)
        index = sizes(copy)[1] - before[1]
        found.append([f"the {name} captioner: catalogue, times the text", catalogue / text_bytes, None])
        found.append([f"the {name} captioner: search index, times the text", index / text_bytes, None])
        whole = (catalogue + index) / text_bytes
        found.append([f"the {name} captioner: in all, times the text", whole, 1.4])
    nothing_new = command(["index", "--library", str(copy)])
    found.append(["three captioners, an update with nothing new, s", nothing_new, 3.0])
    search = ["search", "--library", str(copy), "--text", TEXT, "--mode", "jaccard"]
    for by in (None, "second", "third"):
        seconds = command([*search, *(() if by is None else ("--captions-by", by))])
        found.append([f"search from a new process by {by or 'the best'}, s", seconds, None])
    return found


def caption(text: str) -> Caption:
    """A text as a caption."""
    return Caption(text, tuple(text.split()), 0.0)


def sizes(folder: Path) -> tuple[int, int]:
    """Bytes of the catalogue and of the search index."""
    index = sum(file.stat().st_size for file in folder.glob("search-index*"))
    return (folder / "catalogue.sqlite").stat().st_size, index


def command(words: list[str]) -> float:
    """Seconds of a command, the best of three."""
    found = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "captionret", *words], check=True, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - began)
    return min(found)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--library", help="of which a copy is given two further captioners")
    options.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "RESULTS.md")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        took, ideal = through_a_server(Path(name))
        rows: list[list[object]] = [
            [
                f"{PICTURES} pictures through a server of {SECONDS} s, {AT_ONCE} at a time, s",
                took,
                1.2 * ideal,
            ]
        ]
        if given.library:
            rows += side_by_side(find_library(given.library), Path(name))
    note = (
        "Loaded is the mean number of processes that wanted a processor meanwhile: "
        f"{os.getloadavg()[0]:.1f}, of {os.cpu_count()} processors. The catalogue of the second captioner "
        "holds pages that the next one fills. The search index holds the captions that are shown, which "
        "those of the second one lengthen by a word; those of a captioner that is not shown are read "
        "from the catalogue, once in a process."
    )
    table = markdown_table(["what", "measured", "aimed at"], rows)
    write_section(given.results, "Captioners side by side", f"{note}\n\n{table}", COMMAND)


if __name__ == "__main__":
    main()
