"""Hubs as people look for them: a library's, and what remedies do for recall."""

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from shapes import Trained
from typed import Call

from captionret.app.curating import hubs
from captionret.cli import evaluate_ranking, hubness
from captionret.library import Library
from captionret.report.plots import occurrences
from captionret.retrieval import search


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.pictures: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.pictures.append(str(dict(attrs)["src"]))


def test_occurrences_are_those_of_searches_by_every_picture(call: Call, library: Path) -> None:
    code, out, err = call(
        hubness, "--library", library, "--mode", "cnn", "--k", 3, "--json", "hubs.json", "--worst", 2
    )
    assert code == 0 and "Written: hubs.json" in err
    counts: dict[str, int] = {}
    with Library.open(library) as opened:
        gallery = opened.gallery()
        for row in range(len(gallery)):
            for hit in search(gallery, gallery.query(row), "cnn", top=3):
                counts[hit.path] = counts.get(hit.path, 0) + 1
    row = json.loads(Path("hubs.json").read_text())["rows"]["cnn"]
    assert {path: count for path, count in row["occurrence"].items() if count} == pytest.approx(counts)
    assert row["maximum"] == max(counts.values()) and row["antihubs"] == pytest.approx(
        1 - len(counts) / len(gallery)
    )
    assert sum(row["distribution"].values()) == len(gallery)
    worst = max(sorted(counts), key=counts.__getitem__)
    assert f"{len(gallery)} pictures, the 3 nearest of each by cnn" in out and worst in out and "N_3" in out


def test_remedies_stand_beside_the_mode_and_the_worst_hubs_on_the_page(
    call: Call, library: Path, spaces: dict[str, Path]
) -> None:
    where = ("--library", library, "--mode", "vse", "--embedding", spaces["vse"], "--k", 2, "--worst", 3)
    code, out, err = call(hubness, *where, "--remedy", "all", "--html", "hubs.html")
    assert code == 0 and "The page: " in err
    for name in ("vse ", "vse, csls", "vse, mutual-proximity", "vse, inverted-softmax"):
        assert f"\n{name}" in out
    text = Path("hubs.html").read_text()
    pictures = Page(text).pictures
    assert [source.partition(";")[0] for source in pictures] == ["data:image/png", *["data:image/jpeg"] * 12]
    assert "The worst hubs of vse with csls" in text and "The distribution of N_2" in text


def test_pictures_that_share_no_word_are_no_neighbours(call: Call, library: Path) -> None:
    assert call(hubness, "--library", library, "--k", 9, "--json", "hubs.json").code == 0
    occurrence = json.loads(Path("hubs.json").read_text())["rows"]["jaccard"]["occurrence"]
    with Library.open(library) as opened:
        gallery = opened.gallery()
        lists = [len(search(gallery, gallery.query(row), "jaccard", top=9)) for row in range(len(gallery))]
    assert sum(occurrence.values()) == pytest.approx(sum(lists), abs=0.01)


def test_what_cannot_be_counted_is_said(
    call: Call, library: Path, spaces: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments, code, said in (
        (("--k", 0), 2, "--k 0"),
        (("--mode", "jacard"), 2, "Did you mean 'jaccard'"),
        (("--remedy", "clsl"), 2, "Did you mean 'csls'"),
        (("--k", 100), 3, "too few for lists of 100"),
        (("--mode", "glove-map"), 2, "--embedding DIR"),
    ):
        ended = call(hubness, "--library", library, *arguments)
        assert ended.code == code and said in ended.err, (arguments, ended.err)
    monkeypatch.setattr(hubs, "MOST", 5)
    ended = call(hubness, "--library", library)
    assert ended.code == 3 and "made for up to 5" in ended.err
    assert hubs.spread(hubs.measured(Library.open(library).gallery(), "cnn", 2)["cnn"])[0][0] == "0"
    with pytest.raises(Exception, match="nothing to draw"):
        occurrences({}, 3, "plot.png")


@pytest.mark.parametrize("mode", ["bm25", "cnn-whitened"])
def test_remedies_share_out_as_many_places_as_the_mode_does(mode: str, library: Path) -> None:
    with Library.open(library) as opened:
        found = hubs.measured(opened.gallery(), mode, 2, ["all"])
    places = {name: one.occurrence.sum() for name, one in found.items()}
    assert len(places) == 4 and places == pytest.approx(dict.fromkeys(places, places[mode]))


def test_what_remedies_do_for_recall_stands_in_a_table(
    call: Call, trained: Trained, spaces: dict[str, Path]
) -> None:
    where = (
        "--checkpoint",
        spaces["vse"],
        "--data",
        trained.spec,
        "--split",
        "test",
        "--features",
        trained.features,
    )
    code, out, _ = call(evaluate_ranking, *where, "--remedy", "all", "--json", "scores.json")
    scores = json.loads(Path("scores.json").read_text())
    assert code == 0 and list(scores["remedies"]) == ["none", "csls", "mutual-proximity", "inverted-softmax"]
    assert {name: scores["remedies"]["none"][name] for name in ("i2t", "t2i", "rsum")} == {
        name: scores[name] for name in ("i2t", "t2i", "rsum")
    }
    assert "\nmutual-proximity " in out and np.isfinite(scores["remedies"]["csls"]["hubs_t2i"]["skewness"])
    code, _, err = call(evaluate_ranking, *where, "--remedy", "cls")
    assert code == 2 and "Did you mean 'csls'" in err
    code, _, err = call(evaluate_ranking, *where, "--remedy", "csls", "--folds", 2)
    assert code == 2 and "--folds" in err
