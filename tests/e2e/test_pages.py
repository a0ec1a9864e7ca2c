"""The report in a real browser."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from captionret.records import Hit, Query
from captionret.report.page import SearchSection, TableSection, write_page

CHROMIUM = shutil.which("chromium")
OFFLINE = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def screenshot(page: Path, folder: Path, width: int, *options: str) -> np.ndarray:
    """The page as it looks, (1600, width, 3) uint8."""
    out = folder / "shot.png"
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        *OFFLINE,
        *options,
    ]
    command += [
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={width},1600",
        f"--screenshot={out}",
        page.as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(out) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture
def page(tmp_path: Path) -> Path:
    for name, colour in (("q.jpg", (250, 20, 20)), ("a.jpg", (20, 20, 250)), ("b.jpg", (20, 250, 20))):
        Image.new("RGB", (640, 480), colour).save(tmp_path / name, quality=95)
    hits = [
        Hit(1, 0.7, "a.jpg", "a blue dog", ("dog",)),
        Hit(2, 0.5, "b.jpg", "a green dog", ("dog",)),
        Hit(3, 0.2, "gone.jpg", "a dog"),
    ]
    search = SearchSection(
        "A dog", Query(tmp_path / "q.jpg"), "a red dog", ["a", "red", "dog"], hits, tmp_path
    )
    wide = TableSection("Wide", [f"a column {n}" for n in range(30)], [["x"] * 30])
    return write_page(tmp_path / "page.html", "Found", "", [search, wide])


def pixels(shot: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where the colour stands, (n, 2): row, column."""
    return np.argwhere(np.abs(shot.astype(int) - colour).max(-1) < 12)


def test_query_stands_left_of_its_hits_on_a_desk_and_above_them_on_a_phone(
    page: Path, tmp_path: Path
) -> None:
    desk, phone = (screenshot(page, tmp_path, width) for width in (1200, 500))
    for shot in (desk, phone):
        assert len(pixels(shot, (255, 229, 154))) > 500  # the marked words
    query, first, second = (pixels(desk, colour) for colour in ((250, 20, 20), (20, 20, 250), (20, 250, 20)))
    assert query[:, 1].max() < first[:, 1].min() and first[:, 1].max() < second[:, 1].min()
    query, first = (pixels(phone, colour) for colour in ((250, 20, 20), (20, 20, 250)))
    assert query[:, 0].max() < first[:, 0].min()


def test_page_is_dark_where_the_reader_prefers_dark(page: Path, tmp_path: Path) -> None:
    light = screenshot(page, tmp_path, 800)
    dark = screenshot(page, tmp_path, 800, "--blink-settings=preferredColorScheme=0")
    assert light[:, :5].mean() > 240 and dark[:, :5].mean() < 40
