"""What Lighthouse says of the web application's pages: accessibility and best practices, of 100.

    python benchmarks/lighthouse.py
    python benchmarks/lighthouse.py --pages search picture --results FILE   # to try it

The sample photographs are served by `captionret serve`; Lighthouse, of npm, opens each page in headless
Chromium as on a phone. Nothing but this machine is asked. Where npm, Lighthouse or Chromium is missing it
says so and measures nothing.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from large_library import ENVIRONMENT
from results import markdown_table, parser, write_section

from captionret.datasets.samples import sample_gallery

PAGES = {
    "first": "/",
    "search": "/?q=motorcycle&show=folder",
    "picture": "/picture?id={picture}",
    "library": "/library",
    "compare": "/compare?q=motorcycle&modes=words&modes=jaccard",
    "duplicates": "/duplicates",
    "review": "/review",
    "add": "/add",
}
CATEGORIES = ("accessibility", "best-practices")
LIGHTHOUSE = ("npm", "exec", "--loglevel=error", "--yes", "--prefer-offline", "lighthouse@13", "--")


def missing() -> str:
    """Why nothing can be measured here; "" where something can."""
    if shutil.which("npm") is None:
        return "npm is not installed here"
    if chromium() is None:
        return "no Chromium is installed here"
    asked = subprocess.run([*LIGHTHOUSE, "--version"], capture_output=True, text=True, check=False)
    reason = (asked.stderr.strip().splitlines() or ["it cannot be started"])[-1]
    return "" if asked.returncode == 0 else f"npm does not have Lighthouse ({reason})"


def chromium() -> str | None:
    """Where a browser is that Lighthouse can open."""
    return shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, str]]:
    """The address of a server of the sample photographs, and the id of one of them."""
    photographs, library = folder / "photographs", folder / "library"
    shutil.copytree(sample_gallery(), photographs)
    command = [sys.executable, "-m", "captionret"]
    index = [*command, "index", str(photographs), "--library", str(library)]
    subprocess.run(index, check=True, capture_output=True, env=ENVIRONMENT)
    serve = [*command, "serve", "--library", str(library), "--port", "0", "--uploads", "added"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as server:
        assert server.stdout is not None
        try:
            address = server.stdout.readline().strip().rstrip("/")
            found = httpx.get(f"{address}/api/libraries/library/search", timeout=300)
            yield address, found.raise_for_status().json()["hits"][0]["id"]
        finally:
            server.terminate()


def judged(address: str, file: Path) -> tuple[dict[str, int], list[str]]:
    """The scores of a page by category, and what it lost points by."""
    options = [f"--only-categories={','.join(CATEGORIES)}", "--output=json", f"--output-path={file}"]
    flags = "--chrome-flags=--headless=new --no-sandbox"
    environment = os.environ | {"CHROME_PATH": chromium() or ""}
    subprocess.run([*LIGHTHOUSE, address, *options, flags, "--quiet"], check=True, env=environment)
    report = json.loads(file.read_text("utf-8"))
    scores = {name: round(100 * report["categories"][name]["score"]) for name in CATEGORIES}
    asked = {
        one["id"] for name in CATEGORIES for one in report["categories"][name]["auditRefs"] if one["weight"]
    }
    failed = [one["title"] for name, one in report["audits"].items() if name in asked and one["score"] == 0]
    return scores, failed


def main() -> int:
    """Open each page, and write the section of RESULTS.md; 1 where a page has less than 100."""
    options = parser(__doc__)
    options.add_argument("--pages", nargs="+", default=list(PAGES), choices=list(PAGES))
    given = options.parse_args()
    if reason := missing():
        print(f"Not measured: {reason}.", file=sys.stderr)
        return 0
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as (address, picture):
        for page in given.pages:
            scores, failed = judged(address + PAGES[page].format(picture=picture), Path(name) / "report.json")
            rows.append([page, *scores.values(), "; ".join(failed) or "–"])
            print(*rows[-1], flush=True)
    columns = ["page", *(name.replace("-", " ") for name in CATEGORIES), "what it lost points by"]
    body = f"Of 100, at which is aimed; as on a phone.\n\n{markdown_table(columns, rows)}"
    title, command = "The pages by Lighthouse", "python benchmarks/lighthouse.py"
    if given.pages != list(PAGES):
        title, command = f"{title}: {', '.join(given.pages)}", f"{command} --pages {' '.join(given.pages)}"
    write_section(given.results, title, body, command)
    return int(any(row[1:3] != [100, 100] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
