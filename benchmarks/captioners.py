"""Captioners of other kinds: a server that takes its time, and three captioners in one library.

    python benchmarks/captioners.py --library photos

- 500 pictures through a server on this machine that answers after 200 ms, 8 at a time: seconds beside the
  ideal of 500 / 8 x 0.2 s.
- Of a copy of a library: what two further captioners, whose captions are as long as the first one's, add to
  the disk beside the text of their captions, how long an update with nothing new takes, and how long a search
  takes by each captioner. With --data, what captions by people add that are shown in their place.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image
from results import markdown_table, parser, write_section

from captionret.app.loading.captioners import bring_up_to_date
from captionret.app.models import Library
from captionret.app.places import find_library
from captionret.captioners import CaptionerOptions
from captionret.datasets import open_dataset
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


def side_by_side(given: Path, folder: Path, people: Mapping[str, str]) -> list[list[object]]:
    """What further captioners cost a library, a row for each figure. people: captions by a file's name"""
    copy = Path(shutil.copytree(given, folder / "library"))
    command(["index", "--library", str(copy)], 1)  # what an upgrade reads of the pictures
    with Library.open(copy) as library:
        library.snapshot()
        with library._catalogue._connection() as connection:  # so that no free page of an upgrade is filled
            connection.execute("VACUUM")
        listed = list(zip(library.gallery().paths, library.gallery().captions, strict=True))
        library.snapshot(library.captioners[0].label)
    found: list[list[object]] = []
    texts = [text for _, text in listed]
    for name, away in {"second": 1, "third": 2}.items():  # each says what the first says of another picture
        others = [*texts[away:], *texts[:away]]
        rows = {path: text for (path, _), text in zip(listed, others, strict=True)}
        found += added(copy, name, f"the {name} captioner", rows, 1.4)
    nothing_new = command(["index", "--library", str(copy)])
    found.append(["three captioners, an update with nothing new, s", nothing_new, 3.0])
    search = ["search", "--library", str(copy), "--text", TEXT, "--mode", "jaccard"]
    for by in (None, "second", "third"):
        seconds = command([*search, *(() if by is None else ("--captions-by", by))])
        found.append([f"search from a new process by {by or 'the best'}, s", seconds, None])
    if people:
        shown = {path: people[Path(path).name] for path, _ in listed if Path(path).name in people}
        found += added(copy, "fourth", "people as the fourth captioner", shown, None)
    return found


def added(
    folder: Path, name: str, who: str, texts: Mapping[str, str], bar: float | None
) -> list[list[object]]:
    """What the captions of one more captioner add to the disk; texts: by picture"""
    before = sizes(folder)
    with Library.open(folder) as library:
        library.add_captions(name, [GivenCaptions(path, (caption(one),)) for path, one in texts.items()])
    catalogue, _ = (after - old for after, old in zip(sizes(folder), before, strict=True))
    with Library.open(folder) as library:
        library.snapshot(name)
    index = sizes(folder)[1] - before[1]
    length = sum(len(one.encode()) for one in texts.values())
    return [
        [f"{who}: catalogue, times the text", catalogue / length, None],
        [f"{who}: search index, times the text", index / length, None],
        [f"{who}: in all, times the text", (catalogue + index) / length, bar],
    ]


def caption(text: str) -> Caption:
    """A text as a caption."""
    return Caption(text, tuple(text.split()), 0.0)


def by_people(data: str | None) -> dict[str, str]:
    """The first caption of each picture of a collection, by its name."""
    items = () if data is None else open_dataset(data).items
    return {item.path.name: item.captions[0] for item in items if item.path is not None}


def sizes(folder: Path) -> tuple[int, int]:
    """Bytes of the catalogue and of the search index."""
    index = sum(file.stat().st_size for file in folder.glob("search-index*"))
    return (folder / "catalogue.sqlite").stat().st_size, index


def command(words: list[str], times: int = 3) -> float:
    """Seconds of a command, the best of so many."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "captionret", *words], check=True, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - began)
    return min(found)


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--library", help="of which a copy is given two further captioners")
    options.add_argument("--data", help="a collection of the same pictures with captions by people")
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
            rows += side_by_side(find_library(given.library), Path(name), by_people(given.data))
    note = (
        "Loaded is the mean number of processes that wanted a processor meanwhile: "
        f"{os.getloadavg()[0]:.1f}, of {os.cpu_count()} processors. The second and the third captioner say "
        "of a picture what the first one says of another. The one search index holds the captions that are "
        "shown, the last ones that a file gave: it grows where these are longer or of more words, as those "
        "of people are, whatever number of captioners there is. Captions of a captioner that is not shown "
        "are read from the catalogue, once in a process."
    )
    table = markdown_table(["what", "measured", "aimed at"], rows)
    if given.library:
        write_section(given.results, "Captioners side by side", f"{note}\n\n{table}", COMMAND)
    else:  # what a library showed is kept
        write_section(given.results, "Captions by a server", table, COMMAND.partition(" --")[0])


if __name__ == "__main__":
    main()
