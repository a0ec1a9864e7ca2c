"""Writes the pictures of docs/web.md: the page as it is, over the sample photographs and drawn scenes.

python docs/web_pictures.py        # needs Chromium and Playwright, see requirements-dev.txt
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from captionret.datasets.samples import sample_gallery
from captionret.datasets.scenes import draw_scene, plan

DOCS = Path(__file__).resolve().parent
SCENES = 160
SHOTS: dict[
    str, tuple[str, Literal["light", "dark"], int, int, str]
] = {  # name: address, colours, width, height, what has to be there first
    "web-search": ("/?q=a car on a road", "light", 1280, 760, "picture-card .word"),
    "web-picture": ("/?q=coffee", "dark", 1280, 760, ".picture .word-list li"),
    "web-library": ("/library", "light", 1280, 760, ".word-bars a"),
    "web-phone": ("/?q=dog", "dark", 390, 760, "picture-card"),
}


def main() -> int:
    """Index the pictures into a library of its own, serve it, and take the pictures."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        tempfile.TemporaryDirectory() as name,
        serving(Path(name)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()  # a first query, so that the times on the pictures are those of any other
        page.goto(f"{address}/?q=a red car")
        page.locator("picture-card").first.wait_for()
        for shot, (place, colours, width, height, ready) in SHOTS.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=colours)
            page.goto(address + place)
            if shot == "web-picture":
                page.locator("picture-card").first.hover()
                page.locator("picture-card").first.get_by_label("All about this picture").click()
            page.locator(ready).first.wait_for()
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(700)
            page.screenshot(path=str(DOCS / f"{shot}.jpg"), type="jpeg", quality=82)
        browser.close()
    return 0


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server over a new library."""
    pictures = folder / "photographs"
    shutil.copytree(sample_gallery(), pictures)
    (pictures / "scenes").mkdir()
    for number, (_, scene) in enumerate(plan(0, SCENES)):
        drawn, *_ = draw_scene(scene, np.random.default_rng(number))
        drawn.save(pictures / "scenes" / f"{number:03d}.jpg", quality=90)
    environment = {**os.environ, "CAPTIONRET_HOME": str(folder), "PYTHONPATH": str(DOCS.parent)}
    command = [sys.executable, "-m", "captionret"]
    subprocess.run(
        [*command, "index", str(pictures), "--library", "photographs"], check=True, env=environment
    )
    server = [*command, "serve", "--library", "photographs", "--port", "0"]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().rstrip("/")
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
