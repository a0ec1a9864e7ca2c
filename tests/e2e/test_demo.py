"""The demo: every part of it on one page, a second run that trains nothing again, and one's own
photographs."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from shapes import Trained, shape
from typed import Call

from captionret.app import demo as service
from captionret.app import places, trainings
from captionret.app.measuring import compared_captions, comparisons
from captionret.app.result import SearchResult
from captionret.cli import demo
from captionret.cli import options as options
from captionret.datasets import open_dataset
from captionret.errors import BadImage, BadSetting
from captionret.records import Hit, Item

# a tenth of the usual scenes, and one short epoch
DATA = "scenes:seed=5,count=60"
QUICK = ("epochs=1", "views=1", "average=0", "hidden_dim=32")


@pytest.fixture
def shipped(trained: Trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The shared captioner in place of the shipped one, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places, "SHIPPED", trained.checkpoint)
    monkeypatch.setattr(service, "SETTINGS", QUICK)
    return trained.checkpoint


@pytest.fixture
def photos(trained: Trained, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.pictures, tmp_path / "my photos"))


def test_page_holds_every_part_and_the_second_run_trains_nothing_again(
    call: Call, shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = call(demo, "--data", DATA)
    assert output.code == 0
    page = Path(output.out.splitlines()[-1])
    assert page.resolve() == tmp_path / "report" / "index.html"
    text = page.read_text()
    for part in (
        "The first hit, measured",
        "right first hits, %",
        "The two variants compared",
        "The same pictures, each variant&#39;s caption and its first five",
        "motorcycle-left.png",
        "Typed: rocket",
        "No picture here shows &#39;zebra&#39;.",
        "Every photograph with its caption",
    ):
        assert part in text
    assert text.count("data:image/jpeg;base64,") > 50
    assert (tmp_path / "report" / "variants" / "variants.csv").exists()
    assert "model2-lite" in output.out and "model5-lite" in output.out
    samples = len(list((tmp_path / "data" / "samples").iterdir()))
    assert f"{samples} new photographs, 0 unchanged, 0 failed" in output.err

    monkeypatch.setattr(trainings, "train_and_draw", lambda *run: pytest.fail(f"trained again: {run}"))
    again = call(demo, "--data", DATA)
    assert again.code == 0
    assert again.err.count("trained before") == 2
    assert f"0 new photographs, {samples} unchanged, 0 failed" in again.err
    assert again.out.splitlines()[-1] == output.out.splitlines()[-1]


def test_training_that_was_cut_is_gone_on_with(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed: list[bool] = []

    def cut(run: Any, device: Any, resume: bool) -> None:
        resumed.append(resume)
        run.folder.mkdir(parents=True, exist_ok=True)
        (run.folder / "state.json").write_text("{}")

    monkeypatch.setattr(trainings, "train_and_draw", cut)
    first = service.trained("model2-lite", tmp_path, DATA)
    assert service.trained("model2-lite", tmp_path, DATA) == first
    assert resumed == [False, True]


def test_photographs_are_asked_in_the_default_mode(
    call: Call, shipped: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture was compared by `jaccard`, by which "sitting on a" was all that hits of one's own shared."""
    modes, show = list[str](), service._found

    def found(result: SearchResult, title: str) -> service.Part:
        modes.append(result.mode)
        return show(result, title)

    monkeypatch.setattr(service, "_found", found)
    assert call(demo, "--photos", photos).code == 0
    assert modes and set(modes) == {"auto"}


def test_own_photographs_take_the_place_of_all_the_rest(call: Call, shipped: Path, photos: Path) -> None:
    (photos / "a broken one.jpg").write_text("no picture")
    output = call(demo, "--photos", photos, "--query", photos / "red-circle-0.png")
    assert output.code == 0
    assert re.search(r"^red-circle-0\.png .*\n 1 .* red-circle-1\.png", output.out, re.M)
    assert "left out: " in output.err and "a broken one.jpg" in output.err
    assert "Scenes" not in output.err
    text = Path(output.out.splitlines()[-1]).read_text()
    assert "Every photograph with its caption" in text
    assert "The first hit, measured" not in text


def test_first_photograph_that_can_be_read_is_the_query_where_none_is_given(
    shipped: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "0.jpg").write_text("no picture")
    assert demo.main(["--photos", str(photos)]) == 0
    assert "\nblue-circle-0.png " in "\n" + capsys.readouterr().out


def test_folder_without_pictures_is_a_clear_error(shipped: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadSetting, match="empty holds no pictures that can be read"):
        demo.main(["--photos", "empty"])


def test_missing_folder_is_a_clear_error(shipped: Path) -> None:
    with pytest.raises(BadSetting, match="PHOTOS=nowhere is not a folder"):
        demo.main(["--photos", "nowhere"])


@pytest.mark.parametrize("more", [(), ("--photos", ".")])
def test_missing_query_is_found_before_anything_is_done(
    shipped: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    with pytest.raises(BadImage, match=r"gone\.jpg does not exist"):
        demo.main(["--query", "gone.jpg", *more])
    assert list(tmp_path.iterdir()) == []


def test_right_first_hits_are_counted_by_object_and_colour() -> None:
    shown = {
        "a": ("boat", "red", "sea"),
        "b": ("boat", "red", "lake"),
        "c": ("boat", "blue", "sea"),
        "d": ("car", "red", "road"),
    }
    items = [Item(name, None, labels=labels) for name, labels in shown.items()]
    answers = [
        [Hit(1, 1.0, "", "", id="b"), Hit(2, 0.5, "", "", id="c")],
        [Hit(1, 1.0, "", "", id="c")],
        [Hit(1, 1.0, "", "", id="a")],
        [],
    ]
    assert service.first_hit_rate(items, answers) == 0.25


def test_query_from_elsewhere_is_captioned_too(
    shipped: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = shape(tmp_path / "elsewhere.png", "yellow", "square", 321)
    assert demo.main(["--photos", str(photos), "--query", str(query)]) == 0
    assert re.search(r"^elsewhere\.png .*\n 1 .*yellow-square", capsys.readouterr().out, re.M)


def test_first_hit_shows_the_same_thing_in_the_same_colour_after_the_demos_own_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small part of the real set, and a smaller decoder; benchmarks/first_hit.py measures the whole."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(service, "SETTINGS", (*service.SETTINGS, "hidden_dim=128"))
    data = "scenes:count=64"
    items = open_dataset(data).split("test")
    checkpoint = service.trained(service.VARIANTS[0], tmp_path, data)
    compared = comparisons.compare_one(checkpoint, items, [], comparisons.Measuring())
    hits = [compared_captions.top_hits(compared, picture, 1) for picture in range(len(items))]
    assert len(items) == 12
    assert service.first_hit_rate(items, hits) >= 0.9
