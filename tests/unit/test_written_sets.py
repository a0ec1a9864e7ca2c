"""Data sets split, merged, sampled and converted: by images, without loss, and nearly equal pictures
together."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from photographs import encoded, photograph
from typed import Call

from captionret.cli import merge as merge_command
from captionret.cli import sample as sample_command
from captionret.cli import split as split_command
from captionret.datasets import Dataset, open_dataset
from captionret.datasets.alike import Alike, alike_items
from captionret.datasets.parts import merge, read_shares, sample, split
from captionret.datasets.vse import write_split
from captionret.datasets.writing import write_dataset
from captionret.datasets.writing.tables import write_table
from captionret.errors import BadDataset, BadSetting
from captionret.records import Item

FIVE = tuple(f'a dog no. {number}, "seen" here' for number in range(5))


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 20 pictures: 18 unlike each other, and two that are nearly 3.jpg."""
    folder = tmp_path_factory.mktemp("mine")
    images = {f"{number}.jpg": encoded(photograph(number)) for number in range(18)}
    images |= {
        "poor.jpg": encoded(photograph(3), quality=30),
        "sub/small.jpg": encoded(photograph(3).resize((144, 108))),
    }
    rows = []
    for place, (name, content) in enumerate(images.items()):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        rows += [(name, caption, ("train", "val", "test")[place % 3]) for caption in FIVE]
    write_table(folder / "captions.csv", ("image", "caption", "split"), rows)
    return folder / "captions.csv"


def contents(data: Dataset) -> dict[bytes, tuple[tuple[str, ...], str | None]]:
    return {item.path.read_bytes(): (item.captions, item.split) for item in data.items if item.path}


@pytest.mark.parametrize("form", ["table", "coco", "flickr8k", "karpathy"])
@pytest.mark.parametrize("pictures", ["link", "copy"])
def test_every_format_gives_back_what_was_written(
    mine: Path, tmp_path: Path, form: str, pictures: str
) -> None:
    data = open_dataset(f"table:{mine}")
    spec = write_dataset(data.items, tmp_path / "out", form, pictures)
    again = open_dataset(spec)
    assert spec.startswith(f"{form}:") and contents(again) == contents(data)
    first, second = (
        sorted(one.path.stat().st_ino for one in found.items if one.path) for found in (data, again)
    )
    assert (first == second) == (pictures == "link")
    unsplit = [Item(one.id, one.path, one.captions) for one in data.items]
    assert open_dataset(write_dataset(unsplit, tmp_path / "unsplit", form)).splits() == {}


def test_a_table_may_leave_pictures_where_they_are(mine: Path, tmp_path: Path) -> None:
    data = open_dataset(f"table:{mine}")
    spec = write_dataset(data.items, tmp_path / "out", "table", "leave")
    assert contents(open_dataset(spec)) == contents(data) and not (tmp_path / "out/images").exists()
    with pytest.raises(BadSetting, match="Only a table names pictures that lie elsewhere"):
        write_dataset(data.items, tmp_path / "other", "coco", "leave")


def test_arrays_of_the_vse_systems_are_split_and_sampled_as_pictures_are(tmp_path: Path) -> None:
    captions = [[f"{number} {text}" for text in FIVE] for number in range(8)]
    rows = np.arange(24, dtype=np.float32).reshape(8, 3)
    (tmp_path / "a").mkdir()
    write_split(tmp_path / "a", "x", "train", captions, rows)
    data = open_dataset(f"vse:{tmp_path / 'a'}")
    assert data.features is not None
    items = split(data.items, {"train": 0.5, "val": 0.25, "test": 0.25})
    again = open_dataset(write_dataset(items, tmp_path / "b", "vse", features=data.features))
    assert again.splits() == {"train": 4, "val": 2, "test": 2} and again.features is not None
    found = {one.captions: row.tolist() for one, row in zip(again.items, again.features, strict=True)}
    assert found == {tuple(own): row.tolist() for own, row in zip(captions, rows, strict=True)}
    with pytest.raises(BadSetting, match="have no picture"):
        write_dataset(items, tmp_path / "c", "coco")
    with pytest.raises(BadSetting, match="Name what makes them: a backbone"):
        write_dataset(items, tmp_path / "d", "vse")


def test_shares_are_kept_and_images_stay_in_their_parts_when_others_come() -> None:
    items = [Item(str(number), None) for number in range(1000)]
    shares = read_shares("train=.8, val=.1,test=.1")
    parts = split(items, shares)
    assert Counter(one.split for one in parts) == {"train": 800, "val": 100, "test": 100}
    assert [one.id for one in parts] == [one.id for one in items]
    more = split([*items, *(Item(f"n{number}", None) for number in range(100))], shares)
    assert sum(one.split != other.split for one, other in zip(parts, more, strict=False)) < 60
    assert split(items, shares, seed=1) != parts
    for text in ("train", "train=.5,val=.6", "train=1.5", "=1", "train=0,val=1"):
        with pytest.raises(BadSetting, match="train"):
            read_shares(text)


def test_nearly_equal_pictures_are_found_and_stay_in_one_split(mine: Path) -> None:
    items = open_dataset(f"table:{mine}").items
    alike = alike_items(items)
    assert alike.pairs == ((3, 18), (3, 19), (18, 19))
    assert [3, 18, 19] in alike.groups(20) and len(alike.groups(20)) == 18
    assert {frozenset((one.id, other.id)) for one, other in alike.across(items)} == {
        frozenset(("3.jpg", "sub/small.jpg")),
        frozenset(("poor.jpg", "sub/small.jpg")),
    }
    for seed in range(10):
        parts = split(items, {"train": 0.5, "test": 0.5}, seed, alike.groups(20))
        assert len({parts[place].split for place in (3, 18, 19)}) == 1
        assert 8 <= sum(one.split == "train" for one in parts) <= 12
    assert Alike(((0, 1), (1, 2))).groups(4) == [[0, 1, 2], [3]]


def test_a_merge_keeps_each_picture_once_with_all_its_captions(mine: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes((mine.parent / "1.jpg").read_bytes())
    (tmp_path / "2.jpg").write_bytes(encoded(photograph(77)))
    write_table(tmp_path / "t.csv", ("file", "text"), [("a.jpg", "one more"), ("2.jpg", "other")])
    items, notes = merge([open_dataset(f"table:{mine}"), open_dataset(f"table:{tmp_path / 't.csv'}")])
    found = {item.id: item for item in items}
    assert len(items) == 21 and found["1.jpg"].captions == (*FIVE, "one more")
    assert found["1/2.jpg"].captions == FIVE and found["2/2.jpg"].captions == ("other",)
    assert notes == ["1 picture stood twice; its captions are put together."]


def test_a_sample_is_the_same_each_time() -> None:
    items = [Item(str(number), None, FIVE) for number in range(50)]
    drawn = sample(items, 10, seed=3, captions=2)
    assert drawn == sample(items, 10, seed=3, captions=2) and len(drawn) == 10
    assert all(one.captions == FIVE[:2] for one in drawn) and drawn != sample(items, 10, seed=4, captions=2)
    with pytest.raises(BadSetting, match="51 of them cannot be drawn"):
        sample(items, 51)
    with pytest.raises(BadSetting, match=r"^0 images cannot be drawn\. Choose 1 or more\.$"):
        sample(items, 0)


def test_what_a_format_cannot_hold_is_refused_before_anything_is_written(mine: Path, tmp_path: Path) -> None:
    items = [Item("a", mine.parent / "1.jpg", ("a",), "rest-1")]
    for form in ("coco", "flickr8k"):
        with pytest.raises(BadSetting, match="rest-1"):
            write_dataset(items, tmp_path / form, form)
        assert not (tmp_path / form).exists()
    with pytest.raises(BadSetting, match="holds something"):
        write_dataset(items, mine.parent)
    with pytest.raises(BadDataset, match="No picture is left"):
        write_dataset([], tmp_path / "none")
    gone = [Item("a", tmp_path / "gone.jpg", ("a",))]
    with pytest.raises(BadDataset, match=r"gone.jpg cannot be put to"):
        write_dataset(gone, tmp_path / "gone")


def test_names_that_meet_in_one_folder_are_told_apart_in_any_case(tmp_path: Path) -> None:
    items = []
    for place, name in enumerate(("a/X.jpg", "b/x.jpg", "c/x.JPG", "d/we#ird?.jpg")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(encoded(photograph(place)))
        items.append(Item(name, tmp_path / name, (f"no. {place}",), "train"))
    again = open_dataset(write_dataset(items, tmp_path / "out", "flickr8k"))
    assert len({one.id.casefold() for one in again.items}) == 4
    assert contents(again) == {one.path.read_bytes(): (one.captions, "train") for one in items if one.path}


def test_the_commands_write_and_report(mine: Path, call: Call, tmp_path: Path) -> None:
    done = call(split_command, f"table:{mine}", "--format", "karpathy", "--out", "kept", "--json")
    assert done.code == 0 and json.loads(done.out)["near-duplicates across splits"] == 2, done.err
    assert "2 pairs of nearly equal pictures in different splits" in done.err
    assert len((tmp_path / "kept/near-duplicates.csv").read_text("utf-8").splitlines()) == 3
    done = call(split_command, f"table:{mine}", "--parts", "train=.7,test=.3", "--out", "drawn")
    assert done.out.startswith("table:drawn/captions.csv\nimages 20  captions 100  train 14  test 6"), (
        done.out
    )
    assert "nearly equal" not in done.err
    done = call(
        sample_command, f"table:{mine}", "--count", 4, "--split", "val", "--captions", 1, "--out", "few"
    )
    assert "images 4  captions 4  val 4" in done.out
    done = call(
        merge_command,
        f"table:{mine}",
        f"table:{tmp_path / 'few/captions.csv'}",
        "--out",
        "all",
        "--format",
        "coco",
    )
    assert "coco:all\nimages 20  captions 100" in done.out and "4 pictures stood twice" in done.err
    assert call(split_command, f"table:{mine}", "--parts", "train=.7", "--out", "x").code == 2
    assert "There is no data set kind" in call(merge_command, "tabel:x", "--out", "x").err
