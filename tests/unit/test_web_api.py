"""The web application's API, asked without a browser: answers, corrections, what is refused."""

import asyncio
import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mean_colour import Colours, MeanColour, made_library, picture
from PIL import Image
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient

from captionret.app.curating.words import PictureWord as CuratedWord
from captionret.app.loading import loaded
from captionret.app.loading.captioners import bring_up_to_date
from captionret.app.loading.loaded import Models
from captionret.app.searcher import Searcher
from captionret.errors import NoSpace
from captionret.library import Library
from captionret.records import Caption, GivenCaptions
from captionret.report.page import write_page
from captionret.web.adding import plain_name
from captionret.web.application import create_app
from captionret.web.describing import one_of_each
from captionret.web.guard import MOST_TEXT
from captionret.web.query_pictures import QueryPictures
from captionret.web.searching import Searching
from captionret.web.settings import Settings, is_own_address
from captionret.web.shelf import Shelf, Shelved

HERE = "http://127.0.0.1:8000"


def make_photos(folder: Path) -> Library:
    pictures: dict[str, tuple[str, int]] = {}
    for number, colour in enumerate(("red", "green", "blue", "blue", "white")):
        pictures[f"{'beach/' if colour == 'blue' else ''}{colour}-{number}.png"] = colour, number
    return made_library(folder, pictures, Colours())


def served(library: Library, **options: Any) -> TestClient:
    """The application for one library, without waiting for models."""
    settings = Settings(cache=library.path / "thumbnails", **options)
    searcher = Searcher(library, captioner=MeanColour(), predictor=Colours())
    return TestClient(
        create_app(settings, Shelf({"photos": searcher})), base_url=HERE, follow_redirects=False
    )


@pytest.fixture
def photos(tmp_path: Path) -> Library:
    return make_photos(tmp_path)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """For tests that change nothing."""
    return served(make_photos(tmp_path_factory.mktemp("web")))


@pytest.fixture
def changing(photos: Library) -> TestClient:
    return served(photos, uploads="added")


def found(web: TestClient, **query: object) -> list[dict[str, object]]:
    answer = web.get("/api/libraries/photos/search", params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    hits: list[dict[str, object]] = answer.json()["hits"]
    return hits


def id_of(web: TestClient, name: str) -> str:
    return next(str(one["id"]) for one in found(web) if str(one["name"]).startswith(name))


def png(colour: tuple[int, int, int]) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (20, 20), colour).save(content, "PNG")
    return content.getvalue()


def test_a_text_finds_pictures_with_their_words(web: TestClient) -> None:
    hits = found(web, q="blue", mode="words")
    assert {one["name"] for one in hits[:2]} == {"blue-2.png", "blue-3.png"}
    assert hits[0]["folder"] == "beach" and hits[0]["caption"] == "a plain blue picture"
    assert hits[0]["words"][0]["word"] == "blue"  # type: ignore[index]


def test_captions_of_a_file_alone_are_searched_and_said_to_be_its_own(tmp_path: Path) -> None:
    picture(tmp_path / "photos" / "a.png", "red")
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    bring_up_to_date(library, None, None)
    ours = Caption("our dog", ("our", "dog"), 0.0, ("holiday",))
    library.add_captions("notes.csv", [GivenCaptions("a.png", (ours,))])
    web = served(library)
    facts = web.get("/api/libraries/photos").json()
    assert facts["captioned_by"] == "notes.csv"
    assert facts["keywords"] == [{"name": "holiday", "pictures": 1}]
    assert [one["caption"] for one in found(web, q="dog keyword:holiday")] == ["our dog"]


def test_without_a_query_the_whole_library_is_shown_a_page_at_a_time(web: TestClient) -> None:
    first = web.get("/api/libraries/photos/search?limit=3").json()
    second = web.get("/api/libraries/photos/search?limit=3&offset=3").json()
    assert (len(first["hits"]), first["more"], len(second["hits"]), second["more"]) == (3, True, 2, False)
    assert not {one["id"] for one in first["hits"]} & {one["id"] for one in second["hits"]}


def test_pages_of_an_answer_are_its_hits_in_order(web: TestClient) -> None:
    whole = [one["id"] for one in found(web, q="plain picture", mode="jaccard")]
    parts = [found(web, q="plain picture", mode="jaccard", offset=at, limit=2) for at in (0, 2, 4)]
    assert [one["id"] for part in parts for one in part] == whole and len(whole) == 5


def test_a_picture_finds_its_like_and_not_itself(web: TestClient) -> None:
    blue = id_of(web, "blue-2")
    hits = found(web, image=blue, mode="cnn")
    assert hits[0]["name"] == "blue-3.png" and blue not in {one["id"] for one in hits}


def test_a_picture_that_is_sent_finds_its_like(web: TestClient) -> None:
    sent = web.post("/api/query-pictures", content=png((35, 30, 220)), headers={"Content-Type": "image/png"})
    hits = found(web, image=sent.json()["id"], mode="cnn")
    assert str(hits[0]["name"]).startswith("blue")
    for place in ("query-pictures", "libraries/photos/pictures"):
        shown = web.get(f"/api/{place}/{sent.json()['id']}/image")
        assert shown.headers["content-type"] == "image/jpeg"
    unknown = web.get("/api/libraries/photos/search", params={"image": "0" * 64})
    assert unknown.status_code == 404 and "Give it again" in unknown.json()["error"]


def test_liked_pictures_move_the_answer_and_disliked_ones_are_left_out(web: TestClient) -> None:
    red, blue = id_of(web, "red"), id_of(web, "blue-2")
    hits = found(web, q="plain", mode="jaccard", like=[blue], dislike=[red])
    assert str(hits[0]["name"]).startswith("blue") and red not in {one["id"] for one in hits}


def test_liked_pictures_alone_are_a_query(web: TestClient) -> None:
    assert found(web, like=[id_of(web, "blue-2")], mode="cnn")[0]["name"] == "blue-3.png"


def test_filters_limit_the_answer(web: TestClient) -> None:
    assert {one["folder"] for one in found(web, under="beach")} == {"beach"}
    assert found(web, q="plain", mode="jaccard", camera='"odd')[0:] == []


def test_nothing_fits_and_near_words_are_offered(web: TestClient) -> None:
    answer = web.get("/api/libraries/photos/search?q=blu&mode=words").json()
    shown = web.get("/api/libraries/photos/words?prefix=bl").json()
    assert shown["words"][0] == {"word": "blue", "pictures": 3}
    assert answer["hits"] or "blue" in answer["nearest"]


def test_a_query_that_cannot_be_read_is_refused_with_its_place(web: TestClient) -> None:
    answer = web.get("/api/libraries/photos/search", params={"q": "(dog"})
    assert answer.status_code == 400 and "^" in answer.json()["error"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """A library with captions of a file beside those of its captioner."""
    library = make_photos(tmp_path_factory.mktemp("told"))
    caption = Caption("our old zebra", ("our", "old", "zebra"), 0.0)
    library.add_captions("notes.csv", [GivenCaptions("red-0.png", (caption,))])
    return served(library)


def test_captions_of_one_captioner_are_searched_and_shown_by_its_name(told: TestClient) -> None:
    known = told.get("/api/libraries").json()["libraries"][0]["captioners"]
    assert known == [{"name": "notes.csv", "kind": "file"}, {"name": "mean-colour", "kind": "model"}]
    assert [one["caption"] for one in found(told, q="zebra", mode="jaccard")] == ["our old zebra"]
    assert [one["caption"] for one in found(told, by="notes.csv")] == ["our old zebra"]
    assert found(told, q="zebra", mode="jaccard", by="mean-colour") == []
    assert len(found(told, q="plain", mode="jaccard", by="mean-colour")) == 5
    refused = told.get("/api/libraries/photos/search", params={"by": "nobody"})
    assert refused.status_code == 400 and "notes.csv, mean-colour" in refused.json()["error"]


def test_one_query_stands_side_by_side_by_mode_and_captioner(told: TestClient) -> None:
    columns = ["jaccard:mean-colour", "words:mean-colour", "clip"]
    answer = told.get("/api/libraries/photos/compare", params={"q": "blue", "column": columns}).json()
    assert [(one["mode"], one["by"]) for one in answer["columns"]] == [
        ("jaccard", "mean-colour"),
        ("words", "mean-colour"),
        ("clip", ""),
    ]
    assert answer["columns"][0]["hits"] and "clip" in answer["columns"][2]["problem"]
    assert answer["agreed"] == []
    both = told.get("/api/libraries/photos/compare", params={"q": "blue", "column": columns[:2]}).json()
    assert len(both["agreed"]) == 2 and both["different"] >= 2
    nobody = {"q": "blue", "column": ["words", "jaccard:nobody"]}
    refused = told.get("/api/libraries/photos/compare", params=nobody)
    assert refused.status_code == 400 and "no captions by nobody" in refused.json()["error"]
    for bad in (["words"], ["words"] * 2, ["words", "cnn", "auto", "jaccard", "embedding"]):
        place = "/api/libraries/photos/compare"
        assert told.get(place, params={"q": "x", "column": bad}).status_code in (400, 422)


def test_captioners_are_compared_in_figures(told: TestClient, web: TestClient) -> None:
    compared = told.get("/api/libraries/photos/captioners").json()
    assert [(one["name"], one["pictures"]) for one in compared["captioners"]] == [
        ("notes.csv", 1),
        ("mean-colour", 5),
    ]
    assert compared["disputed"][0]["captions"]["notes.csv"] == "our old zebra"
    scored = told.get("/api/libraries/photos/captioners?references=notes.csv").json()
    assert set(scored["captioners"][0]["scores"]) == {"bleu1", "bleu4", "rouge_l", "cider_d"}
    assert web.get("/api/libraries/photos/captioners").status_code == 400  # one alone


def test_what_is_near_to_a_picture_can_be_asked_for(web: TestClient) -> None:
    place = f"/api/libraries/photos/pictures/{id_of(web, 'blue-2')}/similar"
    assert web.get(place, params={"mode": "cnn"}).json()["hits"][0]["name"] == "blue-3.png"


def test_copies_of_a_picture_and_how_it_stands_among_others_are_known(photos: Library) -> None:
    shown = Image.frombytes("L", (8, 8), bytes(71 * number % 256 for number in range(64))).resize((240, 240))
    shown.save(photos.root / "sun.png")
    shown.resize((120, 120)).save(photos.root / "small-sun.jpg")
    photos.update(photos.root, MeanColour(), progress=False)
    web = served(photos)
    place = f"/api/libraries/photos/pictures/{id_of(web, 'sun')}"
    found = web.get(f"{place}/nearness").json()
    assert (found["pictures"], found["lists"]) == (0, None)  # too few for lists of ten
    assert [one["picture"]["name"] for one in found["copies"]] == ["small-sun.jpg"]
    assert found["copies"][0]["bits"] <= 8
    plain = web.get(f"/api/libraries/photos/pictures/{id_of(web, 'blue-2')}/nearness").json()
    assert plain["copies"] == []  # one colour is no copy of a like one, as captionret duplicates has it
    assert web.get(f"{place}/attention").json()["captioner"] == ""  # no network, nothing looked


def test_a_library_is_taken_along_as_an_archive(told: TestClient) -> None:
    assert "csv" in told.get("/api/libraries").json()["exports"]
    sent = told.get("/api/libraries/photos/export?format=csv")
    assert sent.headers["content-disposition"] == "attachment; filename*=UTF-8''photos-csv.zip"
    with zipfile.ZipFile(io.BytesIO(sent.content)) as packed:
        assert {"captions.csv", "pictures.csv", "export.json"} == set(packed.namelist())
        assert b"our old zebra" in packed.read("captions.csv")
    for bad in ("webdataset", "xmp", "../x"):
        assert told.get("/api/libraries/photos/export", params={"format": bad}).status_code == 400


def test_the_files_of_chosen_pictures_are_listed_in_the_order_of_choosing(photos: Library) -> None:
    web = served(photos)
    chosen = [id_of(web, "white"), id_of(web, "blue")]
    place = "/api/libraries/photos/files"
    found = web.get(place, params={"picture": [*chosen, "0" * 64]}).json()
    assert [one["id"] for one in found] == chosen  # one that is gone is left out
    assert found[1]["path"] == str(photos.root / "beach" / "blue-2.png") and "blue" in found[1]["caption"]
    assert web.get(place).status_code == 422


def test_reports_are_listed_and_shown_and_run_nothing(photos: Library, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    write_page(folder / "a" / "index.html", "Variants <compared>", "5 pictures", [])
    (folder / "other.html").write_text("<title>not ours</title>")
    (tmp_path / "secret.html").write_bytes((folder / "a" / "index.html").read_bytes())
    (folder / "link.html").symlink_to(tmp_path / "secret.html")
    web = served(photos, reports=(folder,))
    assert web.get("/api/libraries").json()["reports"]
    (one,) = web.get("/api/reports").json()
    assert (one["title"], one["lead"], one["folder"]) == ("Variants <compared>", "5 pictures", "reports/a")
    shown = web.get(one["place"])
    assert shown.headers["content-security-policy"].startswith("sandbox allow-same-origin; default-src")
    assert "script-src" not in shown.headers["content-security-policy"] and "Variants &lt;" in shown.text
    for bad in ("0/other.html", "0/link.html", "0/../secret.html", "0/%2e%2e/secret.html", "1/a/index.html"):
        assert web.get(f"/reports/{bad}").status_code == 404


def test_who_has_gone_away_before_the_turn_of_a_query_costs_nothing() -> None:
    class Asked(Request):
        gone = False

        async def is_disconnected(self) -> bool:
            return self.gone

    searching, request = Searching(QueryPictures(1)), Asked({"type": "http"})
    assert asyncio.run(searching.in_turn(request, lambda: "answered")) == "answered"
    request.gone = True
    with pytest.raises(HTTPException, match="Nobody waits"):
        asyncio.run(searching.in_turn(request, lambda: pytest.fail("asked in vain")))


def test_duplicates_are_looked_for_and_the_best_copy_comes_first(photos: Library) -> None:
    (photos.root / "again.png").write_bytes((photos.root / "red-0.png").read_bytes())
    photos.update(photos.root, MeanColour(), progress=False)
    web, until = served(photos), time.monotonic() + 60
    while (answer := web.get("/api/libraries/photos/duplicates").json())["state"] == "looking":
        assert time.monotonic() < until
        time.sleep(0.05)
    assert answer["state"] == "ready" and answer["every"] == len(answer["groups"])
    files = [one for group in answer["groups"] for one in group["files"]]
    same = [one for one in files if one["name"] in ("again.png", "red-0.png")]
    assert len(same) == 2 and len({one["id"] for one in same}) == 1 and same[0]["width"] == 16


def test_a_caption_that_a_person_writes_holds_at_once_and_can_be_taken_back(changing: TestClient) -> None:
    red = id_of(changing, "red")
    place = f"/api/libraries/photos/pictures/{red}"
    facts = changing.put(f"{place}/caption", json={"text": "our zebra Bella"}).json()
    assert facts["person"] and facts["captions"][0]["text"] == "our zebra Bella"
    assert [(one["name"], one["captions"][0]["text"]) for one in facts["others"]] == [
        ("mean-colour", "a plain red picture")
    ]
    (hit,) = found(changing, q="zebra", mode="words")
    assert hit["id"] == red
    assert [(one["word"], one["certain"]) for one in hit["words"]] == [("zebra", True)]  # type: ignore[attr-defined]
    assert [one["id"] for one in found(changing, q="zebra", mode="jaccard")] == [red]
    assert changing.delete(f"{place}/caption").json()["captions"][0]["text"] == "a plain red picture"
    assert found(changing, q="zebra", mode="jaccard") == []


def test_a_caption_that_somebody_changed_meanwhile_is_not_written_over_unseen(changing: TestClient) -> None:
    place = f"/api/libraries/photos/pictures/{id_of(changing, 'red')}/caption"
    seen = "a plain red picture"
    assert changing.put(place, json={"text": "our zebra", "before": seen}).status_code == 200
    refused = changing.put(place, json={"text": "an elephant", "before": seen})
    assert refused.status_code == 412 and "meanwhile, to “our zebra”." in refused.json()["error"]
    assert [one["caption"] for one in found(changing, q="zebra", mode="jaccard")] == ["our zebra"]
    assert changing.put(place, json={"text": "an elephant", "before": "our zebra"}).status_code == 200


def test_of_a_damaged_list_of_reviewed_pictures_only_what_is_damaged_is_lost(
    changing: TestClient, photos: Library
) -> None:
    colours = ("red", "green", "white")
    for colour in colours:
        changing.post(f"/api/libraries/photos/pictures/{id_of(changing, colour)}/accept")
    file = photos.path / "reviewed.txt"
    file.write_bytes(b"\xff" + file.read_bytes()[1:])
    assert changing.get("/api/libraries/photos/review").json()["reviewed"] == 2
    changing.post(f"/api/libraries/photos/pictures/{id_of(changing, 'blue')}/accept")
    assert changing.get("/api/libraries/photos/review").json()["reviewed"] == 3


def test_the_review_asks_for_each_caption_once(changing: TestClient) -> None:
    queue = changing.get("/api/libraries/photos/review").json()
    assert len(queue["items"]) == 5 and 0 < queue["items"][0]["sureness"] < 1
    first = queue["items"][0]["picture"]["id"]
    assert changing.post(f"/api/libraries/photos/pictures/{first}/accept").status_code == 204
    left = changing.get("/api/libraries/photos/review").json()
    assert left["reviewed"] == 1 and first not in {one["picture"]["id"] for one in left["items"]}


def test_thumbnails_are_kept_and_the_browser_asks_once(changing: TestClient, photos: Library) -> None:
    place = f"/api/libraries/photos/pictures/{id_of(changing, 'red')}/image"
    first = changing.get(place)
    small = Image.open(io.BytesIO(first.content))
    assert small.format == "JPEG" and "progressive" not in small.info  # browsers decode slower
    assert len(list((photos.path / "thumbnails").glob("*/*.jpg"))) == 1
    again = changing.get(place, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content


def test_thumbnails_are_shown_on_a_full_disk_and_one_that_was_cut_short_is_made_again(
    changing: TestClient, photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"/api/libraries/photos/pictures/{id_of(changing, 'red')}/image"
    with monkeypatch.context() as patched:
        patched.setattr("captionret.web.thumbnails.publishing", full_disk)
        assert changing.get(place).status_code == 200
    whole = changing.get(place).content
    (kept,) = (photos.path / "thumbnails").glob("*/*.jpg")
    for cut in (b"", whole[:100]):
        kept.write_bytes(cut)
        assert changing.get(place).content == whole == kept.read_bytes()


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    raise NoSpace(f"No space left to write {path}.")
    yield


def test_a_file_that_holds_another_picture_now_is_not_shown(changing: TestClient, photos: Library) -> None:
    red = id_of(changing, "red")
    picture(photos.root / "red-0.png", "yellow")
    assert changing.get(f"/api/libraries/photos/pictures/{red}/image").status_code == 400


def test_an_added_picture_is_written_captioned_and_found(changing: TestClient, photos: Library) -> None:
    content = png((20, 170, 40))
    answer = changing.post(
        "/api/libraries/photos/pictures?name=../../etc/<script>leaf.html",
        content=content,
        headers={"Content-Type": "image/png"},
    )
    assert answer.status_code == 200 and answer.json()["caption"] == "a plain green picture"
    (file,) = (photos.root / "added").iterdir()
    assert file.read_bytes() == content and file.suffix == ".png" and file.name.startswith("script_leaf-")
    assert answer.json()["id"] in {one["id"] for one in found(changing, q="green", mode="words")}


@pytest.mark.parametrize(
    "content", [b"", b"<svg onload='x'/>", b"GIF89a<script>", png((1, 2, 3))[:60]], ids=str
)
def test_what_is_no_whole_picture_is_not_written(
    changing: TestClient, photos: Library, content: bytes
) -> None:
    kind = {"Content-Type": "image/jpeg"}
    answer = changing.post("/api/libraries/photos/pictures?name=x.jpg", content=content, headers=kind)
    assert answer.status_code == 400 and not (photos.root / "added").exists()
    answer = changing.post("/api/query-pictures", content=content, headers=kind)
    assert answer.status_code == 400 and answer.json()["error"].startswith("Th")


def test_too_much_too_many_pixels_and_too_often_are_refused(photos: Library) -> None:
    web = served(photos, uploads="added", most_bytes=2000, most_pixels=399, uploads_a_minute=2)
    kind = {"Content-Type": "image/png"}
    place = "/api/libraries/photos/pictures?name=x.png"
    assert web.post(place, content=b"x" * 2001, headers=kind).status_code == 413
    assert web.post(place, content=png((9, 9, 9)), headers=kind).status_code == 400  # 400 pixels
    assert web.post(place, content=png((9, 9, 9)), headers=kind).status_code == 400
    assert web.post(place, content=png((9, 9, 9)), headers=kind).status_code == 429
    body = json.dumps({"text": "x" * MOST_TEXT})
    caption = f"/api/libraries/photos/pictures/{'0' * 64}/caption"
    sent = web.put(caption, content=body, headers={"Content-Type": "application/json"})
    assert sent.status_code == 413


def test_read_only_refuses_every_change_and_still_searches(photos: Library) -> None:
    web = served(photos, uploads="added", read_only=True)
    red = id_of(web, "red")
    place = f"/api/libraries/photos/pictures/{red}"
    kind = {"Content-Type": "image/png"}
    refused = [
        web.put(f"{place}/caption", json={"text": "x y"}),
        web.delete(f"{place}/caption"),
        web.post(f"{place}/accept"),
        web.post("/api/libraries/photos/pictures", content=png((1, 1, 1)), headers=kind),
        web.post("/api/libraries/photos/jobs"),
    ]
    assert {one.status_code for one in refused} == {403}
    assert web.get("/api/libraries").json()["libraries"][0]["writable"] is False


def test_an_index_job_tells_how_far_it_is_until_its_end(changing: TestClient) -> None:
    job = changing.post("/api/libraries/photos/jobs").json()
    assert changing.post("/api/libraries/photos/jobs").status_code == 400  # it runs already
    assert changing.post(f"/api/jobs/{job['id']}/pause").json()["state"] == "paused"
    assert changing.post(f"/api/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    with changing.stream("GET", f"/api/jobs/{job['id']}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        (line,) = [one for one in events.iter_lines() if one]
    assert json.loads(line.removeprefix("data: "))["state"] == "cancelled"
    assert changing.post(f"/api/jobs/{job['id']}/resume").status_code == 400
    assert changing.get("/api/jobs/none/events").status_code == 404


def test_a_job_that_fails_says_why(photos: Library) -> None:
    web = served(photos)
    job = web.post("/api/libraries/photos/jobs").json()  # nothing here loads a captioner called mean-colour
    until = time.monotonic() + 60
    while job["state"] == "running" and time.monotonic() < until:
        time.sleep(0.1)
        (job,) = web.get("/api/jobs").json()
    assert job["state"] == "failed" and "mean-colour" in job["message"]


def test_a_new_library_is_made_of_a_folder_below_a_root_and_of_no_other(
    photos: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPTIONRET_HOME", str(tmp_path / "home"))
    (tmp_path / "photos" / "away").symlink_to(tmp_path)
    web = served(photos, roots=(photos.root,))
    (root,) = web.get("/api/folders").json()["folders"]
    inside = [one["name"] for one in web.get("/api/folders?root=0").json()["folders"]]
    assert root["root"] == 0 and inside == ["beach"]
    for bad in ("..", "away", "/etc", "beach/../..", "none"):
        assert web.get("/api/folders", params={"root": 0, "inside": bad}).status_code == 404
        wanted = {"root": 0, "inside": bad, "name": "new"}
        assert web.post("/api/libraries", json=wanted).status_code == 404
    for name in ("../x", "gallery-x", "photos", ".x", "a/b"):
        wanted = {"root": 0, "inside": "beach", "name": name}
        assert web.post("/api/libraries", json=wanted).status_code == 400
    job = web.post("/api/libraries", json={"root": 0, "inside": "beach", "name": "sea"}).json()
    assert job["library"] == "sea" in [one["id"] for one in web.get("/api/libraries").json()["libraries"]]
    assert web.get("/api/libraries/sea/search?q=dog").json()["hits"] == []
    web.post(f"/api/jobs/{job['id']}/cancel")
    assert (tmp_path / "home/data/libraries/sea").is_dir()


def test_folders_that_no_disk_can_have_are_not_there(photos: Library, tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    web = served(photos, roots=(tmp_path,))
    for inside in ("a" * 1000, "circle", "circle/" + "a" * 300, "\0", ".."):
        answer = web.get("/api/folders", params={"root": 0, "inside": inside})
        assert (answer.status_code, answer.json()["error"]) == (404, "There is no such folder.")


def ask(web: TestClient, headers: dict[str, str], messages: list[dict[str, Any]]) -> list[int]:
    """What a picture that is sent is answered with, where the connection brings just these messages."""
    answered: list[int] = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": "POST",
        "path": "/api/query-pictures",
        "raw_path": b"/api/query-pictures",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    asyncio.run(web.app(scope, receive, send))  # type: ignore[arg-type]
    return answered


def test_who_vanishes_while_sending_is_no_defect_and_nobody_waits_for_what_is_too_much(
    web: TestClient,
) -> None:
    headers = {"host": "127.0.0.1", "content-type": "image/png"}
    part = {"type": "http.request", "body": b"\x89PNG", "more_body": True}
    assert ask(web, headers, [part, {"type": "http.disconnect"}]) == [400]
    assert ask(web, {**headers, "content-length": "5000000000"}, []) == [413]


def test_a_file_that_is_also_a_page_is_shown_as_a_picture_alone(web: TestClient) -> None:
    content = io.BytesIO()
    Image.new("RGB", (20, 20), (9, 200, 9)).save(content, "JPEG", comment=b"<script>alert(1)</script>")
    kind = {"Content-Type": "image/jpeg"}
    sent = web.post("/api/query-pictures", content=content.getvalue() + b"<html>", headers=kind).json()
    shown = web.get(f"/api/query-pictures/{sent['id']}/image")
    assert shown.headers["content-type"] == "image/jpeg" and b"<" not in shown.content[:40]
    assert b"script" not in shown.content and b"html" not in shown.content


def test_formats_that_browsers_do_not_know_are_shown(web: TestClient, tmp_path: Path) -> None:
    file = tmp_path / "q.tif"
    Image.new("CMYK", (20, 20), (0, 200, 9, 0)).save(file)
    kind = {"Content-Type": "image/tiff"}
    sent = web.post("/api/query-pictures", content=file.read_bytes(), headers=kind).json()
    shown = web.get(f"/api/query-pictures/{sent['id']}/image")
    assert Image.open(io.BytesIO(shown.content)).format == "JPEG"


def test_facts_of_library_and_picture_are_complete(web: TestClient) -> None:
    facts = web.get("/api/libraries/photos").json()
    assert facts["pictures"] == 5 and facts["folders"] == [{"name": "beach", "pictures": 2}]
    one = web.get(f"/api/libraries/photos/pictures/{id_of(web, 'blue-2')}").json()
    assert (one["width"], one["captioned_by"]) == (16, "mean-colour")
    assert {word["word"] for word in one["words"] if word["in_captions"]} == {"blue", "plain", "picture"}
    assert [caption["text"] for caption in one["captions"]] == ["a plain blue picture", "blue"]


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Host", "evil.example", 421),
        ("Host", "127.0.0.1.evil.example:8000", 421),
        ("Origin", "http://evil.example", 403),
        ("Origin", "null", 403),
        ("Sec-Fetch-Site", "cross-site", 403),
        ("Sec-Fetch-Site", "same-site", 403),
        ("Origin", HERE, 200),
        ("Host", "localhost:8000", 200),
    ],
)
def test_other_pages_and_other_names_are_refused(
    web: TestClient, header: str, value: str, status: int
) -> None:
    assert web.get("/api/libraries", headers={header: value}).status_code == status


def test_every_answer_forbids_the_browser_what_it_need_not(web: TestClient) -> None:
    for place in ("/", "/page/main.js", "/api/libraries", "/api/libraries/none", "/nowhere"):
        headers = web.get(place).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert headers["x-content-type-options"] == "nosniff" and "access-control-allow-origin" not in headers


def test_another_address_asks_for_a_token_once(photos: Library) -> None:
    settings_of = {"host": "192.0.2.7", "token": "sesame"}
    web = served(photos, **settings_of)
    assert web.get("/api/libraries").status_code == 401 == web.get("/").status_code
    assert web.get("/?token=wrong").status_code == 401
    entry = web.get("/?q=dog&token=sesame")
    assert (entry.status_code, entry.headers["location"]) == (303, "/?q=dog")
    cookie = entry.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert web.get("/api/libraries", headers={"Cookie": "captionret=sesame"}).status_code == 200
    assert web.get("/api/libraries", headers={"Authorization": "Bearer sesame"}).status_code == 200


def test_a_token_is_made_for_every_address_but_this_machines_own() -> None:
    assert Settings(host="0.0.0.0").token and Settings(host="192.0.2.7").token
    assert not Settings().token and not Settings(host="::1").token
    assert is_own_address("127.0.0.9") and not is_own_address("example.org")


@pytest.mark.parametrize("place", ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%00", "main.js%00.html"])
def test_no_path_leads_out_of_the_page(web: TestClient, place: str) -> None:
    for start in ("/page/", "/api/libraries/", "/api/libraries/photos/pictures/", "/"):
        answer = web.get(start + place)
        assert answer.status_code in (400, 404, 422) and "root:" not in answer.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../x.jpg", "x"),
        ("C:\\a\\CON.jpg", "CON"),
        (".htaccess", "htaccess"),
        ("\u202egnp.exe", "gnp"),
        ("", "picture"),
    ],
)
def test_names_of_added_files_are_plain(given: str, kept: str) -> None:
    assert plain_name(given) == kept


def test_the_page_writes_no_markup_and_asks_no_other_host() -> None:
    page = Path(__file__).parents[2] / "captionret" / "web" / "page"
    for file in page.iterdir():
        text = file.read_text("utf-8")
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            " style=",
        ):
            assert forbidden not in text, f"{file.name}: {forbidden}"
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text
    assert sum(file.stat().st_size for file in page.iterdir()) < 300_000


# --- before the first request ---


class OfAServer(MeanColour):
    """A captioner that would be asked over the network."""

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "captioner": "openai:http://127.0.0.1:9/some-model"}


@pytest.mark.parametrize("kind", [MeanColour, OfAServer])
def test_only_a_captioner_of_ours_captions_a_picture_before_one_is_sent(
    tmp_path: Path, kind: type[MeanColour]
) -> None:
    picture(tmp_path / "photos" / "red.png", "red")
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    library.update(library.root, kind(), progress=False)
    captioner = kind()
    shelved = Shelved("photos", Searcher(library, captioner=captioner, predictor=Colours()))
    if shelved.load_for_pictures():
        shelved.ask_by_a_picture()
    assert len(captioner.seen) == (kind is MeanColour)


def test_libraries_that_are_served_share_their_models(tmp_path: Path) -> None:
    folders = []
    for name in ("one", "two"):
        picture(tmp_path / name / "photos" / "red.png", "red")
        with Library.create(tmp_path / name / "library", tmp_path / name / "photos") as library:
            library.update(library.root, MeanColour(), progress=False)
        folders.append(tmp_path / name / "library")
    first, second = Shelf.of(Settings(tuple(folders)))
    assert first.searcher.models is second.searcher.models
    assert [one.searcher.library.path for one in (first, second)] == folders
    for one in (first, second):
        one.close()


def test_texts_are_answered_while_a_captioner_loads(monkeypatch: pytest.MonkeyPatch, photos: Library) -> None:
    found: list[bool] = []

    def load(*_: object) -> MeanColour:
        with ThreadPoolExecutor(1) as others:
            found.append(others.submit(models.lock.acquire, timeout=5).result())
        return MeanColour()

    models, made_by = Models(), photos.made_by
    monkeypatch.setattr(loaded, "captioner_of", load)
    assert made_by is not None
    models.captioner_for(made_by)
    assert found == [True]


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="this system does not say what is held")
def test_what_answers_read_of_word_probabilities_is_not_held(photos: Library) -> None:
    web = served(photos)
    for text in ("blue", "red"):  # every other answer gives back what both read
        assert found(web, q=text, mode="words")
    name, held = "", dict[str, int]()
    for line in Path("/proc/self/smaps").read_text("utf-8").splitlines():
        if re.match("[0-9a-f]+-", line):
            name = line.partition("/")[2]
        elif line.startswith("Rss:") and str(photos.path)[1:] in f"/{name}" and name.endswith(".part"):
            held[name] = held.get(name, 0) + int(line.split()[1])
    assert set(held.values()) == {0}


def test_words_that_name_the_very_same_classes_stand_once_on_a_pictures_page() -> None:
    found = [
        CuratedWord(word, 0.3, False, 0.0, (("collie", 0.3),)) for word in ("dog", "mammal", "mammalian")
    ]
    found += [replace(found[-1], in_captions=True)]
    assert [one.word for one in one_of_each(found)] == ["dog", "mammal", "mammalian"]
    assert one_of_each(found)[-1].in_captions
