"""Make report.png, the picture that the README begins with: words typed, and what they find among the sample
photographs. It takes a picture of the page with Chromium.

python docs/picture.py
"""

import subprocess
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

from captionret import Searcher
from captionret.app.result import SearchResult
from captionret.report.page import SearchSection, write_page

TYPED = ("a motorcycle beside a road", "coffee", "zebra")
WIDTH, HEIGHT = 1160, 1400
ALONE = "header, footer, h2 { display: none } section { border: 0; margin: 0; padding: 0.75rem 0 }"
BORDER = 24  # pixels around what is shown


def section(found: SearchResult) -> SearchSection:
    """The query at the left, its hits beside it."""
    note = " ".join(found.notes)
    return SearchSection("", found.asked, None, [], list(found), found.root, note)


def main() -> None:
    """Search, write the page, take its picture, and cut off what is empty."""
    with Searcher(None) as searcher:
        sections = [section(searcher.search(text=text, top=3)) for text in TYPED]
    with tempfile.TemporaryDirectory() as folder:
        page, shot = write_page(Path(folder) / "page.html", "", "", sections), Path(folder) / "page.png"
        text = page.read_text(encoding="utf-8").replace("</style>", f"{ALONE}</style>")
        page.write_text(text, encoding="utf-8")
        line = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", f"--screenshot={shot}"]
        subprocess.run([*line, f"--window-size={WIDTH},{HEIGHT}", page.as_uri()], check=True)
        with Image.open(shot) as taken:
            whole = taken.convert("RGB")
    empty = Image.new("RGB", whole.size, whole.getpixel((0, whole.height // 2)))
    left, top, right, bottom = ImageChops.difference(whole, empty).getbbox() or (0, 0, *whole.size)
    box = (max(0, left - BORDER), max(0, top - BORDER), right + BORDER, bottom + BORDER)
    whole.crop(box).save(Path(__file__).with_name("report.png"), optimize=True)


if __name__ == "__main__":
    main()
