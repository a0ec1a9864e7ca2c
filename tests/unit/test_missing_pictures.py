"""COCO's annotations without its pictures: captions alone, and what is read is fetched where that is asked
for."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from photographs import encoded, photograph
from typed import Call
from web_server import WebServer, page, refusal, serving

from captionret import absent
from captionret.app.missing import brought, open_data
from captionret.cli import sample
from captionret.cli.training import parsed, run_facts, training_parser
from captionret.datasets import Dataset, open_dataset
from captionret.fetching import Manners
from captionret.files import sha256_of
from captionret.images import decoded_batches, open_image
from captionret.models.captioning.config import CaptionerConfig

QUICK = Manners(per_second=1000, per_host=1000, first_wait=0.01, private=frozenset({"127.0.0.1"}))


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving() as served:
        served.answers |= {f"/{n}.jpg": page(encoded(photograph(n))) for n in range(6)}
        yield served


@pytest.fixture
def coco(tmp_path: Path, server: WebServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Annotations of six pictures, one of them without an address, and none of the pictures."""
    monkeypatch.setenv("CAPTIONRET_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(absent, "_expected", {})
    images = [{"id": n, "file_name": f"../{n}.jpg", "coco_url": f"{server.url}/{n}.jpg"} for n in range(6)]
    del images[5]["coco_url"]
    captions = [{"id": n, "image_id": n, "caption": f"a dog no. {n}"} for n in range(6)]
    folder = tmp_path / "coco"
    (folder / "annotations").mkdir(parents=True)
    content = {"images": images, "annotations": captions}
    (folder / "annotations/captions_val2014.json").write_text(json.dumps(content), "utf-8")
    return folder


def test_captions_alone_are_read_and_nothing_is_fetched(coco: Path, server: WebServer) -> None:
    data = open_dataset(f"coco:{coco}")
    assert [item.captions for item in data.items] == [(f"a dog no. {n}",) for n in range(5)]
    assert all(item.path is None and item.split == "val" for item in data.items)
    assert "None of the 5 pictures is here: captions alone are read." in data.notes
    (coco / "val2014").mkdir()
    assert open_data(f"coco:{coco}").items == data.items and server.asked == []


def test_a_picture_is_fetched_when_it_is_read_and_kept(coco: Path, server: WebServer, tmp_path: Path) -> None:
    data = open_data(f"coco:{coco}", fetch_missing=True, manners=QUICK)
    assert len(data.items) == 5 and not server.asked and "alone" not in " ".join(data.notes)
    first, second = (item.path for item in data.items[:2])
    assert first and second and first.is_relative_to(tmp_path / "home")
    assert open_image(first).size == (160, 120) and len(sha256_of(second)) == 64
    assert server.asked == ["/robots.txt", "/0.jpg", "/1.jpg"]
    assert first.read_bytes() == encoded(photograph(0)) and not data.items[2].path.exists()  # type: ignore[union-attr]
    again = open_data(f"coco:{coco}", fetch_missing=True, manners=QUICK)
    open_image(again.items[0].path or "")
    assert server.asked.count("/0.jpg") == 1
    assert not list(coco.glob("**/*.jpg")), "the collection's own folder stays as it is"


def test_what_cannot_be_had_is_named_once_and_left_out(
    coco: Path, server: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers |= {"/2.jpg": refusal(404), "/3.jpg": page(b"<html>", "text/html")}
    items = open_data(f"coco:{coco}", fetch_missing=True, manners=QUICK).items
    assert [item.id for item in brought(items)] == ["0", "1", "4"]
    assert "2.jpg is not here and cannot be fetched" in caplog.text
    assert "2 pictures were left out" in caplog.text
    asked = len(server.asked)
    assert len(brought(items)) == 3 and len(server.asked) == asked
    missing = items[2].path
    assert missing and not missing.exists()


def test_the_pictures_that_are_here_are_not_fetched(coco: Path, server: WebServer) -> None:
    (coco / "images").mkdir()
    for n in (1, 2):
        (coco / f"images/{n}.jpg").write_bytes(b"")
    file = coco / "annotations/captions_val2014.json"
    file.write_text(file.read_text("utf-8").replace("../", ""), "utf-8")
    data = open_data(f"coco:{coco}", fetch_missing=True, manners=QUICK)
    assert [item.id for item in data.items] == ["1", "2", "0", "3", "4"] and not data.missing
    assert len(open_dataset(f"coco:{coco}").items) == 2


def test_a_command_fetches_what_it_writes(
    coco: Path, server: WebServer, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("captionret.app.missing.Manners", lambda *_, **__: QUICK)
    done = call(sample, f"coco:{coco}", "--count", 2, "--out", tmp_path / "few", "--fetch-missing")
    assert done.code == 0 and "images 2  captions 2  val 2" in done.out, done.err
    assert sum(path != "/robots.txt" for path in server.asked) == 2
    done = call(sample, f"coco:{coco}", "--count", 2, "--out", tmp_path / "none")
    assert done.code == 2 and "have no picture" in done.err


def test_a_training_reads_pictures_that_are_fetched(
    coco: Path, server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("captionret.app.missing.Manners", lambda *_, **__: QUICK)
    options = training_parser("train-captioner", "", usual="a row")

    def data(*typed: str) -> Dataset:
        given = parsed(options, [f"--data=coco:{coco}", f"--out={tmp_path / 'mine'}", *typed])
        found = run_facts(given, "mine", CaptionerConfig("resnet18"), "mine")["dataset"]
        assert isinstance(found, Dataset)
        return found

    assert {item.path for item in data().items} == {None}
    batches = decoded_batches([item.path or Path() for item in data("--fetch-missing").items], 64, 2)
    assert sum(len(batch.hashes) for batch in batches) == 5
    assert sum(path != "/robots.txt" for path in server.asked) == 5
