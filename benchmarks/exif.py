"""How long it takes until a library knows what its pictures say about themselves: date, camera, lens, place,
title and keywords, of pictures that it holds without these, as a library of an earlier release does.

    python benchmarks/exif.py
    python benchmarks/exif.py --count 200 --results FILE     # to try it

Bar: 10,000 pictures in under 60 s.
"""

import random
import tempfile
import time
from pathlib import Path

import numpy as np
from large_library import Grey
from PIL import Image
from results import markdown_table, parser, write_section

from captionret.library import Library

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Picture {number}</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>holiday</rdf:li><rdf:li>lake</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def photographs(folder: Path, count: int) -> None:
    """JPEGs as cameras write them, of 320 x 240 pixels."""
    chosen = random.Random(0)
    pixels = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    image = Image.fromarray(pixels).resize((160, 120)).resize((320, 240))
    for number in range(count):
        exif = Image.Exif()
        exif[0x010F], exif[0x0110], exif[0x0112] = "Canon", f"EOS R{number % 9}", 1
        day = f"{2000 + number % 25}:{number % 12 + 1:02d}:{number % 28 + 1:02d}"
        exif.get_ifd(0x8769).update(
            {0x9003: f"{day} 12:30:{number % 60:02d}", 0x9011: "+02:00", 0xA434: f"RF{number % 7}0mm"}
        )
        place = {1: "N", 2: (chosen.randint(0, 80), 12, 30), 3: "E", 4: (chosen.randint(0, 170), 22, 30)}
        exif.get_ifd(0x8825).update(place)
        xmp = XMP.format(number=number).encode()
        image.save(folder / f"{number:06d}.jpg", "JPEG", quality=80, exif=exif, xmp=xmp)


def main() -> None:
    """Make the pictures and the library, forget their facts, and read them."""
    options = parser(__doc__)
    options.add_argument("--count", type=int, default=10_000, metavar="N", help="(default: %(default)s)")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as made_in:
        folder = Path(made_in) / "pictures"
        folder.mkdir()
        photographs(folder, given.count)
        library = Library.create(Path(made_in) / "library", folder)
        library.update(captioner=Grey(), progress=False)
        with library._catalogue.transaction() as connection:
            connection.execute("UPDATE images SET width = NULL, height = NULL, taken = NULL, exif = NULL")
        began, processor = time.perf_counter(), time.process_time()
        library.update(captioner=Grey(), progress=False)
        seconds, processor = time.perf_counter() - began, time.process_time() - processor
        facts = [one.exif for one in library]
        whole = sum(one is not None and bool(one.lens and one.place and one.title) for one in facts)
        began = time.perf_counter()
        library.update(captioner=Grey(), progress=False)
        again = time.perf_counter() - began
    columns = ["pictures", "with all facts", "s", "processor's s", "next update, s"]
    row: list[object] = [given.count, whole, round(seconds, 1), round(processor, 1), round(again, 2)]
    body = "An update of a library that holds the pictures without these. Bar: 10,000 in under 60 s.\n\n"
    body += markdown_table(columns, [row])
    write_section(given.results, "What pictures say about themselves", body, "python benchmarks/exif.py")


if __name__ == "__main__":
    main()
