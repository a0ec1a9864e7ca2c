"""Whether the page stutters: among 10,000 results, and over a map of 100,000 points.

    python benchmarks/web_smoothness.py
    python benchmarks/web_smoothness.py --pictures 2000 --points 5000 --results FILE   # to try it

A made-up library (see large_library.py) is served, and opened in headless Chromium, which draws without a
graphics card; its pictures are the sample photographs in turn, and the map's points are random. Counted is
the time from one frame to the next while the wheel is turned: forwards as results come, back when all are
there, and over the map, which it zooms in and out. Pictures that fly past are not drawn: how often the window
shows such empty squares is counted, too.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from large_library import ENVIRONMENT
from PIL import Image
from results import markdown_table, parser, write_section
from web import made_with_words, serving

from captionret.datasets.samples import sample_gallery
from captionret.web.thumbnails import as_jpeg

LATE = 50  # milliseconds; what takes longer is seen as a stutter
MOST = 5  # percent of frames that may be late
SECONDS, TURNS = 6.0, 20  # how long the wheel is turned, and how often a second
WAIT, HEIGHT = 200, 250  # seconds in which results come; pixels of a row of four, at the least
SPEEDS = (2_000, 5_000, 30_000)  # pixels a second: reading on, looking for something, to the other end
# The time of each frame, and whether the window's upper or lower edge shows squares that are not drawn
FRAMES = """() => {
  const frames = (window.frames = []);
  let last = performance.now();
  const empty = () => [100, innerHeight - 20].some((y) => {
    const there = document.elementFromPoint(innerWidth / 3, y);
    return there?.closest(".folded") && !there.closest("picture-card");
  });
  const next = (now) => {
    if (window.frames !== frames) return; // counted anew
    frames.push([now - last, empty() ? 1 : 0]);
    last = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}"""


def frames(page: Any, turn: Sequence[float]) -> list[float]:
    """How many frames, their median and longest in milliseconds, how many percent are late, and how many
    show squares that are not drawn.

    turn: how far the wheel turns each time, by turns
    """
    page.evaluate(FRAMES)
    for number in range(int(SECONDS * TURNS)):
        page.mouse.wheel(0, turn[number % len(turn)])
        page.wait_for_timeout(1000 / TURNS)
    taken = np.array(page.evaluate("() => window.frames"))
    times, empty = taken[:, 0], taken[:, 1]
    late = 100 * float((times > LATE).mean())
    return [len(times), float(np.median(times)), float(times.max()), late, 100 * float(empty.mean())]


def opened(page: Any, address: str, library: str) -> None:
    """The results of a text that fits most pictures."""
    page.goto(f"{address}/?lib={library}&q=a&mode=jaccard")
    page.locator("picture-card").first.wait_for()
    page.mouse.move(600, 500)
    page.wait_for_timeout(1000)


def scrolled(page: Any, address: str, library: str, count: int) -> dict[str, list[float]]:
    """The frames of a person who scrolls on as results come, and back from the last of so many."""
    found = {}
    for speed in SPEEDS[:2]:
        opened(page, address, library)
        found[f"results as they come, {speed:,} pixels a second"] = frames(page, (speed / TURNS,))
    opened(page, address, library)
    until = time.monotonic() + WAIT
    while page.evaluate("() => document.documentElement.scrollHeight") < count / 4 * HEIGHT:
        page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_timeout(30)
        if time.monotonic() > until:
            sys.exit(f"Not {count:,} results came in {WAIT} s.")
    for speed in SPEEDS:
        page.wait_for_timeout(1000)
        found[f"back through {count:,} results, {speed:,} pixels a second"] = frames(page, (-speed / TURNS,))
    return found


def plain(page: Any, count: int) -> list[float]:
    """The same over a page that is nothing but so many drawn squares: what the browser itself can do here."""
    square = "<svg xmlns='http://www.w3.org/2000/svg' width='240' height='240' style='background:#789'></svg>"
    page.set_content(f"<div style='display:grid;grid-template-columns:repeat(4,1fr)'>{square * count}</div>")
    page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
    page.mouse.move(600, 500)
    page.wait_for_timeout(1000)
    return frames(page, (-SPEEDS[-1] / TURNS,))


def mapped(page: Any, address: str, library: str, count: int) -> list[float]:
    """The frames of a person who zooms in and out over a map of so many points."""
    points = np.random.default_rng(1).integers(0, 2**16, (count, 2), np.uint16).astype("<u2").tobytes()
    page.route("**/map", lambda route: route.fulfill(body=points, content_type="application/octet-stream"))
    page.goto(f"{address}/library?lib={library}")
    page.locator("map-view canvas").first.wait_for()
    page.locator("map-view").first.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    page.locator("map-view canvas").first.hover()
    return frames(page, (-120.0, -120.0, -120.0, 120.0, 120.0, 120.0))


def give_pictures(home: Path, count: int) -> None:
    """Let the made-up pictures be seen as the sample photographs, in turn: a thumbnail of each."""
    samples = sorted(sample_gallery().iterdir())
    contents = [as_jpeg(Image.open(one).convert("RGB"), "small") for one in samples]
    for number, content in zip(range(count), cycle(contents)):
        sha256 = hashlib.sha256(str(number).encode()).hexdigest()  # as made() names them
        place = home / "data" / "thumbnails" / sha256[:2] / f"{sha256}-small.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the section of RESULTS.md."""
    options = parser(__doc__)
    options.add_argument("--pictures", type=int, default=20_000)
    options.add_argument("--points", type=int, default=100_000)
    given = options.parse_args(arguments)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("Not measured: no Chromium is installed here.", file=sys.stderr)
        return 0
    from playwright.sync_api import sync_playwright

    count = min(10_000, given.pictures)
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name, sync_playwright() as playwright:
        library, home = made_with_words(Path(name), given.pictures), Path(name, "home")
        give_pictures(home, given.pictures)
        with serving(library, ENVIRONMENT | {"CAPTIONRET_HOME": str(home)}) as (address, _):
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            found |= scrolled(page, address, library.name, count)
            found[f"{given.points:,} points on the map"] = mapped(page, address, library.name, given.points)
            found[f"{count:,} squares of a plain page"] = plain(page, count)
            browser.close()
    rows = [[what, *(round(one, 1) for one in row)] for what, row in found.items()]
    columns = ["what", "frames", "median, ms", "longest, ms", f"over {LATE} ms, %", "squares not drawn, %"]
    body = (
        f"{SECONDS:g} s of the wheel in headless Chromium, which shares the cores with the server. Aimed at: "
        f"at most {MOST} % of frames over {LATE} ms. The wheel turns {SPEEDS[-1]:,} pixels a second over the "
        f"plain page. The last column: frames in which pictures at the window's edges are not drawn, which "
        f"is meant where the page flies past.\n\n{markdown_table(columns, rows)}"
    )
    print(body)
    write_section(given.results, "Whether the page stutters", body, "python benchmarks/web_smoothness.py")
    return 0


if __name__ == "__main__":
    sys.exit(main())
