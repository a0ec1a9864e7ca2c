"""Reading Flickr8k's token file and image lists."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from captionret.datasets import open_dataset
from captionret.errors import BadDataset


def make(root: Path, tokens: str, images: tuple[str, ...] = ("a.jpg", "b.jpg", "c.jpg"), **lists: str) -> str:
    (root / "Flicker8k_Dataset").mkdir()
    (root / "Flickr8k_text").mkdir()
    for name in images:
        (root / "Flicker8k_Dataset" / name).write_bytes(b"")
    (root / "Flickr8k_text/Flickr8k.token.txt").write_text(tokens, encoding="utf-8")
    for split, content in ({"train": "a.jpg\n", "dev": "b.jpg\n", "test": ""} | lists).items():
        (root / f"Flickr8k_text/Flickr_8k.{split}Images.txt").write_text(content, encoding="utf-8")
    return f"flickr8k:{root}"


TOKENS = "b.jpg#0\tA dog .\nb.jpg#1\tA brown dog .\na.jpg#0\tA cat\tsleeps .\nc.jpg#0\tA bird .\n"


def test_items_keep_the_token_files_order_and_dev_is_val(tmp_path: Path) -> None:
    dataset = open_dataset(make(tmp_path, TOKENS))
    assert [(item.id, item.split) for item in dataset.items] == [
        ("b.jpg", "val"),
        ("a.jpg", "train"),
        ("c.jpg", None),
    ]
    assert dataset.items[0].captions == ("A dog .", "A brown dog .")
    assert dataset.items[1].captions == ("A cat\tsleeps .",)
    assert dataset.items[0].path == tmp_path / "Flicker8k_Dataset" / "b.jpg"
    assert (dataset.missing, dataset.notes) == ((), ())


def test_names_without_a_file_are_reported_and_not_fatal(tmp_path: Path) -> None:
    dataset = open_dataset(
        make(tmp_path, TOKENS + "x.jpg.1#0\tLost .\nx.jpg.1#1\tLost too .\n", train="a.jpg\ngone.jpg\n")
    )
    assert dataset.missing == ("x.jpg.1", "gone.jpg")
    assert len(dataset.items) == 3


def test_names_that_lead_out_of_the_folder_are_missing(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"")
    dataset = open_dataset(make(tmp_path, TOKENS + "../secret.jpg#0\tOutside .\n"))
    assert dataset.missing == ("../secret.jpg",)


def test_empty_captions_and_pictures_without_captions_are_counted(tmp_path: Path) -> None:
    dataset = open_dataset(
        make(tmp_path, TOKENS + "a.jpg#1\t  \n", images=("a.jpg", "b.jpg", "c.jpg", "new.jpg"))
    )
    assert dataset.items[1].captions == ("A cat\tsleeps .",)
    assert any("1 empty caption was left out" in note for note in dataset.notes)
    assert any("1 file was left out" in note for note in dataset.notes)


def test_a_line_that_stands_twice_is_read_once(tmp_path: Path) -> None:
    dataset = open_dataset(make(tmp_path, TOKENS + "b.jpg#0\tA dog .\n"))
    assert dataset.items[0].captions == ("A dog .", "A brown dog .")
    assert dataset.notes == ("1 repeated line was read only once.",)


def test_a_caption_number_used_for_two_captions_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"token\.txt, line 5: 'b\.jpg#0' already has another caption"):
        open_dataset(make(tmp_path, TOKENS + "b.jpg#0\tA horse .\n"))


@pytest.mark.parametrize("line", ["c.jpg A bird .", "c.jpg\tA bird .", "c.jpg#x\tA bird .", "#0\tA bird ."])
def test_a_malformed_line_is_an_error_with_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(BadDataset, match=r"token\.txt, line 5: expected"):
        open_dataset(make(tmp_path, TOKENS + line + "\n"))


def test_a_picture_in_two_lists_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        BadDataset, match=r"testImages\.txt, line 2: 'a\.jpg' is already in the split 'train'"
    ):
        open_dataset(make(tmp_path, TOKENS, test="c.jpg\na.jpg\n"))


def test_windows_line_ends_a_byte_order_mark_and_unusual_separators_change_nothing(tmp_path: Path) -> None:
    tokens = "\ufeff" + TOKENS.replace("\n", "\r\n").replace("A bird", "A\u2028bird\x0c here")
    dataset = open_dataset(make(tmp_path, tokens, train="a.jpg\r\n"))
    assert [item.id for item in dataset.items] == ["b.jpg", "a.jpg", "c.jpg"]
    assert dataset.items[2].captions == ("A\u2028bird\x0c here .",)
    assert dataset.splits() == {"train": 1, "val": 1}


def test_a_missing_list_is_noted(tmp_path: Path) -> None:
    spec = make(tmp_path, TOKENS)
    (tmp_path / "Flickr8k_text/Flickr_8k.testImages.txt").unlink()
    assert "Flickr_8k.testImages.txt" in open_dataset(spec).notes[0]


def test_the_real_flickr8k_is_read_whole_and_quickly(shared_data: Callable[[str], Path]) -> None:
    start = time.process_time()
    dataset = open_dataset(f"flickr8k:{shared_data('flickr8k')}")
    assert time.process_time() - start < 2
    assert dataset.splits() == {"train": 6000, "val": 1000, "test": 1000}
    assert len(dataset.items) == 8091
    assert sum(len(item.captions) for item in dataset.items) == 40455
    assert {len(item.captions) for item in dataset.items} == {5}
    assert all(name.endswith(".jpg.1") for name in dataset.missing)
