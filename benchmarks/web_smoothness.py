"""Whether the page stutters: among 10,000 results, and over a map of 100,000 points.

    python benchmarks/web_smoothness.py
    python benchmarks/web_smoothness.py --pictures 2000 --points 5000 --results FILE   # to try it

A made-up library (see large_library.py) is served, and opened in headless Chromium, which draws without a
graphics card; made-up pictures have no vectors, so the map's points are random. Counted is the time from one
frame to the next while the wheel is turned: it scrolls through the results, when so many have come, and zooms
the map in and out.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results import markdown_table, parser, write_section
from web import made_with_words, serving

LATE = 50  # milliseconds; what takes longer is seen as a stutter
MOST = 5  # percent of frames that may be late
SECONDS = 6.0
WAIT, HEIGHT = 120, 250  # seconds in which results come; pixels of a row of four, at the least
FRAMES = """() => {
  window.frames = [];
  let last = performance.now();
  const next = (now) => { window.frames.push(now - last); last = now; requestAnimationFrame(next); };
  requestAnimationFrame(next);
}"""


def frames(page: Any, turn: Sequence[float], seconds: float) -> tuple[int, float, float, float]:
    """Frames, their median and longest in milliseconds, and how many percent are late.

    turn: how far the wheel turns each time, by turns
    """
    page.evaluate(FRAMES)
    for number in range(int(seconds * 20)):
        page.mouse.wheel(0, turn[number % len(turn)])
        page.wait_for_timeout(50)
    taken = np.array(page.evaluate("() => window.frames"))
    return len(taken), float(np.median(taken)), float(taken.max()), float(100 * (taken > LATE).mean())


def scrolled(page: Any, address: str, library: str, count: int) -> tuple[int, float, float, float]:
    """The frames of a person who scrolls back from the last of so many results."""
    page.goto(f"{address}/?lib={library}&q=a&mode=jaccard")
    page.locator("picture-card").first.wait_for()
    until = time.monotonic() + WAIT
    while page.evaluate("() => document.documentElement.scrollHeight") < count / 4 * HEIGHT:
        page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_timeout(30)
        if time.monotonic() > until:
            sys.exit(f"Not {count:,} results came in {WAIT} s.")
    page.mouse.move(600, 500)
    return frames(page, (-1500.0,), SECONDS)


def plain(page: Any, count: int) -> tuple[int, float, float, float]:
    """The same over a page that is nothing but so many drawn squares: what the browser itself can do here."""
    square = "<svg xmlns='http://www.w3.org/2000/svg' width='240' height='240' style='background:#789'></svg>"
    page.set_content(f"<div style='display:grid;grid-template-columns:repeat(4,1fr)'>{square * count}</div>")
    page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
    page.mouse.move(600, 500)
    page.wait_for_timeout(1000)
    return frames(page, (-1500.0,), SECONDS)


def mapped(page: Any, address: str, library: str, count: int) -> tuple[int, float, float, float]:
    """The frames of a person who zooms in and out over a map of so many points."""
    points = np.random.default_rng(1).integers(0, 2**16, (count, 2), np.uint16).astype("<u2").tobytes()
    page.route("**/map", lambda route: route.fulfill(body=points, content_type="application/octet-stream"))
    page.goto(f"{address}/library?lib={library}")
    page.locator("map-view canvas").first.wait_for()
    page.locator("map-view").first.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    page.locator("map-view canvas").first.hover()
    return frames(page, (-120.0, -120.0, -120.0, 120.0, 120.0, 120.0), SECONDS)


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

    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name, sync_playwright() as playwright:
        library = made_with_words(Path(name), given.pictures)
        with serving(library) as (address, _):
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            for what, of, count in (
                ("results", scrolled, min(10_000, given.pictures)),
                ("points on the map", mapped, given.points),
            ):
                rows.append(
                    [f"{count:,} {what}", *(round(one, 1) for one in of(page, address, library.name, count))]
                )
                print(*rows[-1], flush=True)
            count = min(10_000, given.pictures)
            rows.append(
                [f"{count:,} squares of a plain page", *(round(one, 1) for one in plain(page, count))]
            )
            print(*rows[-1], flush=True)
            browser.close()
    columns = ["what", "frames", "median, ms", "longest, ms", f"over {LATE} ms, %"]
    body = (
        f"{SECONDS:g} s of the wheel in headless Chromium, which shares the cores with the server. Aimed at: "
        f"at most {MOST} % of frames over {LATE} ms. The wheel turns 30,000 pixels a second over results, "
        f"and over as many squares without pictures.\n\n{markdown_table(columns, rows)}"
    )
    write_section(given.results, "Whether the page stutters", body, "python benchmarks/web_smoothness.py")
    return 0


if __name__ == "__main__":
    sys.exit(main())
