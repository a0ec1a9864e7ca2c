"""Captions of several captioners in one library: each under its own name, the best ranked shown first, and
nothing a person wrote ever lost."""

import json
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mean_colour import Colours, MeanColour, made_library, picture
from typed import Call

from captionret.app.curating.library_captioners import compare_captioners
from captionret.app.loading.loaded import Models
from captionret.app.measuring.measured_split import ModesMeasuring, measured_split
from captionret.app.query.asking import Asked
from captionret.app.query.encoding import Encoder
from captionret.app.searcher import Searcher
from captionret.app.searching import search
from captionret.cli import compare
from captionret.cli import search as search_command
from captionret.datasets import open_dataset
from captionret.decoding import Decoding, OwnWay
from captionret.errors import BadLibrary, BadSetting
from captionret.images import Picture, as_picture
from captionret.library import Library, reading
from captionret.library.index import writing
from captionret.library.index.search_index import MANIFEST
from captionret.records import Caption, CaptionResult, Failure, GivenCaptions, Item, NoCaption
from captionret.retrieval import corpus


def given(path: str | None, *texts: str, sha256: str | None = None, **more: Any) -> GivenCaptions:
    return GivenCaptions(
        path, tuple(Caption(text, tuple(text.split()), 0.0, **more) for text in texts), sha256
    )


class Server(MeanColour):
    """A captioner without features, which decodes in its own way. silent: names it has no answer for."""

    way = OwnWay()

    def __init__(self, name: str = "server", says: str = "a {} thing", silent: Sequence[str] = ()) -> None:
        super().__init__(fingerprint=name.ljust(64, "0"), name=name, dim=0)
        self.says, self.silent = says, silent

    def caption_stream(  # type: ignore[override]
        self, paths: Sequence[Path | Picture], *, decoding: Decoding, batch_size: int
    ) -> Iterator[list[CaptionResult | Failure | NoCaption]]:
        for batch in super().caption_stream(paths, decoding=decoding, batch_size=batch_size):
            yield [self.own(one) for one in batch]

    def own(self, result: CaptionResult | Failure) -> CaptionResult | Failure | NoCaption:
        if isinstance(result, Failure):
            return result
        if result.path.name in self.silent:
            return NoCaption(str(result.path))
        text = self.says.format(result.captions[1].text)
        captions = [Caption(text, tuple(text.split()), 0.0)]
        return CaptionResult(result.path, result.sha256, captions, np.zeros(0, np.float16))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return made_library(tmp_path, {"red.png": "red", "blue.png": "blue", "trip/green.png": "green"})


def captions(library: Library, by: str | None = None) -> dict[str, str]:
    gallery = library.snapshot(by).gallery()
    return dict(zip(gallery.paths, gallery.captions, strict=True))


def test_best_ranked_captioner_is_shown_and_each_can_be_asked_for_by_name(library: Library) -> None:
    first = captions(library)
    report = library.caption_beside(Server())
    assert (report.captioner, report.new, report.waiting) == ("server", 3, 0)
    assert captions(library) == captions(library, "server") == {
        "blue.png": "a blue thing", "red.png": "a red thing", "trip/green.png": "a green thing"
    }  # fmt: skip
    assert captions(library, "mean-colour") == first
    library.add_captions("notes", [given("red.png", "my red square")])
    assert captions(library)["red.png"] == "my red square"  # a file goes before a model
    assert captions(library)["blue.png"] == "a blue thing"
    assert captions(library, "notes") == {"red.png": "my red square"}
    library.set_caption("red.png", "Bella")
    for by in (None, "notes", "server", "mean-colour"):
        assert captions(library, by)["red.png"] == "Bella", "a person goes before all"
    assert [one.label for one in library.captioners] == ["notes", "server", "mean-colour"]
    library.prefer("mean-colour")
    assert captions(library) == first | {"red.png": "Bella"}
    with pytest.raises(BadSetting, match=r"no captions by nobody.*mean-colour, notes, server"):
        library.snapshot("nobody")


def test_captions_keep_who_made_them_and_when(library: Library) -> None:
    library.caption_beside(Server())
    library.add_captions("notes", [given("red.png", "a square", tags=("art", "red"), score=0.5)])
    library.set_caption("red.png", "Bella")
    (red,) = (one for one in library if one.path == "red.png")
    assert [(one.name, one.kind) for one in red.every] == [
        ("a person", "person"), ("notes", "file"), ("server", "model"), ("mean-colour", "model")
    ]  # fmt: skip
    assert all(one.day is not None and one.day > "2025" for one in red.every)
    assert red.every[1].captions == (Caption("a square", ("a", "square"), 0.0, ("art", "red"), 0.5),)
    assert red.every[3].captions[0].logprob == -1.5
    assert red.captioned_by == "a person" and red.caption == "Bella"


def test_tags_are_found_as_words(library: Library) -> None:
    library.add_captions("notes", [given("red.png", "a square", tags=("crimson",))])
    assert search(library, text="crimson", mode="multi-caption")[0].path == "red.png"
    assert library.snapshot("notes").captions(library.snapshot("notes").gallery().hashes) == [
        ("a square", "crimson")
    ]


@pytest.mark.parametrize("mode", ["auto", "words"])
def test_words_of_files_and_of_people_are_certain(library: Library, mode: str, call: Call) -> None:
    library.predict_words(Colours())
    library.add_captions("notes", [given("red.png", "our blue heirloom", tags=("Bella",))])
    library.set_caption("blue.png", "the pond at Grandma's")
    for by in (None, "notes"):
        with Searcher(library, captions_by=by) as searcher:
            for text in ("heirloom", "heirlooms", "an heirloom of ours", "bella"):
                (hit,) = searcher.search(text=text, mode=mode).hits
                assert hit.path == "red.png" and {"heirloom", "bella"} & {*hit.certain}
            assert searcher.search(text="pond", mode=mode)[0].path == "blue.png"
            assert not searcher.search(text="cup", mode=mode).hits
    with Searcher(library) as searcher:
        found = searcher.search(text="blue", mode=mode, top=None)
        assert (found[0].path, found[0].certain) == ("red.png", ("blue",)), "what is certain goes first"
        assert not searcher.search(text="green", mode=mode)[0].certain, "what is predicted stays"
    done = call(search_command, "heirloom", "--mode", mode, "--library", library.path)
    assert done.code == 0 and "heirloom (caption)" in done.out
    shown = json.loads(call(search_command, "heirloom", "--library", library.path, "--json").out)
    assert shown["hits"][0]["words"] == [{"word": "heirloom", "probability": 0.999, "certain": True}]


def test_captioned_picture_is_never_asked_about_again(library: Library) -> None:
    server = Server(silent=("blue.png",))
    assert library.caption_beside(server).waiting == 1
    assert len(server.seen) == 3
    assert library.caption_beside(server).new == 0
    assert [path.name for path in server.seen[3:]] == ["blue.png"]
    picture(library.root / "new.png", "white")
    library.update(captioner=MeanColour())
    server.silent = ()
    assert library.caption_beside(server).new == 2
    assert library.waiting_for("server") == 0


def test_failure_of_one_captioner_leaves_the_captions_of_others(library: Library) -> None:
    class Refusing(Server):
        def own(self, result: CaptionResult | Failure) -> CaptionResult | Failure | NoCaption:
            if isinstance(result, CaptionResult) and result.path.name == "red.png":
                return Failure(str(result.path), "it refused")
            return super().own(result)

    server = Refusing()
    assert library.caption_beside(server).failures == (Failure("red.png", "it refused"),)
    assert captions(library)["red.png"] == "a plain red picture"
    assert library.caption_beside(server).failed == 1 and len(server.seen) == 3  # not tried in vain
    assert library.failures() == [Failure("red.png", "it refused")]
    assert library.update(captioner=MeanColour()).failed == 0
    assert library.verify() == []


def test_captions_go_with_their_picture_and_their_captioner(library: Library) -> None:
    library.caption_beside(Server())
    (library.root / "red.png").unlink()
    library.update(captioner=MeanColour())
    library.remove_captions("server")
    assert library._catalogue.value("SELECT COUNT(*) FROM captions") == 4  # two of each picture that is left
    assert captions(library)["blue.png"] == "a plain blue picture"
    with pytest.raises(BadSetting, match="gives the library its features"):
        library.remove_captions("mean-colour")
    assert library.verify() == []


def test_given_captions_find_their_picture_by_hash_path_or_name(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    hashes = dict(zip(library.gallery().paths, library.gallery().hashes, strict=True))
    rows = [
        given("elsewhere/x.png", "by hash", sha256=hashes["red.png"].upper()),
        given(str(library.root / "blue.png"), "by a whole path"),
        given("green.png", "by its name", "by its name"),
        given("green.png", "once more"),
        given("missing.png", "of nothing"),
        given("blue.png", "   "),
    ]
    report = library.add_captions("notes", rows)
    assert (report.new, report.unknown) == (3, 1)
    assert "notes speaks of 1 picture that the library does not hold: missing.png." in caplog.text
    found = {one.path: [caption.text for caption in one.every[0].captions] for one in library}
    assert found == {
        "red.png": ["by hash"],
        "blue.png": ["by a whole path"],
        "trip/green.png": ["by its name", "once more"],
    }
    again = library.add_captions("notes", rows[:1], whole=True)
    assert (again.unchanged, again.removed) == (1, 2)
    assert captions(library, "notes") == {"red.png": "by hash"}


def test_small_library_keeps_no_index_of_one_captioner(library: Library) -> None:
    library.caption_beside(Server())
    assert captions(library, "mean-colour")["red.png"] == "a plain red picture"
    assert not list(library.path.glob("search-index-by-*"))


def test_captioner_whose_captions_are_shown_of_every_picture_shares_their_index(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_READ", 0)
    monkeypatch.setattr(reading, "MOST_READ", 0)
    library.caption_beside(Server())
    assert captions(library, "server") == captions(library)
    assert len(list(library.path.glob("search-index-*.manifest"))) == 1
    assert len(list(library.path.glob("*.segment"))) == 1
    picture(library.root / "new.png", "white")
    library.update(captioner=MeanColour())
    with Library.open(library.path) as reopened:
        assert "new.png" in captions(reopened) and "new.png" not in captions(reopened, "server")
        reopened.caption_beside(Server())
        assert captions(reopened, "server") == captions(reopened)
        assert reopened.verify() == []


def test_search_asks_one_captioner_by_an_index_of_its_own(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_READ", 0)
    monkeypatch.setattr(reading, "MOST_READ", 0)
    library.caption_beside(Server(says="one {} colour"))
    assert captions(library, "mean-colour")["red.png"] == "a plain red picture"
    assert [file.name for file in library.path.glob("search-index-by-*")] == ["search-index-by-1.manifest"]
    picture(library.root / "new.png", "white")
    library.update(captioner=MeanColour())
    reopened = Library.open(library.path)
    assert captions(reopened, "mean-colour")["new.png"] == "a plain white picture"
    assert captions(reopened)["new.png"] == "a plain white picture"  # until the server is asked
    assert reopened.caption_beside(Server(says="one {} colour")).new == 1
    assert captions(reopened)["new.png"] == "one white colour"
    assert (library.path / MANIFEST).is_file() and library.verify() == []


def test_words_are_predicted_and_a_captioner_is_changed_as_before(library: Library) -> None:
    library.predict_words(Colours())
    library.caption_beside(Server())
    assert search(library, text="red", mode="expected-jaccard")[0].path == "red.png"
    library.update(captioner=MeanColour("e" * 64, "second"), recaption=True)
    assert [one.name for one in library.captioners] == ["second", "server"]
    assert captions(library, "server")["red.png"] == "a red thing"
    assert library._catalogue.value("SELECT COUNT(*) FROM captioners") == 2


def test_library_of_format_2_keeps_everything(library: Library) -> None:
    library.set_caption("red.png", "Bella")
    before = [(one.path, one.captions, one.exif) for one in library]
    library.close()
    file = library.path / "catalogue.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        _to_format_2(connection)
    opened = Library.open(library.path)
    assert [(one.path, one.captions, one.exif) for one in opened] == before
    assert opened.update(captioner=MeanColour()).unchanged == 3
    assert opened.captioners[0].adopted == "" and opened.verify() == []
    assert opened._catalogue.table("PRAGMA foreign_key_check", ()) == []


def _to_format_2(connection: sqlite3.Connection) -> None:
    """The catalogue as 0.5.1 wrote it."""
    from captionret.library.checksums import of_caption

    rows = connection.execute(
        "SELECT sha256, captions.id & 1023, text, more FROM captions JOIN images ON number = "
        "(captions.id >> 10) & 16777215"
    ).fetchall()
    images = connection.execute(
        "SELECT sha256, captioner, feature_row, crc, width, height, taken, camera FROM images"
    ).fetchall()
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for table in ("captions", "images", "failures", "changes"):
        connection.execute(f"DROP TABLE {table}")
    for column in ("kind", "adopted", "beside", "preferred"):
        connection.execute(f"ALTER TABLE captioners DROP COLUMN {column}")
    connection.executescript(
        """
        CREATE TABLE images (
            sha256 TEXT PRIMARY KEY, captioner INTEGER NOT NULL REFERENCES captioners(id), feature_row INTEGER
            NOT NULL, crc INTEGER NOT NULL DEFAULT 0, width INTEGER, height INTEGER, taken TEXT, camera TEXT)
            WITHOUT ROWID;
        CREATE TABLE captions (
            sha256 TEXT NOT NULL REFERENCES images(sha256) ON DELETE CASCADE, n INTEGER NOT NULL,
            text TEXT NOT NULL, tokens TEXT NOT NULL, logprob REAL NOT NULL, crc INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (sha256, n)) WITHOUT ROWID;
        CREATE TABLE failures (
            path PRIMARY KEY, reason NOT NULL, size INTEGER NOT NULL, ctime_ns INTEGER NOT NULL)
            WITHOUT ROWID;
        """
    )
    connection.executemany("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?)", images)
    old = []
    for sha256, n, text, logprob in rows:
        tokens = json.dumps(text.split())
        old.append((sha256, n, text, tokens, logprob, of_caption(tokens, logprob)))
    connection.executemany("INSERT INTO captions VALUES (?, ?, ?, ?, ?, ?)", old)
    connection.execute("PRAGMA user_version = 2")
    connection.commit()


def test_searcher_searches_the_captions_that_are_asked_for(library: Library) -> None:
    library.caption_beside(Server(says="one {} colour"))
    with Searcher(library, captions_by="mean-colour") as searcher:
        found = searcher.search(text="plain red", mode="jaccard")
        assert (found[0].path, found[0].caption, found.source) == (
            "red.png",
            "a plain red picture",
            "mean-colour, beam 3",
        )
    with Searcher(library) as searcher:
        assert searcher.search(text="red colour", mode="jaccard")[0].caption == "one red colour"
        assert searcher.search(text="red colour", mode="jaccard").source == "server"
    with (
        pytest.raises(BadSetting, match="no captions by nobody"),
        Searcher(library, captions_by="nobody") as none,
    ):
        none.search(text="red", mode="jaccard")


def test_answer_names_who_captioned_its_hits(library: Library) -> None:
    library.add_captions("caps.csv", [given("red.png", "a red kite")])
    library.set_caption("blue.png", "a blue kite")
    with Searcher(library) as searcher:
        for text, source in {
            "red": "caps.csv",
            "green": "mean-colour, beam 3",
            "kite": "a person; caps.csv",
            "kite picture": "a person; caps.csv; mean-colour, beam 3",
            "zebra": "caps.csv",
        }.items():
            assert searcher.search(text=text, mode="jaccard").source == source
    with Searcher(library, captions_by="mean-colour") as searcher:
        assert searcher.search(text="red", mode="jaccard").source == "mean-colour, beam 3"


def test_query_picture_is_captioned_by_a_stand_in_where_its_captioner_is_away(
    library: Library, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "captionret")
    query = picture(tmp_path / "query.png", "red", shade=-30)
    library.add_captions("notes", [given("red.png", "a plain red picture of mine")])
    with Searcher(library, captioner=MeanColour()) as searcher:
        found = searcher.search(image=query, mode="jaccard")
    assert (found[0].path, found.caption) == ("red.png", "a plain red picture")
    assert "notes holds captions that stand somewhere; mean-colour captions the query." in caplog.text


def test_captioners_are_compared_in_figures_and_by_what_they_find(library: Library, call: Call) -> None:
    library.caption_beside(Server(says="a plain {} picture"))
    library.add_captions("notes", [given("red.png", "my square"), given("blue.png", "a plain blue picture")])
    found = compare_captioners(library, references="mean-colour")
    assert [(row.name, row.pictures, row.kind) for row in found.rows] == [
        ("notes", 2, "file"),
        ("server", 3, "model"),
    ]
    scores = found.rows[1].scores
    assert scores is not None and scores.bleu4 == pytest.approx(100)
    (pair,) = found.pairs
    assert (pair.one, pair.other, pair.pictures, pair.agreement) == ("notes", "server", 2, 0.5)
    assert found.shown[0] == ("red.png", {"notes": "my square", "server": "a plain red picture"})
    with pytest.raises(BadSetting, match="no captions by nobody"):
        compare_captioners(library, ["nobody", "server"])
    ended = call(compare, "--library", library.path, "--references", "mean-colour")
    for column in ("words", "different", "agreement", "same of 10"):
        assert f"{column}: " in ended.out
    assert ended.code == 0 and "notes: my square" in ended.out
    as_json = json.loads(call(compare, "--library", library.path, "--json").out)
    assert "measured" not in as_json, "there is nothing to measure by"
    assert [one["name"] for one in as_json["captioners"]] == ["notes", "server", "mean-colour"]


def test_captioners_are_measured_by_what_people_said_as_checkpoints_are(
    library: Library, call: Call, tmp_path: Path
) -> None:
    library.caption_beside(Server(says="a plain {} picture"))
    library.add_captions("notes", [given("red.png", "my square"), given("blue.png", "a plain blue picture")])
    said = [f"{library.root / name}.png,a plain {name} picture" for name in ("red", "blue")]
    table = tmp_path / "people.csv"
    table.write_text("\n".join(["path,caption", *said]))
    shown = ("--data", f"table:{table}", "--out", tmp_path / "out", "--captions-by", "notes")
    ended = call(compare, "--library", library.path, *shown, "--captions-by", "server", "--json")
    measured = json.loads(ended.out)["measured"]
    assert measured["pictures"] == 2
    by_name = {row["variant"]: row for row in measured["captioners"]}
    assert by_name["server"]["bleu4"] == pytest.approx(100) and by_name["notes"]["bleu4"] < 99
    assert by_name["server"]["text_r1_jaccard"] == 100
    differences = {row["measure"]: row for row in measured["differences"]}
    assert differences.keys() == {"CIDEr-D", "NDCG@10"}
    assert differences["CIDEr-D"]["difference"] < 0 and differences["CIDEr-D"]["p_holm"] <= 1
    page = (tmp_path / "out/index.html").read_text()
    assert "server" in page and "Is it chance?" in page
    assert (tmp_path / "out/differences.csv").read_text().startswith("measure,variant,against")
    printed = call(compare, "--library", library.path, "--references", "server").out
    assert "2 pictures of the library" in printed and "rouge_l" in printed
    assert call(compare, "--library", library.path, "--out", tmp_path / "x").code == 2
    how = ModesMeasuring(["jaccard"], library=str(library.path), captions_by="notes")
    items = open_dataset(f"table:{table}").items
    assert sorted(measured_split(items, how, []).gallery.captions) == ["a plain blue picture", "my square"]
    with pytest.raises(BadLibrary, match=r"no captions by notes of 1 of the split's 1 picture"):
        measured_split([Item("x", library.root / "trip/green.png", ("a", "b"))], how, [])
    table.write_text(f"path,caption\n{tmp_path / 'elsewhere.png'},a dog\n")
    picture(tmp_path / "elsewhere.png", "yellow")
    ended = call(compare, "--library", library.path, *shown)
    assert ended.code == 3 and "holds no picture of" in ended.err


def test_words_that_a_captioner_with_other_eyes_says_are_found_beside_what_is_predicted(
    library: Library,
) -> None:
    library.predict_words(Colours())
    before = {word: library.gallery().predicted.of(word) for word in ("red", "blue")}
    assert library.snapshot().gallery().predicted.of("unicorn").max() < 0.01
    assert "plain" not in library.gallery().predicted, "its own captioner sees no more than the features hold"
    library.caption_beside(Server(says="a {} unicorn"))
    library.add_captions("notes", [given("trip/green.png", "a lawn")])
    gallery = library.gallery()
    rows = gallery.row_of_id
    red, blue, green = (rows[name] for name in ("red.png", "blue.png", "trip/green.png"))
    predicted = gallery.predicted
    assert predicted.of("red")[red] > before["red"][red]
    assert predicted.of("blue")[red] == before["blue"][red], "what it does not say stays as predicted"
    likely = predicted.of("unicorn")
    assert likely[red] == likely[blue] > 0.2 > likely[green], "the notes are shown of the green one"
    assert predicted.of("lawn")[green] > 0.99, "what a file says is certain"
    found = search(library, text="unicorn", mode="words", top=None)
    assert {hit.path for hit in found} == {"red.png", "blue.png"} and found[0].words[0][0] == "unicorn"
    by_own = library.snapshot("mean-colour").gallery().predicted
    assert by_own.of("red")[red] == before["red"][red] and "unicorn" not in by_own


def test_captions_of_a_picture_that_asks_raise_its_words_where_other_eyes_saw_it(library: Library) -> None:
    library.predict_words(Colours())
    gallery = library.gallery()
    red = gallery.row_of_id["red.png"]
    before = gallery.query(red).word_probabilities
    assert before is not None and "unicorn" not in before
    library.caption_beside(Server(says="a {} unicorn"))
    asking = library.gallery().query(red).word_probabilities
    assert asking is not None and asking["red"] > before["red"] and asking["unicorn"] > 0.2
    by_own = library.snapshot("mean-colour").gallery().query(red).word_probabilities
    assert by_own == before, "its own captioner sees no more than the features hold"


def test_captioner_with_other_eyes_is_asked_about_a_picture_that_is_new(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away(Server):
        def describe(self) -> dict[str, Any]:
            return super().describe() | {"captioner": "server:x"}

    library.predict_words(Colours())
    library.caption_beside(Away(says="a {} unicorn"))
    known = {"mean-colour": MeanColour(), "server": Away(says="a {} unicorn")}
    monkeypatch.setattr(Models, "captioner_for", lambda _, made_by: known[made_by.name])
    monkeypatch.setattr(Models, "predictor_for", lambda *_: Colours())
    picture(tmp_path / "new.png", "red", shade=-9)
    by_server, by_own = (
        Encoder(library.snapshot(name), Models(), "words")
        .query(Asked(as_picture(str(tmp_path / "new.png")).kept()))
        .word_probabilities
        for name in (None, "mean-colour")
    )
    assert by_server is not None and by_own is not None
    assert by_server["unicorn"] > 0.2 and by_server["red"] > by_own["red"] and "unicorn" not in by_own


class Several(Server):
    """Three captions of each picture: two, one or none say "tall"."""

    def own(self, result: CaptionResult | Failure) -> CaptionResult | Failure | NoCaption:
        assert isinstance(result, CaptionResult)
        tall = {"red.png": 2, "blue.png": 1}.get(result.path.name, 0)
        texts = [f"a tall thing {n}" if n < tall else f"a thing {n}" for n in range(3)]
        captions = [Caption(text, tuple(text.split()), 0.0) for text in texts]
        return CaptionResult(result.path, result.sha256, captions, np.zeros(0, np.float16))


def test_several_captions_of_a_word_are_more_telling_than_one(library: Library) -> None:
    library.predict_words(Colours())
    library.caption_beside(Several("several"))
    gallery = library.gallery()
    of = gallery.predicted.of("tall")
    red, blue, green = (gallery.row_of_id[name] for name in ("red.png", "blue.png", "trip/green.png"))
    rate = corpus.rates()["tall"]
    assert of[red] == pytest.approx(0.5 * (2 + rate) / 4, abs=1e-5)
    assert of[blue] == pytest.approx(0.5 * (1 + rate) / 4, abs=1e-5) and of[green] < 0.01
