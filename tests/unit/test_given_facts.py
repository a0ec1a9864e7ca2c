"""Dates, places, lenses and keywords go out with every export that has room for them, and come back where a
picture's own file says nothing."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from mean_colour import MeanColour, picture
from typed import Call

from captionret import Library
from captionret.app.searching import search
from captionret.cli import import_captions as import_command
from captionret.exchange import export, import_captions, import_sidecars
from captionret.images.xmp import read
from captionret.records import Caption, GivenCaptions, GivenFacts, PictureFacts

KNOWN = PictureFacts(
    0,
    0,
    taken="2019-06-01T12:30:00",
    camera="Canon EOS R5",
    lens="Canon RF24-70mm",
    place=(48.25, -16.5),
    title='Am "See" & <mehr>',
    keywords=("Urlaub", "Rex, der Hund"),
)


@pytest.fixture
def photos(tmp_path: Path) -> Library:
    for colour in ("red", "green"):
        picture(tmp_path / "photos" / f"{colour}.png", colour)
    library = captioned(tmp_path / "photos", tmp_path / "library")
    assert library.add_facts([GivenFacts("red.png", None, KNOWN)]) == 1
    return library


def captioned(root: Path, folder: Path) -> Library:
    library = Library.create(folder, root)
    library.update(captioner=MeanColour())
    return library


def facts(library: Library) -> dict[str, PictureFacts | None]:
    return {one.path: one.exif for one in library}


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv", "coco", "webdataset"])
def test_facts_come_back_from_every_format(form: str, photos: Library, tmp_path: Path) -> None:
    export(photos, form, tmp_path / "out")
    other = captioned(photos.root, tmp_path / "other")
    assert import_captions(other, tmp_path / "out").facts == 1
    assert facts(other) == facts(photos)
    assert facts(other)["red.png"] == replace(KNOWN, width=16, height=16) == facts(photos)["red.png"]
    assert import_captions(other, tmp_path / "out").facts == 0
    assert [hit.path for hit in search(other, text="lens:RF24 keyword:Urlaub", mode="jaccard")] == ["red.png"]
    assert other.verify() == []


def test_what_a_picture_says_itself_stays(photos: Library) -> None:
    given = [GivenFacts("red.png", None, replace(KNOWN, lens="another", title="another"))]
    assert photos.add_facts([*given, GivenFacts("gone.png", "0" * 64, KNOWN)]) == 0
    more = GivenFacts(None, photos.gallery().hashes[0], PictureFacts(0, 0, camera="Pixel 7"))
    assert photos.add_facts([more]) == 1
    assert facts(photos)["green.png"] == PictureFacts(16, 16, camera="Pixel 7")


def test_tags_of_captions_are_keywords_too(photos: Library) -> None:
    tagged = Caption("a lawn", ("a", "lawn"), 0.0, ("Summer holiday", "Rex"))
    photos.add_captions("notes.csv", [GivenCaptions(f"{name}.png", (tagged,)) for name in ("red", "green")])

    def found(text: str) -> list[str]:
        return [hit.path for hit in search(photos, text=text, mode="jaccard")]

    assert found("keyword:holiday") == ["green.png", "red.png"]
    assert found("keyword:Urlaub") == ["red.png"]
    photos.set_caption("green.png", "our garden")
    assert found("keyword:rex garden") == ["green.png"]
    assert photos.gallery().row_sets.counts("keyword")["Rex"] == 2
    assert photos.verify() == []
    assert facts(photos)["red.png"] == replace(KNOWN, width=16, height=16)


def test_documents_and_sidecars_have_them_too(photos: Library, tmp_path: Path) -> None:
    export(photos, "trec", tmp_path / "trec")
    text = (tmp_path / "trec" / "documents.trec").read_text(encoding="utf-8")
    green, red = ElementTree.fromstring(f"<ALL>{text}</ALL>")
    assert (red.findtext("PLACE"), red.findtext("TITLE")) == ("48.25 -16.5", KNOWN.title)
    assert "Rex, der Hund" in str(red.findtext("TEXT")) and green.find("LENS") is None
    export(photos, "xmp", tmp_path / "xmp")
    assert read((tmp_path / "xmp" / "red.png.xmp").read_bytes()).subjects[:2] == KNOWN.keywords
    assert import_sidecars(photos, tmp_path / "xmp").reports[0].new == 0, "its own do not come back"


def test_nonsense_is_passed_over(photos: Library, tmp_path: Path) -> None:
    export(photos, "jsonl", tmp_path / "out")
    wrong: dict[str, Any] = {
        "path": "green.png",
        "taken": "yesterday",
        "camera": 7,
        "lens": "\x00",
        "title": [],
    }
    wrong |= {"latitude": 91, "longitude": "east", "keywords": [3, " "]}
    (tmp_path / "out" / "pictures.jsonl").write_text(f"{json.dumps(wrong)}\nno JSON\n7\n")
    assert import_captions(photos, tmp_path / "out").facts == 0
    coco = {
        "images": [{"id": 1, "file_name": "green.png", "lens": "RF"}],
        "annotations": [{"image_id": 1, "caption": "a door"}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    assert import_captions(photos, tmp_path / "coco.json").facts == 0, "not captionret's own"


def test_the_command_says_of_how_many_pictures(photos: Library, tmp_path: Path, call: Call) -> None:
    export(photos, "csv", tmp_path / "out")
    other = captioned(photos.root, tmp_path / "other")
    done = call(import_command, tmp_path / "out", "--library", other.path)
    assert "dates, places, keywords  new 1" in done.out
    again = call(import_command, tmp_path / "out", "--library", other.path, "--json")
    assert json.loads(again.out)["facts"] == 0
