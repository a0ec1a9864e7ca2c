"""What picture files say about themselves: read once, kept by a library, asked for by filters; nonsense
counts as nothing."""

import io
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from mean_colour import MeanColour
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from captionret.app.searching import search
from captionret.errors import BadLibrary
from captionret.images import as_picture
from captionret.library import Library
from captionret.records import PictureFacts

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">At the lake</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>holiday</rdf:li><rdf:li>Rex</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
DATE, ZONE, LENS_MAKE, LENS = 0x9003, 0x9011, 0xA433, 0xA434


def tags(details: dict[int, object] | None = None, gps: dict[int, object] | None = None) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(details or {})
    exif.get_ifd(0x8825).update(gps or {})
    return exif


def jpeg(exif: Image.Exif, colour: str = "red", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(file, "JPEG", exif=exif, **options)
    return file.getvalue()


def at(latitude: object, longitude: object, north: object = "N", east: object = "E") -> Image.Exif:
    return tags(gps={1: north, 2: latitude, 3: east, 4: longitude})


def facts_of(content: bytes) -> PictureFacts:
    return as_picture(content).facts


def test_all_that_a_photograph_says_is_read() -> None:
    exif = at((48, 12, 30), (16, 22, IFDRational(255, 10)), "S", b"E\0")
    exif[0x010F], exif[0x0110], exif[0x0112] = "Canon", "EOS R5", 6
    exif.get_ifd(0x8769).update(
        {DATE: "2019:06:01 12:30:00", ZONE: "+02:00", LENS_MAKE: "Canon", LENS: "Canon RF24-70mm\0\0"}
    )
    assert facts_of(jpeg(exif, xmp=XMP)) == PictureFacts(
        *(30, 40, "2019-06-01T12:30:00", "Canon EOS R5"),
        zone="+02:00",
        lens="Canon RF24-70mm",
        orientation=6,
        place=(-48.208333, 16.373750),
        title="At the lake",
        keywords=("holiday", "Rex"),
    )


def test_title_and_keywords_of_windows_are_read() -> None:
    exif = tags()
    exif[0x9C9B], exif[0x9C9E] = ("Türme\0".encode("utf-16-le"), "eins; zwei;\0".encode("utf-16-le"))
    found = facts_of(jpeg(exif))
    assert (found.title, found.keywords) == ("Türme", ("eins", "zwei"))


@pytest.mark.parametrize(
    ("latitude", "longitude", "north"),
    [
        ((91, 0, 0), (16, 0, 0), "N"),
        ((48, 75, 0), (16, 0, 0), "N"),
        ((48, 0, 0), (181, 0, 0), "N"),
        ((0, 0, 0), (0, 0, 0), "N"),
        ((48, 0, 0), (16, 0, 0), "?"),
        ((48, 0, 0), (16, 0, 0), ""),
        ((IFDRational(1, 0), 0, 0), (16, 0, 0), "N"),
        (48, (16, 0, 0), "N"),
        ((48, 0), (16, 0, 0), "N"),
    ],
)
def test_a_place_that_is_none_is_left_out(latitude: object, longitude: object, north: str) -> None:
    assert facts_of(jpeg(at(latitude, longitude, north))).place is None


@pytest.mark.parametrize("zone", ["", "  :  ", "02:00", "+25:00", "+02:75", "\0"])
def test_a_time_zone_that_is_none_is_left_out(zone: str) -> None:
    found = facts_of(jpeg(tags({DATE: "2019:06:01 12:30:00", ZONE: zone})))
    assert (found.taken, found.zone) == ("2019-06-01T12:30:00", None)


def test_a_day_to_come_is_none_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert facts_of(jpeg(tags({DATE: "2999:06:01 12:30:00"}))).taken is None
    assert "taken on 2999-06-01, a day to come; it counts as undated" in caplog.text
    assert facts_of(jpeg(tags({DATE: "0001:01:01 00:00:00"}))).taken is None


@pytest.mark.filterwarnings("ignore")  # of Pillow
@pytest.mark.parametrize("seed", range(40))
def test_damaged_headers_cost_facts_and_nothing_else(seed: int) -> None:
    exif = at((48, 12, 30), (16, 22, 1))
    exif.get_ifd(0x8769).update({DATE: "2019:06:01 12:30:00", LENS: "a lens"})
    whole = bytearray(jpeg(exif, xmp=XMP))
    chosen = np.random.default_rng(seed)
    for place in chosen.integers(30, whole.index(b"</x:xmpmeta>"), 12).tolist():
        whole[place] = int(chosen.integers(256))
    try:
        Image.open(io.BytesIO(whole)).load()
    except (OSError, SyntaxError, ValueError):
        return  # no picture any more
    found = facts_of(bytes(whole))
    assert sorted((found.width, found.height)) == [30, 40]


@pytest.fixture
def photos(tmp_path: Path) -> Library:
    root = tmp_path / "photos"
    root.mkdir()
    lake = at((48, 12, 30), (16, 22, 30))
    lake.get_ifd(0x8769).update({DATE: "2019:06:01 12:30:00", ZONE: "+02:00", LENS: "RF24-70mm"})
    (root / "lake.jpg").write_bytes(jpeg(lake, "red", xmp=XMP))
    (root / "plain.jpg").write_bytes(jpeg(tags(), "blue"))
    library = Library.create(tmp_path / "library", root)
    library.update(captioner=MeanColour())
    return library


def found(library: Library, text: str) -> list[str]:
    return [hit.path for hit in search(library, text=text, mode="jaccard")]


def holds_all(library: Library) -> bool:
    facts = {one.path: one.exif for one in library}["lake.jpg"]
    assert facts is not None and facts.place == (48.208333, 16.375)
    assert (facts.zone, facts.lens, facts.title) == ("+02:00", "RF24-70mm", "At the lake")
    filters = ("lens:24-70", "keyword:rex", "title:lake", "near:48.2,16.4,5")
    return all(found(library, one) == ["lake.jpg"] for one in filters)


def test_library_keeps_facts_and_finds_pictures_by_them(photos: Library) -> None:
    assert holds_all(photos)
    row = photos.to_pandas().set_index("path").loc["lake.jpg"]
    assert (row["lens"], row["title"], row["keywords"]) == ("RF24-70mm", "At the lake", ("holiday", "Rex"))
    assert found(photos, "lens:canon") == []
    (note,) = search(photos, text="lens:canon", mode="jaccard").notes
    assert note == "No picture here has the lens 'canon'. Lenses here: RF24-70mm."
    (note,) = search(photos, text="near:0,1", mode="jaccard").notes
    assert note == "No picture here is known to be taken within 1 km of 0,1."


def test_library_of_format_3_is_given_the_further_facts_by_its_next_update(
    photos: Library, sqlite_of: Callable[[Library, str], None]
) -> None:
    sqlite_of(photos, "ALTER TABLE images DROP COLUMN exif; PRAGMA user_version = 3")
    for file in photos.path.glob("search-index*"):  # of an older format, too
        file.unlink()
    with Library.open(photos.path) as library:
        assert found(library, "lens:24-70") == []
        library.update(captioner=MeanColour())
        assert holds_all(library)
        assert library._catalogue.value("SELECT COUNT(*) FROM images WHERE exif IS NULL") == 0


@pytest.mark.parametrize("exif", ["no json", "[]", '{"place": [1]}', '{"lens": 7}', '{"keywords": "a"}'])
def test_damaged_facts_are_named(
    photos: Library, sqlite_of: Callable[[Library, str], None], exif: str
) -> None:
    sqlite_of(photos, f"UPDATE images SET exif = '{exif}' WHERE exif <> '{{}}'")
    for file in photos.path.glob("search-index*"):
        file.unlink()
    with Library.open(photos.path) as library, pytest.raises(BadLibrary, match=r"EXIF"):
        found(library, "red")


@pytest.fixture
def sqlite_of() -> Callable[[Library, str], None]:
    def run(library: Library, script: str) -> None:
        library.close()
        with closing(sqlite3.connect(library.path / "catalogue.sqlite")) as connection:
            connection.executescript(script)

    return run
