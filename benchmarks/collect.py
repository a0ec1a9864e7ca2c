"""A data set collected from a server of this machine, and a large download that breaks again and again.

    python benchmarks/collect.py --data flickr8k:DIR
    python benchmarks/collect.py --pictures 100 --megabytes 20 --results FILE    # to try it

Of the pictures, 10 % are broken in known ways and 5 % are near-duplicates of others (smaller, JPEG quality
30, PNG, cropped by 3 %); what is kept must be exactly the good ones, each once. --data: photographs to take;
without it made-up pictures. `captionret collect` and download.sh run as people type them.
"""

import csv
import hashlib
import io
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from results import ROOT, markdown_table, parser, write_section

sys.path.insert(0, str(ROOT / "tests"))

from large_library import run
from photographs import encoded, photograph
from PIL import Image
from web_server import WebServer, page, redirect, refusal, serving

from captionret.datasets import open_dataset

BREAKS = 20
BROKEN = (
    "cut short",
    "half a file",
    "HTML",
    "empty",
    "gone",
    "tiny",
    "too large",
    "private",
    "scheme",
    "noise",
)


def photographs(spec: str | None, count: int) -> list[bytes]:
    """The files that are good."""
    if spec is None:
        return [encoded(photograph(number, (320, 240))) for number in range(count)]
    items = [item for item in open_dataset(spec).split("val") if item.path is not None][:count]
    if len(items) < count:
        sys.exit(f"{spec} has {len(items)} pictures in its split val, fewer than {count}.")
    return [item.path.read_bytes() for item in items if item.path is not None]


def alike(content: bytes, number: int) -> bytes:
    """A near-duplicate."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    width, height = image.size
    if number % 4 == 0:
        return encoded(image.resize((width * 2 // 3, height * 2 // 3)))
    if number % 4 == 1:
        return encoded(image, quality=30)
    if number % 4 == 2:
        return encoded(image, "PNG")
    edge = round(width * 0.015), round(height * 0.015)
    return encoded(image.crop((*edge, width - edge[0], height - edge[1])))


def broken(kind: str, content: bytes) -> bytes:
    """What a server answers where nothing good lies."""
    answers = {
        "cut short": b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + content[:2000],
        "half a file": page(content[: len(content) // 2], "image/jpeg"),
        "HTML": page(b"<!doctype html><p>Not here", "text/html"),
        "empty": page(b""),
        "gone": refusal(404),
        "tiny": page(encoded(photograph(1, (60, 40)))),
        "too large": page(b"\xff\xd8" + b"x" * 2_000_000),
        "private": redirect("http://169.254.169.254/latest/meta-data"),
        "scheme": redirect("file:///etc/passwd"),
        "noise": page(random.Random(1).randbytes(5000), "image/jpeg"),
    }
    return answers[kind]


def collected(server: WebServer, spec: str | None, count: int, folder: Path) -> list[list[object]]:
    """Collect the pictures; what was kept against what should be, and how long it took."""
    good = {f"/p/{n}.jpg": content for n, content in enumerate(photographs(spec, count * 85 // 100))}
    contents = [*good.values()]
    near = {f"/n/{n}.jpg": alike(contents[7 * n % len(contents)], n) for n in range(count * 5 // 100)}
    bad = {f"/b/{n}.jpg": BROKEN[n % len(BROKEN)] for n in range(count * 10 // 100)}
    server.answers |= {path: page(content, "image/jpeg") for path, content in (good | near).items()}
    server.answers |= {path: broken(kind, contents[0]) for path, kind in bad.items()}
    paths = [*good, *bad]
    random.Random(0).shuffle(paths)
    with open(folder / "list.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["url", "caption"])
        # near-duplicates come last, so that it is known which of the two is kept
        rows.writerows([server.url + path, f"a picture called {path[3:-4]}"] for path in [*paths, *near])
    typed = [
        "collect",
        "--urls",
        str(folder / "list.csv"),
        "--out",
        str(folder / "out"),
        "--private",
        "127.0.0.1",
    ]
    typed += ["--per-host", "1000", "--per-second", "1000", "--max-picture", "1500000", "--json", "-q"]
    seconds, cpu, peak = run([sys.executable, "-m", "captionret", *typed])
    with open(folder / "out" / "captions.csv", encoding="utf-8", newline="") as file:
        kept = [row["address"].removeprefix(server.url) for row in csv.DictReader(file)]
    files = [path for path in (folder / "out" / "pictures").iterdir() if path.suffix != ".tmp"]
    whole = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    exact = Counter(kept) == Counter(good.keys()) and whole == {
        hashlib.sha256(content).hexdigest() for content in good.values()
    }
    lines = (folder / "out" / "collect.jsonl").read_text("utf-8").splitlines()
    outcomes = Counter(json.loads(line)["outcome"] for line in lines)
    print(dict(outcomes), file=sys.stderr)
    return [
        ["pictures named", len(paths) + len(near)],
        ["good ones", len(good)],
        ["kept", len(kept)],
        ["exactly the good ones, each once", "yes" if exact else "NO"],
        ["near-duplicates left out", outcomes["near-duplicate"]],
        ["seconds", round(seconds, 1)],
        ["processor's seconds", round(cpu, 1)],
        ["peak MB", round(peak)],
    ]


def download(server: WebServer, megabytes: int, folder: Path) -> list[list[object]]:
    """Fetch one large file by download.sh over a connection that breaks BREAKS times."""
    content = random.Random(2).randbytes(megabytes * 1_000_000)
    each = len(content) // (BREAKS + 1) + 1
    ranges: list[int] = []

    def send(connection: socket.socket) -> None:
        noted = server.requests[-1].lower().partition("range: bytes=")[2].partition("-")[0]
        start = int(noted or 0)
        ranges.append(start)
        status = "206 Partial Content" if start else "200 OK"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(content) - start}\r\n"
        head += f"Content-Range: bytes {start}-{len(content) - 1}/{len(content)}\r\n" if start else ""
        connection.sendall(head.encode() + b"Accept-Ranges: bytes\r\n\r\n" + content[start : start + each])

    server.answers["/large.pth"] = send
    digest = hashlib.sha256(content).hexdigest()
    address = "http://x.invalid/large.pth"
    row = f"test | large | {len(content)} | 0 | sha256:{digest} | {address} | large | - | A file"
    (folder / "table").write_text(f"{row}\n", "utf-8")
    environment = os.environ | {
        "CAPTIONRET_MIRROR": server.url,
        "CAPTIONRET_DOWNLOAD_TABLE": str(folder / "table"),
        "NO_PROXY": "127.0.0.1",
        "CAPTIONRET_DOWNLOAD_PAUSE": "0",
    }
    began = time.perf_counter()
    done = subprocess.run(
        [str(ROOT / "download.sh"), "large", "--dir", str(folder / "data")], env=environment, check=False
    )
    seconds = time.perf_counter() - began
    file = folder / "data" / "large" / "large.pth"
    whole = done.returncode == 0 and hashlib.sha256(file.read_bytes()).hexdigest() == digest
    return [
        ["megabytes", megabytes],
        ["times that the connection broke", len(ranges) - 1],
        ["arrived whole", "yes" if whole else "NO"],
        ["seconds", round(seconds, 1)],
    ]


def main() -> None:
    """Measure both and write the section."""
    options = parser(__doc__)
    options.add_argument("--data", metavar="KIND:PATH", help="whose split val has the photographs")
    options.add_argument("--pictures", type=int, default=1000)
    options.add_argument("--megabytes", type=int, default=200)
    given = options.parse_args()
    with serving() as server, tempfile.TemporaryDirectory() as folder:
        pictures = collected(server, given.data, given.pictures, Path(folder))
        large = download(server, given.megabytes, Path(folder))
    body = (
        "A data set is collected by `captionret collect --urls` from a server of this machine: 10 % of the "
        f"pictures are broken ({', '.join(BROKEN)}), 5 % are near-duplicates.\n\n"
        f"{markdown_table(['collecting', ''], pictures)}\n\n"
        "A large file is fetched by `download.sh` over a connection that breaks 20 times.\n\n"
        f"{markdown_table(['download', ''], large)}"
    )
    command = f"python benchmarks/collect.py{' --data flickr8k:DIR' if given.data else ''}"
    write_section(given.results, "Collecting from the web", body, command)


if __name__ == "__main__":
    main()
