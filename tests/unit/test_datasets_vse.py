"""Reading and writing the VSE systems' text and arrays."""

from pathlib import Path

import numpy as np
import pytest

from captionret.datasets import open_dataset
from captionret.datasets.vse import write_split
from captionret.errors import BadDataset


def captions(count: int) -> list[list[str]]:
    return [[f"caption {number} of image {index}" for number in range(5)] for index in range(count)]


def features(count: int, columns: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, columns)).astype(np.float32)


@pytest.mark.parametrize("repeat", [True, False])
def test_what_is_written_is_read_back_in_both_layouts(tmp_path: Path, repeat: bool) -> None:
    rows = features(4)
    write_split(tmp_path, "f8k", "val", captions(3), rows[:3], repeat)
    _, array = write_split(tmp_path, "f8k", "train", captions(1), rows[3:], repeat)
    assert np.load(array).shape == ((5, 3) if repeat else (1, 3))
    dataset = open_dataset(f"vse:{tmp_path}/f8k")
    assert [(item.id, item.split, item.path) for item in dataset.items] == [("train/0", "train", None)] + [
        (f"val/{index}", "val", None) for index in range(3)
    ]
    assert [list(item.captions) for item in dataset.items[1:]] == captions(3)
    assert dataset.features is not None
    assert dataset.features.dtype == np.float32
    np.testing.assert_array_equal(dataset.features, rows[[3, 0, 1, 2]])
    assert dataset.notes == ("No f8k_test_caps.txt: there is no split 'test'.",)


def test_a_folder_with_one_name_is_enough_and_with_two_is_not(tmp_path: Path) -> None:
    write_split(tmp_path, "f8k", "test", captions(2), features(2))
    assert len(open_dataset(f"vse:{tmp_path}").items) == 2
    write_split(tmp_path, "coco", "test", captions(2), features(2))
    with pytest.raises(BadDataset, match="names found: coco, f8k"):
        open_dataset(f"vse:{tmp_path}")


def test_line_breaks_inside_captions_never_shift_the_others(tmp_path: Path) -> None:
    texts = captions(2)
    texts[0][1] = "two\r\nlines\u2028here"
    texts[0][4] = ""
    write_split(tmp_path, "x", "test", texts, features(2))
    dataset = open_dataset(f"vse:{tmp_path}")
    assert dataset.items[0].captions[1] == "two lines\u2028here"
    assert list(dataset.items[1].captions) == texts[1]
    assert "1 empty caption was left out." in dataset.notes


def test_rows_that_differ_within_one_image_are_an_error_with_their_numbers(tmp_path: Path) -> None:
    _, file = write_split(tmp_path, "x", "test", captions(3), features(3))
    rows = np.load(file)
    rows[7] += 1
    np.save(file, rows)
    with pytest.raises(BadDataset, match=r"x_test_ims\.npy: rows 5 to 9 .* differ"):
        open_dataset(f"vse:{tmp_path}")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_value_that_is_no_finite_float32_is_an_error_with_its_row(tmp_path: Path, value: float) -> None:
    _, file = write_split(tmp_path, "x", "test", captions(3), features(3), repeat=False)
    rows = np.load(file).astype(np.float64)
    rows[2, 1] = value
    np.save(file, rows)
    with pytest.raises(BadDataset, match=r"x_test_ims\.npy, row 2 \(from 0\) holds NaN or infinity"):
        open_dataset(f"vse:{tmp_path}")


def test_faults_behind_the_first_block_are_named_by_their_own_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("captionret.datasets.vse._CHUNK", 10)
    rows = features(7)
    _, file = write_split(tmp_path, "x", "test", captions(7), rows)
    np.testing.assert_array_equal(open_dataset(f"vse:{tmp_path}").features, rows)
    stored = np.load(file)
    stored[23] += 1
    np.save(file, stored)
    with pytest.raises(BadDataset, match="rows 20 to 24"):
        open_dataset(f"vse:{tmp_path}")


@pytest.mark.parametrize("count", [1, 9, 11, 14])
def test_counts_that_fit_neither_layout_are_an_error_with_both(tmp_path: Path, count: int) -> None:
    _, file = write_split(tmp_path, "x", "test", captions(2), features(2))
    np.save(file, features(count))
    with pytest.raises(BadDataset, match=rf"has {count} rows? for 10 captions"):
        open_dataset(f"vse:{tmp_path}")


def test_splits_of_different_width_are_an_error(tmp_path: Path) -> None:
    write_split(tmp_path, "x", "train", captions(2), features(2, 3))
    write_split(tmp_path, "x", "test", captions(2), features(2, 4))
    with pytest.raises(BadDataset, match=r"\[3, 4\] columns"):
        open_dataset(f"vse:{tmp_path}")


def test_an_array_without_captions_and_captions_without_an_array_are_errors(tmp_path: Path) -> None:
    texts, array = write_split(tmp_path, "x", "test", captions(2), features(2))
    write_split(tmp_path, "x", "train", captions(2), features(2))
    array.unlink()
    with pytest.raises(BadDataset, match=r"x_test_ims\.npy does not exist"):
        open_dataset(f"vse:{tmp_path}")
    write_split(tmp_path, "x", "test", captions(2), features(2))
    texts.unlink()
    with pytest.raises(BadDataset, match=r"x_test_caps\.txt cannot be read"):
        open_dataset(f"vse:{tmp_path}")


def test_what_the_format_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="Image 1 has 4 captions"):
        write_split(tmp_path, "x", "test", [*captions(1), captions(1)[0][:4]], features(2))
    with pytest.raises(BadDataset, match=r"2 images have features of shape \(3, 3\)"):
        write_split(tmp_path, "x", "test", captions(2), features(3))
    with pytest.raises(BadDataset, match="no split 'restval'"):
        write_split(tmp_path, "x", "restval", captions(2), features(2))
    assert list(tmp_path.iterdir()) == []
