"""The web application under load, and its page in a browser.

    python benchmarks/web.py
    python benchmarks/web.py --sizes 1000000 --parts load --seconds 15
    python benchmarks/web.py --sizes 1000 --seconds 3 --results FILE   # to try it

Made-up libraries with made-up word probabilities (see large_library.py, made_words.py) are served by
`captionret serve` in a process of its own and asked for different texts at 20 requests a second (part
"load"), then by 50 clients at once ("clients"). Made-up pictures have no vectors: mode auto compares words.
The page is measured in headless Chromium, where there is one ("page"). A picture that is sent is captioned by
the shipped captioner, over the sample photographs ("sent").
"""

import argparse
import asyncio
import io
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from large_library import ENVIRONMENT, captions, made
from made_words import add_words
from PIL import Image
from results import ROOT, markdown_table, parser, write_section

from captionret.datasets.samples import sample_gallery
from captionret.library import Library
from captionret.library.index.writing import write_index

RATE, CLIENTS = 20, 50  # requests a second; clients at once
STARTS = 5
PARTS = ("load", "clients", "page", "sent")
BARS = {100_000: 50, 1_000_000: 150}  # pictures -> milliseconds, the 95th percentile
MOST_MEMORY, MOST_GROWTH = 400, 50  # MB with 100,000 pictures; MB under load
MOST_PAGE = 300_000  # bytes
PAINT, KEY, DROP, SHIFT = 1.0, 0.15, 2.0, 0.05  # seconds, seconds, seconds, CLS


@contextmanager
def serving(library: Path, environment: Mapping[str, str] = ENVIRONMENT) -> Iterator[tuple[str, int]]:
    """The address of a server, and its process."""
    command = [sys.executable, "-m", "captionret", "serve", "--library", str(library), "--port", "0"]
    with subprocess.Popen(
        [*command, "--read-only"], stdout=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        try:
            address = server.stdout.readline().strip().rstrip("/")
            httpx.get(f"{address}/api/libraries", timeout=300).raise_for_status()
            yield address, server.pid
        finally:
            server.terminate()


def memory(process: int, kind: str = "VmRSS") -> float:
    """Megabytes that a process holds; 0 where the system does not say.

    kind: "RssFile": of mapped files, which the system takes back when others need it; "RssAnon": its own
    """
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return 0.0
    (line,) = (one for one in status.read_text().splitlines() if one.startswith(kind))
    return int(line.split()[1]) / 1024


def processor(process: int) -> float:
    """Seconds of a processor that a process has taken; 0 where the system does not say."""
    status = Path(f"/proc/{process}/stat")
    if not status.exists():
        return 0.0
    fields = status.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def texts(count: int) -> list[str]:
    """Beginnings of captions, each once, in no order."""
    found = sorted({" ".join(one.replace('"', "").split()[:6]) for one in captions(20_000)})
    random.Random(1).shuffle(found)
    return found[:count]


def counting(address: str, library: str) -> float:
    """Seconds until a new server has counted a library's words, which it does beside the first answers; then
    wait until it has loaded its models."""
    began = time.perf_counter()
    httpx.get(f"{address}/api/libraries/{library}/words", timeout=600).raise_for_status()
    counted = time.perf_counter() - began
    while httpx.get(f"{address}/api/libraries", timeout=60).json()["loading"]:
        time.sleep(0.1)
    return counted


async def asked(client: httpx.AsyncClient, library: str, text: str) -> float:
    """Seconds for one answer of 40 pictures."""
    began = time.perf_counter()
    answer = await client.get(f"/api/libraries/{library}/search", params={"q": text})
    answer.raise_for_status()
    return time.perf_counter() - began


async def at_a_rate(address: str, library: str, seconds: float) -> list[float]:
    """Each answer's seconds at RATE requests a second, whether earlier ones have been answered or not."""
    chosen = texts(int(RATE * seconds))
    async with httpx.AsyncClient(base_url=address, timeout=600) as client:
        await asked(client, library, "a photograph of a dog")
        began, waiting = time.perf_counter(), []
        for number, text in enumerate(chosen):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            waiting.append(asyncio.create_task(asked(client, library, text)))
        return list(await asyncio.gather(*waiting))


async def by_clients(address: str, library: str, seconds: float) -> int:
    """How many answers CLIENTS get, each asking as soon as it is answered."""
    chosen, until = texts(4000), time.perf_counter() + seconds
    limits = httpx.Limits(max_connections=CLIENTS)

    async def ask(client: httpx.AsyncClient, number: int) -> int:
        answers = 0
        while time.perf_counter() < until:
            await asked(client, library, chosen[(number * 79 + answers) % len(chosen)])
            answers += 1
        return answers

    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        return sum(await asyncio.gather(*(ask(client, number) for number in range(CLIENTS))))


def made_with_words(folder: Path, count: int) -> Path:
    """A library of so many pictures, with words and its index."""
    library = made(folder, count)
    assert write_index(library._catalogue), "the index was not written"
    library.close()
    with Library.open(library.path) as again:
        add_words(again)
    return Path(library.path)


def with_models(folder: Path) -> float:
    """Megabytes of a server of ten pictures after a query: of the programs and models that it has loaded."""
    library = made_with_words(folder, 10)
    with serving(library) as (address, process):
        asyncio.run(at_a_rate(address, library.name, 1))
        return memory(process)


def under_load(folder: Path, count: int, given: argparse.Namespace) -> dict[str, float]:
    """The figures of one size."""
    library = made_with_words(folder / str(count), count)
    models = with_models(folder / "ten")
    found: dict[str, float] = {}
    with serving(library) as (address, process):
        found["words counted after, s"] = counting(address, library.name)
        asyncio.run(at_a_rate(address, library.name, 1))
        if "load" in given.parts:
            used = processor(process)
            times = sorted(asyncio.run(at_a_rate(address, library.name, given.seconds)))
            used = processor(process) - used
            found["median, ms"] = 1000 * statistics.median(times)
            found["p95, ms"] = 1000 * times[int(0.95 * (len(times) - 1))]
            found["processor, ms an answer"] = 1000 * used / len(times)
            found |= {"memory, MB": memory(process), "without models, MB": memory(process) - models}
            found["of it files, MB"] = memory(process, "RssFile")
        if "clients" in given.parts:
            held = memory(process, "RssAnon")
            answers = asyncio.run(by_clients(address, library.name, given.seconds))
            found["50 clients, answers a second"] = answers / given.seconds
            found["memory more after them, MB"] = memory(process, "RssAnon") - held
        if "page" in given.parts:
            found |= in_browser(address, library.name)
    shutil.rmtree(library)
    return found


def in_browser(address: str, library: str) -> dict[str, float]:
    """What the page takes in headless Chromium; nothing where there is none."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return {}
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{address}/?lib={library}")
        page.locator(".welcome .chip-link").first.wait_for()
        page.wait_for_timeout(1000)
        shift, paint = page.evaluate(SHIFTED)
        page.locator("search-box input[type=search]").focus()
        keys = []
        for letter in "surf dog":
            page.evaluate(WATCH)
            page.keyboard.press("Space" if letter == " " else letter)
            keys.append(page.evaluate("() => window.answered"))
            page.wait_for_timeout(150)
        browser.close()
    seconds = sorted(one / 1000 for one in keys)
    return {"first paint, s": paint / 1000, "layout shift": shift, "keystroke, s": seconds[len(seconds) // 2]}


# the sum of all shifts so far, and the first paint
SHIFTED = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((seen) => {
    for (const one of seen.getEntries()) if (!one.hadRecentInput) sum += one.value;
  }).observe({ type: "layout-shift", buffered: true });
  const paint = performance.getEntriesByName("first-contentful-paint")[0].startTime;
  setTimeout(() => done([sum, paint]), 100);
})"""
# the milliseconds from the next key to the next answer on the page
WATCH = """() => {
  window.answered = new Promise((done) => {
    let began = 0;
    addEventListener("keydown", () => (began = performance.now()), { once: true, capture: true });
    const grid = document.querySelector("result-grid");
    const watcher = new MutationObserver(() => {
      watcher.disconnect();
      requestAnimationFrame(() => done(performance.now() - began));
    });
    watcher.observe(grid, { childList: true });
    setTimeout(() => done(5000), 5000);
  });
}"""


def dropped(folder: Path) -> tuple[float, float]:
    """Seconds from sending a picture to its answer: the first after a server's first text, and later ones; of
    STARTS servers the medians."""
    photographs = folder / "samples"
    shutil.copytree(sample_gallery(), photographs)
    index = [
        sys.executable,
        "-m",
        "captionret",
        "index",
        str(photographs),
        "--library",
        str(folder / "library"),
    ]
    subprocess.run(index, check=True, capture_output=True, env=ENVIRONMENT)
    first, later = [], []
    for _ in range(STARTS):
        one, *others = sent_to(folder / "library", photographs / "cat.png")
        first.append(one)
        later += others
    return statistics.median(first), statistics.median(later)


def sent_to(library: Path, picture: Path) -> list[float]:
    """The seconds of each of six pictures, sent to a new server when it has answered its first text."""
    times = []
    with serving(library) as (address, _), httpx.Client(base_url=address, timeout=120) as client:
        client.get("/api/libraries/library/search", params={"q": "a dog"}).raise_for_status()
        with Image.open(picture) as cat:
            for number in range(6):
                content = io.BytesIO()
                cat.convert("RGB").crop((number, 0, 300 + number, 280)).save(content, "JPEG")
                began = time.perf_counter()
                kind = {"Content-Type": "image/jpeg"}
                sent = client.post("/api/query-pictures", content=content.getvalue(), headers=kind).json()
                client.get("/api/libraries/library/search", params={"image": sent["id"]}).raise_for_status()
                times.append(time.perf_counter() - began)
    return times


def report(rows: dict[int, dict[str, float]], seconds: float, load: float) -> str:
    """The section's text about the libraries. load: of the machine by other programs, before anything was
    measured"""
    columns = list(next(iter(rows.values())))
    lines: list[list[object]] = [
        [count, *(round(row[key], 3) if key in row else None for key in columns)]
        for count, row in rows.items()
    ]
    bars = ", ".join(f"{bar} ms at {count:,}" for count, bar in BARS.items())
    others = f" with other programs (load {load:.1f} when it began)" if load > 0.5 else ""
    return (
        f"{RATE} requests a second for {seconds:g} s, mode auto over made-up words and captions, once a new "
        "server has counted the library's words and loaded its models, which it does beside the first "
        f"answers; who asks, and the browser, share the cores{others}. Aimed at: p95 {bars}; {MOST_MEMORY} "
        f"MB with 100,000 pictures, models not counted, at most {MOST_GROWTH} MB more under load; first "
        f"paint {PAINT:g} s, keystroke {KEY} s, layout shift {SHIFT}.\n\n"
        f"{markdown_table(['pictures', *columns], lines)}"
    )


def sent_and_size(folder: Path) -> str:
    """A sentence about pictures that are sent, and one about the page."""
    first, later = dropped(folder)
    page = sum(file.stat().st_size for file in (ROOT / "captionret" / "web" / "page").iterdir())
    return (
        f"A picture that is sent is answered in {later:.2f} s; one that is sent as soon as a new server has "
        f"answered its first text, and waits for the models, in {first:.2f} s (medians of {STARTS} servers; "
        f"aimed at: {DROP:g} s). The page without pictures: {page / 1000:.0f} kB "
        f"(aimed at: {MOST_PAGE / 1000:.0f} kB)."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the section of RESULTS.md."""
    options = parser(__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=[100_000], help="pictures")
    options.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    options.add_argument("--seconds", type=float, default=15.0, help="of each load")
    given = options.parse_args(arguments)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    texts: list[str] = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        if set(given.parts) - {"sent"}:
            rows = {count: under_load(Path(name), count, given) for count in given.sizes}
            texts.append(report(rows, given.seconds, load))
        if "sent" in given.parts:
            texts.append(sent_and_size(Path(name)))
    write_section(given.results, *_named(given, "\n\n".join(texts)))
    return 0


def _named(given: argparse.Namespace, text: str) -> tuple[str, str, str]:
    """The section of this run: its title, the text, the command."""
    command = "python benchmarks/web.py"
    if tuple(given.parts) == PARTS:
        return "The web application", text, command
    title = f"The web application: {', '.join(given.parts)}"
    if set(given.parts) - {"sent"}:
        sizes = [str(count) for count in given.sizes]
        title += f", {' and '.join(f'{count:,}' for count in given.sizes)} pictures"
        command += f" --sizes {' '.join(sizes)}"
    return title, text, f"{command} --parts {' '.join(given.parts)}"


if __name__ == "__main__":
    sys.exit(main())
