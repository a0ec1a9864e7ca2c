"""Captioners of other kinds: a server, a file, a plug-in; what they may answer, and what goes wrong."""

import json
import logging
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.client import HTTPConnection
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from caption_server import CaptionServer
from mean_colour import MeanColour, picture
from PIL import Image

from captionret.app.loading import loaded
from captionret.app.loading.captioners import bring_up_to_date
from captionret.app.measuring.described_split import library_split
from captionret.app.measuring.measured_split import usable_modes
from captionret.app.searcher import Searcher
from captionret.captioners import CaptionerOptions, StreamedCaptioner, make_captioner
from captionret.captioners.answers import NoAnswer, captions_of, plain
from captionret.captioners.given_file import FileCaptioner
from captionret.captioners.openai import OpenAICaptioner
from captionret.captioners.server import Server, Stopped
from captionret.errors import (
    BadDataset,
    BadImage,
    BadSetting,
    CaptionerAway,
    CaptionretError,
    UnknownName,
)
from captionret.images import Picture
from captionret.library import Library
from captionret.records import Caption, GivenCaptions, Item
from captionret.retrieval import MODES, EncodedQuery
from captionret.retrieval.language import parse
from captionret.testing import check_captioner

OPTIONS = CaptionerOptions(retries=2, timeout=5.0)


@pytest.fixture
def server() -> Iterator[CaptionServer]:
    one = CaptionServer()
    yield one
    one.close()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    for number in range(6):
        picture(tmp_path / "photos" / f"{number}.png", "red", shade=-number, size=20 + number)
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    library.update(captioner=MeanColour())
    return library


def captions(library: Library, by: str) -> dict[str, str]:
    gallery = library.snapshot(by).gallery()
    return dict(zip(gallery.paths, gallery.captions, strict=True))


def of(server: CaptionServer, options: CaptionerOptions = OPTIONS) -> StreamedCaptioner:
    captioner = make_captioner(f"openai:{server.address}#see-1", options)
    assert isinstance(captioner, StreamedCaptioner)
    return captioner


# --- answers ---


def test_answer_becomes_one_plain_line() -> None:
    assert (
        plain("**A dog** <b>runs</b>\n on\tgrass \x07\u202eand sand.", 60) == "A dog runs on grass and sand."
    )
    assert plain('"A dog."', 60) == "A dog."
    assert plain("<think>what is it?</think> a cat &amp; a dog", 60) == "a cat & a dog"
    assert len(plain("word " * 3_000, 60).split()) == 60
    for wrong in ("<!doctype html><html>", "x" * 30_000):
        with pytest.raises(NoAnswer):
            plain(wrong, 60)


def test_answer_without_a_word_is_none() -> None:
    wrong: list[Any] = ["", "  \n", "...", [], [" "], 7, None, [3]]
    for one in wrong:
        with pytest.raises(NoAnswer):
            captions_of(one, 60)
    given: list[str | Caption] = ["a dog", "a dog", Caption("two\ndogs", ("two", "dogs"), -1.0)]
    assert [one.text for one in captions_of(given, 60)] == ["a dog", "two dogs"]


# --- a server ---


def test_server_captions_a_library_and_its_key_is_kept_nowhere(
    library: Library, server: CaptionServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SEE_KEY", "secret-key-of-mine")
    caplog.set_level(logging.INFO, "captionret")
    options = CaptionerOptions(key_from="SEE_KEY", prompt="What is in {folder}?", concurrency=3)
    done = bring_up_to_date(library, None, MeanColour, [f"openai:{server.address}#org/see-1"], options)
    assert (done.captions[0].captioner, done.captions[0].new) == ("see-1", 6)
    assert captions(library, "see-1")["0.png"] == "a picture of 20 by 20 pixels"
    assert {one["Authorization"] for one in server.headers} == {"Bearer secret-key-of-mine"}
    assert server.requests[0]["messages"][0]["content"][0]["text"] == "What is in photos?"
    assert server.requests[0]["model"] == "org/see-1" and server.most <= 3
    assert "6 answers" in caplog.text and "1,800 tokens sent, 54 received, cost 0.0060." in caplog.text
    held = b"".join(file.read_bytes() for file in library.path.iterdir() if file.is_file())
    assert b"secret-key" not in held and "secret-key" not in caplog.text
    assert bring_up_to_date(library, None, MeanColour).captions == ()  # asked for nothing again
    assert len(server.requests) == 6 and list(library.path.glob("answers-*")) == []


def test_cost_is_that_of_the_price_that_is_given_and_remembered(
    library: Library, server: CaptionServer, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO, "captionret")
    options = CaptionerOptions(price=(2.0, 10.0))
    bring_up_to_date(library, None, MeanColour, [f"openai:{server.address}#see-1"], options)
    assert "1,800 tokens sent, 54 received, cost 0.0041." in caplog.text
    picture(tmp_path / "photos" / "new.png", "blue")
    bring_up_to_date(library, None, MeanColour)
    assert "300 tokens sent, 9 received, cost 0.0007." in caplog.text
    with pytest.raises(BadSetting, match="for a million tokens"):
        CaptionerOptions(price=(-1.0, 0.0))


def test_captions_in_another_language_are_noticed(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    german = "ein kleiner brauner Hund läuft mit einem Stock im Maul über den nassen Strand"
    english = "a small brown dog with a stick in its mouth runs over the wet sand of the beach"
    chinese = "一只棕色的小狗 叼着一根棍子 在潮湿的沙滩上 奔跑 看起来 很 开心"
    for name, text, noticed in (("en", english, False), ("de", german, True), ("zh", chinese, True)):
        rows = [
            GivenCaptions(path, (Caption(text, tuple(text.split()), 0.0),))
            for path in library.gallery().paths
        ]
        library.add_captions(name, rows)
        assert (f"captions by {name} are known in English captions" in caplog.text) == noticed


def test_picture_is_sent_scaled_down(tmp_path: Path, server: CaptionServer) -> None:
    Image.new("RGB", (1000, 400)).save(tmp_path / "wide.jpg")
    captioner = of(server, CaptionerOptions(send_size=100))
    (answer,) = captioner.captioner.caption([Picture("wide", tmp_path / "wide.jpg")])
    assert isinstance(answer, list) and answer[0].text == "a picture of 100 by 40 pixels"


def test_pictures_are_scaled_while_a_request_waits(
    library: Library, server: CaptionServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaled, scale = threading.Semaphore(0), OpenAICaptioner._jpeg

    def counted(self: OpenAICaptioner, one: Picture) -> bytes:
        content = scale(self, one)
        scaled.release()
        return content

    def asked(self: OpenAICaptioner, one: Picture, content: bytes) -> str:
        assert all(scaled.acquire(timeout=5) for _ in range(5)), "the others wait for this answer"
        scaled.release(5)
        return "a dog"

    monkeypatch.setattr(OpenAICaptioner, "_jpeg", counted)
    monkeypatch.setattr(OpenAICaptioner, "_asked", asked)
    captioner = of(server, replace(OPTIONS, concurrency=1))
    assert library.caption_beside(captioner).new == 6


def test_captions_of_a_server_or_a_file_load_no_network(
    library: Library, server: CaptionServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "captionret.models.captioning.captioner", None)  # importing it fails
    done = bring_up_to_date(library, None, MeanColour, [f"openai:{server.address}#see-1"], OPTIONS)
    assert done.captions[0].new == 6


@pytest.mark.parametrize("way", ["429", "500", "503", "html", "half", "long", "cut"])
def test_request_that_failed_is_made_again(library: Library, server: CaptionServer, way: str) -> None:
    server.behave = [way]
    assert library.caption_beside(of(server)).new == 6
    assert len(server.requests) == 7


def test_streaming_server_is_read(library: Library, server: CaptionServer) -> None:
    server.always = "stream"
    assert library.caption_beside(of(server)).new == 6
    assert captions(library, "see-1")["1.png"] == "a picture of 21 by 21 pixels"


def test_server_that_drips_is_given_up(library: Library, server: CaptionServer) -> None:
    server.always = "drip"
    began = time.monotonic()
    options = CaptionerOptions(timeout=0.3, retries=0, concurrency=2)
    with pytest.raises(CaptionerAway, match=r"answers nothing.*not whole after 0\.3 seconds"):
        library.caption_beside(of(server, options))
    assert time.monotonic() - began < 5


def test_refused_picture_is_named_and_the_rest_goes_on(library: Library, server: CaptionServer) -> None:
    server.behave = ["refusal", "422"]
    report = library.caption_beside(of(server, CaptionerOptions(concurrency=1)))
    assert (report.new, report.failed) == (4, 2)
    assert "it was refused (I will not look at this)" in report.failures[0].reason
    assert "the server refuses it: status 422" in report.failures[1].reason
    server.text = "I'm sorry, but I can't help with that."
    picture(library.root / "new.png", "blue")
    library.update(captioner=MeanColour())
    assert "it was refused (I'm sorry" in library.caption_beside(of(server)).failures[-1].reason
    assert len(server.requests) == 7  # the failed ones were not asked again


@pytest.mark.parametrize(
    ("way", "message"),
    [("401", "lets nobody in.*OPENAI_API_KEY"), ("404", "knows no such model"), ("500", "answers nothing")],
)
def test_server_that_answers_nobody_ends_the_run_with_a_sentence(
    library: Library, server: CaptionServer, way: str, message: str
) -> None:
    server.always = way
    with pytest.raises(CaptionerAway, match=message):
        library.caption_beside(of(server, CaptionerOptions(retries=0, concurrency=2)))
    server.always = ""
    assert library.caption_beside(of(server)).new == 6


def test_a_connection_that_is_made_while_a_run_ends_is_not_waited_for(
    server: CaptionServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, connect = Server(server.address, replace(OPTIONS, timeout=3.0), None), HTTPConnection.connect

    def stopped_meanwhile(connection: HTTPConnection) -> None:
        asked.stop()
        connect(connection)

    server.seconds = 3.0
    server.silent.set()
    monkeypatch.setattr(HTTPConnection, "connect", stopped_meanwhile)
    began = time.monotonic()
    with pytest.raises(Stopped):
        asked.ask({})
    assert time.monotonic() - began < 2


def test_server_that_is_away_is_a_sentence_and_stops_no_update(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    away = CaptionServer()
    options = CaptionerOptions(retries=0)
    spec = f"openai:{away.address}#see"
    assert bring_up_to_date(library, None, MeanColour, [spec], options).captions[0].new == 6
    away.close()
    picture(library.root / "new.png", "blue")
    done = bring_up_to_date(library, None, MeanColour)
    assert (done.update.new, done.captions[0].waiting) == (1, 1)
    assert "new.png waits for the next time: no answer after 1 tries" in caplog.text
    for number in range(10, 18):
        picture(library.root / f"{number}.png", "blue", shade=-number)
    assert bring_up_to_date(library, None, MeanColour).update.new == 8
    assert "see is not asked" in caplog.text and "answers nothing" in caplog.text


def test_captions_and_keywords_come_as_json_or_without_where_the_server_cannot(
    library: Library, server: CaptionServer
) -> None:
    server.text = '```json\n{{"captions": ["a red square", "all red"], "keywords": ["red", "art"]}}\n```'
    options = CaptionerOptions(captions=2, keywords=True, concurrency=1)
    assert library.caption_beside(of(server, options)).new == 6
    assert server.requests[0]["response_format"]["json_schema"]["schema"]["required"] == [
        "captions",
        "keywords",
    ]
    (first, *_) = (one for one in next(iter(library)).every if one.name == "see-1")
    assert [(one.text, one.tags) for one in first.captions] == [
        ("a red square", ("red", "art")),
        ("all red", ()),
    ]
    server.always, server.text = "no schema", "a square"
    other = CaptionerOptions(captions=2, concurrency=1, prompt="What?")
    assert library.caption_beside(of(server, other)).new == 6


def test_bad_addresses_and_settings_are_refused() -> None:
    for spec in ("openai:localhost#m", "openai:http://localhost:1/v1", "openai:", "openai:ftp://x#m"):
        with pytest.raises(BadSetting, match="names no server and model"):
            make_captioner(spec)
    with pytest.raises(BadSetting, match="A key does not belong"):
        make_captioner("openai:http://me:key@localhost/v1#m")
    with pytest.raises(UnknownName, match=r"kind of captioner 'opnai'.*openai"):
        make_captioner("opnai:x")
    wrong: list[dict[str, Any]] = [
        {"concurrency": 0},
        {"timeout": -1.0},
        {"prompt": "{place}"},
        {"captions": 500},
    ]
    for one in wrong:
        with pytest.raises(BadSetting):
            CaptionerOptions(**one)


KILLED = """
import sys
from captionret.app.loading.captioners import bring_up_to_date
from captionret.app.measuring.described_split import library_split
from captionret.app.measuring.measured_split import usable_modes
from captionret.captioners import CaptionerOptions
from captionret.library import Library
from captionret.library.captions.noting import PicturesAlone

library = Library.open(sys.argv[1])
print("begun", flush=True)
bring_up_to_date(library, None, None, [sys.argv[2]], CaptionerOptions(concurrency=4), batch_size=8)
"""


def test_killed_run_asks_for_no_answered_picture_again(tmp_path: Path) -> None:
    for number in range(40):
        picture(tmp_path / "photos" / f"{number:02}.png", "red", shade=-number, size=20 + number)
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    bring_up_to_date(library, None, None)
    server = CaptionServer(0.1)
    command = [sys.executable, "-c", KILLED, str(library.path), f"openai:{server.address}#see"]
    for wanted in (6, 15, 24):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            while sum(server.asked.values()) < wanted:
                time.sleep(0.005)
            server.silent.set()
            time.sleep(0.15)  # so that what was answered has come across
            process.kill()
            process.wait()
            server.silent.clear()
    done = bring_up_to_date(library, None, None, [f"openai:{server.address}#see"], OPTIONS)
    server.close()
    assert done.captions[0].waiting == 0 and len(captions(library, "see")) == 40
    assert set(server.asked.values()) == {1}, "an answered picture was asked for again"


# --- a file ---


def test_captions_of_a_file_are_read_from_every_format(tmp_path: Path) -> None:
    rows = [
        {"path": "0.png", "caption": "a red square", "tags": "red, art", "score": 0.5},
        {"path": "1.png", "caption": "another"},
    ]
    files = {"a.jsonl": "\n".join(map(json.dumps, rows)), "a.json": json.dumps(rows)}
    files["a.csv"] = 'Path,Caption,Tags,Score\n0.png,a red square,"red, art",0.5\n1.png,another,,\n'
    files["a.tsv"] = "path\tcaption\ttags\tscore\n0.png\ta red square\tred, art\t0.5\n1.png\tanother\t\t\n"
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-16" if name == "a.csv" else "utf-8-sig")
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for name in (*files, "a.parquet"):
        found = list(FileCaptioner(tmp_path / name).given())
        assert found[0].path == "0.png", name
        assert found[0].captions == (
            Caption("a red square", ("a", "red", "square"), 0.0, ("red", "art"), 0.5),
        )
        assert found[1].captions == (Caption("another", ("another",), 0.0),)


def test_coco_file_is_read(tmp_path: Path) -> None:
    whole = {
        "images": [{"id": 7, "file_name": "7.jpg"}],
        "annotations": [
            {"image_id": 7, "caption": "one\n"}, {"image_id": 8, "caption": "two"}, {"caption": "three"}
        ],
    }  # fmt: skip
    (tmp_path / "coco.json").write_text(json.dumps(whole))
    (one,) = FileCaptioner(tmp_path / "coco.json").given()
    assert (one.path, one.captions[0].text) == ("7.jpg", "one")


def test_bad_rows_are_named_and_the_rest_is_kept(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    lines = [
        '{"path": "0.png", "caption": "kept"}', "{", "[]", '{"caption": "of nothing"}', '{"path": "1.png"}',
        '{"path": "2.png", "caption": 7}', '{"sha256": "12", "caption": "x"}',
        '{"path": "3.png", "caption": "<html>"}', '{"path": "0.png", "caption": "kept too"}',
        json.dumps({"path": "4.png", "caption": "word " * 10_000}), '{"path": "gone.png", "caption": "lost"}',
    ]  # fmt: skip
    file = library.path.parent / "said.jsonl"
    file.write_text("\n".join(lines))
    done = bring_up_to_date(library, None, MeanColour, [f"file:{file}"])
    assert (done.captions[0].new, done.captions[0].unknown) == (1, 1)
    assert captions(library, "said.jsonl") == {"0.png": "kept"}
    for line in (2, 3, 4, 5, 6):
        assert f"line {line} is left out" in caplog.text
    assert "8 rows are left out in all" in caplog.text or "7 rows are left out in all" in caplog.text
    assert "1 picture that the library does not hold: gone.png" in caplog.text
    file.write_text('{"path": "0.png", "caption": "changed"}')
    again = bring_up_to_date(library, None, MeanColour).captions[0]
    assert (again.changed, captions(library, "said.jsonl")) == (1, {"0.png": "changed"})
    file.unlink()
    assert bring_up_to_date(library, None, MeanColour).captions == ()
    assert "said.jsonl is not asked" in caplog.text and captions(library, "said.jsonl")["0.png"] == "changed"


def test_file_that_cannot_be_read_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("path,caption\n0.png,ein Käse\n".encode("latin1"))
    (tmp_path / "no.txt").write_text("a dog")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    (tmp_path / "empty.jsonl").write_text("{}\n{}")
    (tmp_path / "list.json").write_text('{"a": 1}')
    for name, message in (
        ("latin.csv", "line 2: it is not in UTF-8"),
        ("no.txt", "no kind of file"),
        ("bad.parquet", "no Parquet"),
        ("empty.jsonl", "no caption that can be read"),
        ("list.json", "neither a list"),
    ):
        with pytest.raises(BadDataset, match=message):
            list(FileCaptioner(tmp_path / name).given())
    with pytest.raises(BadDataset, match="is no file of captions"):
        make_captioner(f"file:{tmp_path / 'missing.csv'}")


def test_captions_of_files_alone_are_searched_without_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("0.png", "1.png"):
        picture(tmp_path / "photos" / name, "red", shade=-int(name[0]))
    (tmp_path / "said.csv").write_text("image,caption\n0.png,a dog of mine\n1.png,a cat\n")
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    bring_up_to_date(library, None, None, [f"file:{tmp_path / 'said.csv'}"])

    def nothing(*_: object, **__: object) -> None:
        raise AssertionError("no model is loaded")

    monkeypatch.setattr(loaded, "predictor_of", nothing)
    monkeypatch.setattr(loaded, "default_space", nothing)
    caplog.set_level("INFO")
    with Searcher(library) as searcher:
        for text in ("dog", "mine dog", "dog -cat", "dog>0.5", "dog OR zebra"):
            assert searcher.search(text=text).paths == [tmp_path / "photos" / "0.png"], text
        assert "by words. Without the space: The library holds captions alone" in caplog.text
        for mode in ("words", "expected-jaccard"):
            assert searcher.search(text="dog", mode=mode).paths == [tmp_path / "photos" / "0.png"], mode
        for mode in ("embedding", "hybrid", "cnn"):
            with pytest.raises(BadSetting, match="captions alone") as refused:
                searcher.search(text="dog", mode=mode)
            assert "captionret index --library NAME --checkpoint photos-lite" in refused.value.in_shell()


def test_captions_of_files_alone_are_measured_as_they_are_searched(tmp_path: Path) -> None:
    files = [picture(tmp_path / "photos" / f"{name}.png", "red", shade=-name) for name in range(3)]
    said = "image,caption\n0.png,a dog of mine\n1.png,a cat\n2.png,a dog on a dog\n"
    (tmp_path / "said.csv").write_text(said)
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    bring_up_to_date(library, None, None, [f"file:{tmp_path / 'said.csv'}"])
    items = [Item(f"{2 - place}", file, ("a dog",)) for place, file in enumerate(files)]
    part, whole, left_out = library_split(library, items), library.gallery(), list[CaptionretError]()
    assert [mode.name for mode in usable_modes(part, ["auto", "words", "cnn", "hybrid"], left_out)] == [
        "auto",
        "words",
    ]
    assert "auto is measured as it answers without the space" in str(left_out[0])
    assert all("photos-lite" in str(one) for one in left_out[1:]) and len(left_out) == 3
    for mode in ("auto", "words", "expected-cosine"):
        query = EncodedQuery(text="a dog", parsed=parse("a dog"))
        ours, theirs = (gallery.prepared(MODES[mode]).scores(query) for gallery in (part, whole))
        assert ours[::-1].tolist() == theirs.tolist(), mode


def test_library_lives_on_captions_of_files_alone_until_a_captioner_comes(tmp_path: Path) -> None:
    for name in ("0.png", "1.png", "2.png"):
        picture(tmp_path / "photos" / name, "red", shade=-int(name[0]))
    (tmp_path / "said.csv").write_text("image,caption\n0.png,a dog\n1.png,a cat\n")
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    bring_up_to_date(library, None, None, [f"file:{tmp_path / 'said.csv'}"])
    assert captions(library, "said.csv") == {"0.png": "a dog", "1.png": "a cat"}
    assert len(library) == 2 and library.made_by is None and library.verify() == []
    library.set_caption("2.png", "my own")
    assert len(library) == 3
    assert library.update().unchanged == 3
    bring_up_to_date(library, None, MeanColour)
    assert library.made_by is not None and library.made_by.name == "mean-colour"
    assert captions(library, "mean-colour")["0.png"] == "a plain red picture"
    assert captions(library, "said.csv")["1.png"] == "a cat" and library.verify() == []


# --- plug-ins ---


class Sizes:
    """A plug-in as the documentation shows it."""

    name = "sizes"

    def __init__(self, what: str = "") -> None:
        self.what = what

    def caption(self, images: Sequence[Picture]) -> list[str]:
        return [
            f"{self.what} picture {'wide' if one.open().width > one.open().height else 'tall'}"
            for one in images
        ]


def test_plug_in_is_found_by_its_entry_point(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [EntryPoint("sizes", "test_captioners:Sizes", "captionret.captioners")]
    monkeypatch.setattr("captionret.captioners.kinds.entry_points", lambda group: found)
    bring_up_to_date(library, None, MeanColour, ["sizes:some"])
    assert captions(library, "sizes")["0.png"] == "some picture tall"
    found[:] = [EntryPoint("broken", "no_such_module:X", "captionret.captioners")]
    with pytest.raises(BadSetting, match=r"The plug-in broken .* cannot be loaded"):
        make_captioner("broken:x")
    with pytest.raises(UnknownName, match="broken"):
        make_captioner("sizes:x")


def test_our_kinds_and_a_plug_in_pass_the_kit(server: CaptionServer) -> None:
    check_captioner(Sizes())
    check_captioner(of(server).captioner)


def test_kit_finds_what_is_not_kept() -> None:
    class Broken(Sizes):
        def __init__(self, answer: Any) -> None:
            super().__init__()
            self.answer = answer
            self.count = 0

        def caption(self, images: Sequence[Picture]) -> Any:
            self.count += len(images)
            return self.answer(images, self.count)

    for answer, message in (
        (lambda images, _: ["one"], "1 answer for 4 pictures"),
        (lambda images, count: [f"number {count}"] * len(images), "depend on its batch|two ways"),
        (lambda images, _: [""] * len(images), "no caption"),
    ):
        with pytest.raises((AssertionError, RuntimeError), match=message):
            check_captioner(Broken(answer))


def test_picture_that_is_none_fails_alone(library: Library) -> None:
    class Picky(Sizes):
        def caption(self, images: Sequence[Picture]) -> list[str]:
            for one in images:
                if one.open().width == 22:
                    raise BadImage(f"{one.name}: not this one")
            return super().caption(images)

    report = library.caption_beside(StreamedCaptioner(Picky("a")))
    assert (report.new, report.failed) == (5, 1)
    assert "not this one" in report.failures[0].reason


def test_documented_plug_in_is_complete() -> None:
    text = (Path(__file__).parents[2] / "docs" / "captioners.md").read_text("utf-8")
    code = textwrap.dedent(text.partition("```python\n")[2].partition("```")[0])
    names: dict[str, Any] = {}
    exec(compile(code, "docs/captioners.md", "exec"), names)
    check_captioner(names["Brightness"]())
