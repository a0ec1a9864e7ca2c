"""Reading COCO's JSON and Karpathy's split files."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from captionret.datasets import open_dataset
from captionret.errors import BadDataset


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def make(
    root: Path,
    part: str,
    images: list[tuple[int, str]],
    annotations: list[tuple[int, int, str]],
    absent: tuple[str, ...] = (),
) -> Path:
    for _, name in images:
        if name not in absent:
            touch(root / part / name)
    content = {
        "images": [{"id": key, "file_name": name} for key, name in images],
        "annotations": [
            {"id": key, "image_id": image, "caption": caption} for key, image, caption in annotations
        ],
    }
    file = root / "annotations" / f"captions_{part}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def make_both(root: Path) -> str:
    make(
        root,
        "train2014",
        [(9, "t9.jpg"), (3, "t3.jpg")],
        [(1, 3, "A cat.\n"), (2, 9, "A dog."), (3, 3, "One cat.")],
    )
    make(root, "val2014", [(5, "v5.jpg")], [(4, 5, "A bird.")])
    return f"coco:{root}"


def make_karpathy(file: Path, *images: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"images": images}), encoding="utf-8")


def entry(name: str, split: str, *captions: str, **more: Any) -> dict[str, Any]:
    return {"filename": name, "split": split, "sentences": [{"raw": caption} for caption in captions], **more}


def test_splits_come_from_the_file_names_and_order_from_the_image_lists(tmp_path: Path) -> None:
    dataset = open_dataset(make_both(tmp_path))
    assert [(item.id, item.split, item.captions) for item in dataset.items] == [
        ("9", "train", ("A dog.",)),
        ("3", "train", ("A cat.", "One cat.")),
        ("5", "val", ("A bird.",)),
    ]
    assert dataset.items[2].path == tmp_path / "val2014" / "v5.jpg"
    assert dataset.notes == (
        "COCO's captions have no test split: put Karpathy's dataset_coco.json into the folder to have one.",
    )


def test_one_json_file_can_be_read_alone_and_nothing_goes_to_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_both(tmp_path)
    dataset = open_dataset(f"coco:{tmp_path}/annotations/captions_val2014.json")
    assert [item.id for item in dataset.items] == ["5"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("place", ["dataset_coco.json", "annotations/dataset_coco.json"])
def test_karpathys_splits_are_used_where_his_file_is_present(tmp_path: Path, place: str) -> None:
    spec = make_both(tmp_path)
    make_karpathy(tmp_path / place, entry("t9.jpg", "train", cocoid=9), entry("v5.jpg", "restval", cocoid=5))
    dataset = open_dataset(spec)
    assert [(item.id, item.split) for item in dataset.items] == [
        ("9", "train"),
        ("3", None),
        ("5", "restval"),
    ]
    assert "1 image was not in dataset_coco.json and in no split." in dataset.notes


def test_missing_files_empty_captions_and_strange_annotations_are_all_told(tmp_path: Path) -> None:
    annotations = [(1, 1, "A dog."), (2, 1, " \n"), (3, 77, "Whose?"), (1, 1, "A dog."), (1, 1, "A wet dog.")]
    make(
        tmp_path,
        "train2014",
        [(1, "a.jpg"), (2, "b.jpg"), (3, "c.jpg"), (1, "a.jpg")],
        annotations,
        absent=("b.jpg",),
    )
    dataset = open_dataset(f"coco:{tmp_path}")
    assert [item.captions for item in dataset.items] == [("A dog.", "A wet dog."), ()]
    assert dataset.missing == ("train2014/b.jpg",)
    notes = " ".join(dataset.notes)
    for part in (
        "1 repeated image record was read only once",
        "1 repeated annotation was read only once",
        "1 annotation id was used for another caption too",
        "1 caption was left out: no such image in the list (first: id 77)",
        "2 images were listed without a caption",
        "1 empty caption was left out",
    ):
        assert part in notes


def test_an_image_id_that_stands_for_two_files_is_an_error(tmp_path: Path) -> None:
    make(tmp_path, "train2014", [(1, "a.jpg"), (1, "b.jpg")], [])
    with pytest.raises(
        BadDataset,
        match=r"captions_train2014\.json, images\[1\]: the image id 1 stands for 'a\.jpg' and for 'b\.jpg'",
    ):
        open_dataset(f"coco:{tmp_path}")


def test_two_files_that_share_images_are_an_error_that_says_which(tmp_path: Path) -> None:
    make(tmp_path, "val2014", [(1, "a.jpg")], [])
    make(tmp_path, "val2017", [(1, "a.jpg")], [])
    with pytest.raises(
        BadDataset,
        match=r"image id 1 stands in more than one of captions_val2014\.json, captions_val2017\.json",
    ):
        open_dataset(f"coco:{tmp_path}")


def test_the_real_coco_part_agrees_with_pycocotools(shared_data: Callable[[str], Path]) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    root = shared_data("coco")
    dataset = open_dataset(f"coco:{root}")
    assert dataset.splits() == {"train": 4998, "val": 707}
    assert sum(len(item.captions) for item in dataset.items) == 25005 + 3536
    assert dataset.missing == ()
    with contextlib.redirect_stdout(io.StringIO()):
        index = coco.COCO(str(root / "annotations/captions_val2014.json"))
    for item in dataset.split("val"):
        expected = [
            annotation["caption"].strip()
            for annotation in index.loadAnns(index.getAnnIds(imgIds=int(item.id)))
        ]
        assert list(item.captions) == expected
        assert item.path is not None
        assert item.path.name == index.imgs[int(item.id)]["file_name"]


def test_karpathy_finds_pictures_beside_the_file_by_filepath_and_in_an_image_folder(tmp_path: Path) -> None:
    for name in ("a.jpg", "images/b.jpg", "train2014/c.jpg", "images/val2014/d.jpg"):
        touch(tmp_path / name)
    images = [
        entry("a.jpg", "train", "A."),
        entry("b.jpg", "restval", "B."),
        entry("c.jpg", "val", "C.", filepath="train2014", cocoid=7),
    ]
    make_karpathy(
        tmp_path / "dataset_x.json",
        *images,
        entry("d.jpg", "test", "D.", filepath="val2014"),
        entry("../e.jpg", "test", "E."),
    )
    dataset = open_dataset(f"karpathy:{tmp_path}")
    assert [(item.id, item.split, item.captions) for item in dataset.items] == [
        ("a.jpg", "train", ("A.",)),
        ("b.jpg", "restval", ("B.",)),
        ("7", "val", ("C.",)),
        ("val2014/d.jpg", "test", ("D.",)),
    ]
    assert dataset.missing == ("../e.jpg",)
    assert list(dataset.splits()) == ["train", "val", "test", "restval"]


def test_karpathy_reads_one_file_of_several_when_it_is_named(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    for name in ("dataset_x.json", "dataset_y.json"):
        make_karpathy(tmp_path / name, entry("a.jpg", "train", name))
    assert open_dataset(f"karpathy:{tmp_path}/dataset_y.json").items[0].captions == ("dataset_y.json",)
    with pytest.raises(
        BadDataset, match=r"exactly one dataset_\*\.json; found dataset_x\.json, dataset_y\.json"
    ):
        open_dataset(f"karpathy:{tmp_path}")
