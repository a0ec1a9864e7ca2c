"""The web application's filters by what files say, and its answers by date and in groups."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from mean_colour import Colours, MeanColour
from PIL import ExifTags, Image, PngImagePlugin
from starlette.testclient import TestClient

from captionret.app.searcher import Searcher
from captionret.library import Library
from captionret.web.application import create_app
from captionret.web.settings import Settings
from captionret.web.shelf import Shelf

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>garden</rdf:li>
</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""
# file, colour, day, lens, latitude north, keyword
PICTURES = [
    ("a/1.png", (30, 30, 220), "2020:05:01", "RF35mm", 48, True),
    ("a/2.png", (30, 30, 200), "2019:06:01", "RF35mm", 0, False),
    ("b/3.png", (220, 30, 30), "2020:05:01", "", 48, False),
    ("b/4.png", (30, 30, 210), "", "", 0, True),
    ("5.png", (30, 180, 30), "", "", 0, False),
]


def write(path: Path, colour: tuple[int, ...], day: str, lens: str, north: int, tagged: bool) -> None:
    exif, written = Image.Exif(), PngImagePlugin.PngInfo()
    taken = {ExifTags.Base.DateTimeOriginal: f"{day} 12:00:00"} if day else {}
    exif[ExifTags.IFD.Exif] = taken | ({ExifTags.Base.LensModel: lens} if lens else {})
    if north:
        place = {1: "N", 2: (float(north), 12.0, 30.0), 3: "E", 4: (16.0, 22.0, 26.0)}
        exif[ExifTags.IFD.GPSInfo] = place
    if tagged:
        written.add_itxt("XML:com.adobe.xmp", XMP)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), colour).save(path, exif=exif, pnginfo=written)


@pytest.fixture(scope="module", params=["kept", "read"])
def web(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """By the library's index, and without it."""
    folder = tmp_path_factory.mktemp("order")
    for name, *facts in PICTURES:
        write(folder / "photos" / name, *facts)  # type: ignore[arg-type]
    library = Library.create(folder / "library", folder / "photos")
    library.update(library.root, MeanColour(), progress=False)
    library.predict_words(Colours(), progress=False)
    if request.param == "read":
        library.without_index(None)
    searcher = Searcher(library, captioner=MeanColour(), predictor=Colours())
    app = create_app(Settings(cache=folder / "thumbnails"), Shelf({"photos": searcher}))
    return TestClient(app, base_url="http://127.0.0.1:8000")


def shown(web: TestClient, **query: str) -> list[str]:
    answer = web.get("/api/libraries/photos/search", params={"mode": "jaccard", **query})
    assert answer.status_code == 200, answer.text
    return [one["name"][0] for one in answer.json()["hits"]]


def groups(web: TestClient, **query: str) -> list[tuple[str, str]]:
    found = web.get("/api/libraries/photos/search", params={"mode": "jaccard", **query}).json()["hits"]
    return [(one["group"], one["name"][0]) for one in found]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"lens": "RF35mm"}, "12"),
        ({"keyword": "garden"}, "14"),
        ({"near": "48.21,16.37,5"}, "13"),
        ({"near": "48.21,16.37,5", "q": "blue"}, "1"),
        ({"lens": "rf35mm", "keyword": "garden"}, "1"),
    ],
)
def test_lens_keyword_and_place_limit_an_answer(
    web: TestClient, query: dict[str, str], expected: Sequence[str]
) -> None:
    assert sorted(shown(web, **query)) == sorted(expected)


def test_a_place_that_is_none_is_refused(web: TestClient) -> None:
    for place in ("here", "48", "48.2,16.4,5,6", "91,0"):
        answer = web.get("/api/libraries/photos/search", params={"near": place})
        assert answer.status_code in (400, 422), place


def test_the_library_knows_its_lenses_keywords_and_places_with_their_counts(web: TestClient) -> None:
    facts = web.get("/api/libraries/photos").json()
    assert facts["lenses"] == [{"name": "RF35mm", "pictures": 2}]
    assert facts["keywords"] == [{"name": "garden", "pictures": 2}]
    assert facts["months"] == [{"name": "2019-06", "pictures": 1}, {"name": "2020-05", "pictures": 2}]
    (place,) = facts["places"]
    assert (place["latitude"], place["longitude"], place["pictures"]) == (48.21, 16.37, 2)
    first = web.get("/api/libraries/photos/search", params={"under": "a"}).json()["hits"][0]["id"]
    facts = web.get(f"/api/libraries/photos/pictures/{first}").json()
    assert (facts["lens"], facts["keywords"]) == ("RF35mm", ["garden"])
    assert [round(one, 2) for one in facts["place"]] == [48.21, 16.37]
    near = f"{place['latitude']},{place['longitude']},{place['km']}"
    assert len(shown(web, near=near)) == place["pictures"]


def test_a_library_is_shown_by_day_the_newest_first_and_by_folder(web: TestClient) -> None:
    days = [("2020-05-01", "1"), ("2020-05-01", "3"), ("2019-06-01", "2"), ("no date", "5"), ("no date", "4")]
    assert groups(web, group="day") == days
    assert groups(web, group="folder") == [(".", "5"), ("a", "1"), ("a", "2"), ("b", "3"), ("b", "4")]
    assert "".join(shown(web, sort="date")) == "21354"
    assert "".join(shown(web, sort="newest")) == "13254"
    parts = [groups(web, group="day", offset=str(at), limit="2") for at in (0, 2, 4)]
    assert [one for part in parts for one in part] == days


def test_all_that_filters_leave_is_shown_in_the_order_that_is_asked_for(web: TestClient) -> None:
    assert groups(web, group="day", under="a") == [("2020-05-01", "1"), ("2019-06-01", "2")]
    assert "".join(shown(web, sort="date", since="2019")) == "213"
    assert "".join(shown(web, sort="newest", since="2019")) == "132"


def test_hits_are_shown_the_newest_first(web: TestClient) -> None:
    assert "".join(shown(web, q="blue", sort="newest")) == "124"
    days = [("2020-05-01", "1"), ("2019-06-01", "2"), ("no date", "4")]
    assert groups(web, q="blue", sort="newest", group="day") == days


def test_how_many_pictures_filters_leave_is_known(web: TestClient) -> None:
    ask = "/api/libraries/photos/search"
    for order in ({}, {"sort": "date"}, {"sort": "newest"}):
        answer = web.get(ask, params={"since": "2019", "limit": 1, **order}).json()
        assert (answer["fitting"], answer["more"], len(answer["hits"])) == (3, True, 1)
    assert web.get(ask, params={"q": "blue"}).json()["fitting"] is None


def test_hits_are_grouped_where_the_best_of_each_group_stands(web: TestClient) -> None:
    best = shown(web, q="blue")
    found = groups(web, q="blue", group="folder")
    assert sorted(name for _, name in found) == sorted(best) == ["1", "2", "4"]
    assert [name for name, _ in found] == ["a", "a", "b"] and found[0][1] == best[0]
    assert groups(web, q="blue", group="folder", offset="1", limit="1") == found[1:2]
