"""Collections that are broken, contradict themselves or are something else: each a clear error, none a
traceback or a silent loss."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from captionret.datasets import READERS, open_dataset
from captionret.errors import BadDataset, UnknownName

FILE_KINDS = sorted(set(READERS) - {"scenes"})  # the built-in set has no files


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_a_path_that_does_not_exist_is_named(tmp_path: Path, kind: str) -> None:
    with pytest.raises(BadDataset, match="nowhere"):
        open_dataset(f"{kind}:{tmp_path}/nowhere.csv")


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_an_empty_folder_is_an_error_that_names_it(tmp_path: Path, kind: str) -> None:
    with pytest.raises(BadDataset, match=str(tmp_path)):
        open_dataset(f"{kind}:{tmp_path}")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("flickr8k", "Flicker8k_Dataset"),
        ("coco", r"annotations/captions_\*\.json"),
        ("karpathy", r"dataset_\*\.json"),
        ("vse", r"_caps\.txt"),
        ("pascal", "<category>/<name>.jpg"),
    ],
)
def test_a_folder_of_another_kind_says_what_was_expected_where(
    tmp_path: Path, kind: str, expected: str
) -> None:
    write(tmp_path / "holiday.jpg", b"")
    with pytest.raises(BadDataset, match=expected):
        open_dataset(f"{kind}:{tmp_path}")


BROKEN = {
    "cut short": '{"images": [{"id": 1, "file_na',
    "a list": "[]",
    "a number": "3",
    "no image list": '{"annotations": []}',
    "images that are text": '{"images": ["a.jpg"], "annotations": []}',
    "an id that is a list": '{"images": [{"id": [1], "file_name": "a.jpg"}], "annotations": []}',
    "a caption that is a number": json.dumps(
        {
            "images": [
                {
                    "id": 1,
                    "file_name": "a.jpg",
                    "filename": "a.jpg",
                    "split": "train",
                    "sentences": [{"raw": 7}],
                }
            ],
            "annotations": [{"id": 1, "image_id": 1, "caption": 7}],
        }
    ),
    "no file name": '{"images": [{"id": 1, "filename": "a.jpg", "split": "train"}], "annotations": []}',
    "not UTF-8": b'{"images": [{"id": 1, "file_name": "caf\xe9.jpg"}]}',
    "empty": "",
    "nested without end": "[" * 100_000,
    "a number too long for Python": '{"images": [' + "1" * 5_000 + "]}",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_json_is_an_error_with_the_files_name(tmp_path: Path, content: str | bytes) -> None:
    write(tmp_path / "annotations/captions_train2014.json", content)
    write(tmp_path / "dataset_x.json", content)
    with pytest.raises(BadDataset, match=r"captions_train2014\.json"):
        open_dataset(f"coco:{tmp_path}")
    with pytest.raises(BadDataset, match=r"dataset_x\.json"):
        open_dataset(f"karpathy:{tmp_path}")


def test_the_broken_record_is_named_by_its_place(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": 2}]
    write(tmp_path / "annotations/captions_train2014.json", json.dumps({"images": images, "annotations": []}))
    with pytest.raises(BadDataset, match=r"images\[1\] should have 'file_name' as text"):
        open_dataset(f"coco:{tmp_path}")


def test_undecodable_bytes_are_named_by_file_and_line(tmp_path: Path) -> None:
    line = b"a.jpg#0\tA caf\xe9 .\n"
    write(tmp_path / "Images/a.jpg", b"")
    write(tmp_path / "Flickr8k.token.txt", b"\xef\xbb\xbfa.jpg#1\tA bar .\n" + line)
    with pytest.raises(BadDataset, match=r"Flickr8k\.token\.txt, line 2: byte 0xe9 is not UTF-8"):
        open_dataset(f"flickr8k:{tmp_path}")
    table = write(tmp_path / "t.csv", b"image,caption\na.jpg,caf\xe9\n")
    with pytest.raises(BadDataset, match=r"t\.csv, line 2: byte 0xe9"):
        open_dataset(f"table:{table}")
    write(tmp_path / "x_test_caps.txt", line)
    np.save(tmp_path / "x_test_ims.npy", np.ones((1, 2)))
    with pytest.raises(BadDataset, match=r"x_test_caps\.txt, line 1: byte 0xe9"):
        open_dataset(f"vse:{tmp_path}")
    write(tmp_path / "dataset/cat/1.jpg", b"")
    write(tmp_path / "sentence/cat/1.txt", b"ok\n\xff\n")
    with pytest.raises(BadDataset, match=r"1\.txt, line 2: byte 0xff"):
        open_dataset(f"pascal:{tmp_path}")


def test_captions_without_any_picture_are_an_error_that_counts_them(tmp_path: Path) -> None:
    (tmp_path / "Images").mkdir()
    write(tmp_path / "Flickr8k.token.txt", "a.jpg#0\tA .\nb.jpg#0\tB .\n")
    with pytest.raises(
        BadDataset, match=r"holds no images\. 2 files are named and missing \(first: 'a\.jpg'\)"
    ):
        open_dataset(f"flickr8k:{tmp_path}")


def test_an_image_that_stands_twice_in_a_split_file_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", b"")
    image = {"filename": "a.jpg", "split": "train", "sentences": []}
    write(tmp_path / "dataset_x.json", json.dumps({"images": [image, image | {"split": "test"}]}))
    with pytest.raises(BadDataset, match=r"the image id 'a\.jpg' stands more than once"):
        open_dataset(f"karpathy:{tmp_path}")


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jpg",
        "sub/../../secret.jpg",
        "{root}/secret.jpg",
        "nul\0/x.jpg",
        "nul\0.jpg",
        "x" * 300 + "/a.jpg",
        "",
        ".",
        "..",
    ],
)
def test_names_in_a_downloaded_caption_file_never_reach_outside_its_folder(tmp_path: Path, name: str) -> None:
    write(tmp_path / "secret.jpg", b"")
    root = tmp_path / "coco"
    write(root / "train2014/a.jpg", b"")
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": name.format(root=tmp_path)}]
    write(root / "annotations/captions_train2014.json", json.dumps({"images": images, "annotations": []}))
    dataset = open_dataset(f"coco:{root}")
    assert [item.id for item in dataset.items] == ["1"]
    assert len(dataset.missing) == 1


def test_an_array_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "ran"),)

    write(tmp_path / "x_test_caps.txt", "a\n" * 5)
    np.save(tmp_path / "x_test_ims.npy", np.array([[Bomb()]], dtype=object), allow_pickle=True)
    with pytest.raises(BadDataset, match=r"x_test_ims\.npy cannot be read as an array of numbers"):
        open_dataset(f"vse:{tmp_path}")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("keep", [0, 5, 60, 140])
def test_an_array_cut_short_is_an_error(tmp_path: Path, keep: int) -> None:
    write(tmp_path / "x_test_caps.txt", "a\n" * 5)
    file = tmp_path / "x_test_ims.npy"
    np.save(file, np.ones((5, 8), np.float32))
    os.truncate(file, keep)
    with pytest.raises(BadDataset, match=r"x_test_ims\.npy"):
        open_dataset(f"vse:{tmp_path}")


@pytest.mark.parametrize(
    "array",
    [
        np.ones(5),
        np.ones((5, 2, 2)),
        np.ones((0, 4)),
        np.ones((5, 0)),
        np.array([["a"]] * 5),
        np.ones((5, 2), complex),
    ],
)
def test_an_array_of_another_shape_or_kind_is_an_error(tmp_path: Path, array: np.ndarray) -> None:
    write(tmp_path / "x_test_caps.txt", "a\n" * 5)
    np.save(tmp_path / "x_test_ims.npy", array)
    with pytest.raises(BadDataset, match=r"x_test_ims\.npy"):
        open_dataset(f"vse:{tmp_path}")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_a_broken_parquet_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadDataset, match=r"t\.parquet cannot be read as Parquet"):
        open_dataset(f"table:{write(tmp_path / 't.parquet', content)}")


def test_a_table_of_an_unknown_kind_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"t\.xlsx: a table's name must end in"):
        open_dataset(f"table:{write(tmp_path / 't.xlsx', b'PK')}")


def forbid(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """As if `folder` might not be listed; permission bits would not stop a superuser."""
    scandir = os.scandir

    def guarded(path: str | Path) -> object:
        if Path(path) == folder:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)


def test_an_unreadable_subfolder_is_noted_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.jpg", b"")
    write(tmp_path / "locked/b.jpg", b"")
    forbid(monkeypatch, tmp_path / "locked")
    dataset = open_dataset(f"folder:{tmp_path}")
    assert [item.id for item in dataset.items] == ["a.jpg"]
    assert dataset.notes == (f"Not read: {tmp_path}/locked: Permission denied",)


def test_an_unreadable_image_folder_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "Images/a.jpg", b"")
    write(tmp_path / "Flickr8k.token.txt", "a.jpg#0\tA .\n")
    forbid(monkeypatch, tmp_path / "Images")
    with pytest.raises(BadDataset, match=r"Images cannot be listed \(Permission denied\)"):
        open_dataset(f"flickr8k:{tmp_path}")


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_a_path_the_system_refuses_is_an_error_and_no_traceback(kind: str) -> None:
    with pytest.raises(BadDataset):
        open_dataset(f"{kind}:/{'x' * 300}")


def test_a_name_that_is_not_utf8_is_left_out_and_told(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", b"")
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    dataset = open_dataset(f"folder:{tmp_path}")
    assert [item.id for item in dataset.items] == ["a.jpg"]
    assert dataset.notes == ("1 picture was left out: the name is not UTF-8. Rename the file.",)


def test_links_in_a_circle_beside_the_pictures_do_no_harm(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", b"x")
    write(tmp_path / "t.csv", "image,caption\na.jpg,a dog\nloop.jpg,a cat\nno/such.jpg,a cow\n")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "no").symlink_to("no")
    data = open_dataset(f"table:{tmp_path}/t.csv")
    assert [item.id for item in data.items] == ["a.jpg"] and data.missing == ("loop.jpg", "no/such.jpg")
    assert len(open_dataset(f"folder:{tmp_path}").items) == 2, "that one is a link is found when it is read"


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("csv:my.csv", "table:my.csv"),
        ("parquet:my.parquet", "table:my.parquet"),
        ("CSV:my.csv", "table:my.csv"),
        ("my.tsv", "table:my.tsv"),
        ("pictures", "folder:pictures"),
        ("dir:pictures", "folder:pictures"),
        ("mscoco:coco", "coco:coco"),
        ("flicker8k:x", "flickr8k"),
    ],
)
def test_an_unknown_kind_suggests_what_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, meant: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    with pytest.raises(UnknownName, match=f"Did you mean '{meant}'") as error:
        open_dataset(spec)
    assert "table, text, vse" in str(error.value), "and lists what there is"


def test_half_a_letter_in_a_caption_is_repaired_and_noted(tmp_path: Path) -> None:
    """JSON can spell it; neither a file, nor SQLite, nor a tokenizer of another library takes it."""
    write(tmp_path / "1.jpg", b"x")
    images = [
        {"filename": "1.jpg", "split": "train", "sentences": [{"raw": "a \ud83d dog"}, {"raw": "a cat"}]}
    ]
    write(tmp_path / "dataset_x.json", json.dumps({"images": images}))
    data = open_dataset(f"karpathy:{tmp_path}")
    assert data.items[0].captions == ("a \ufffd dog", "a cat")
    assert data.notes == (
        "1 caption was repaired, which held half of a letter (a lone surrogate), now \ufffd.",
    )


def test_a_name_that_no_file_system_can_write_is_left_out_of_every_kind(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff.jpg")
    write(tmp_path / name, b"x")
    write(tmp_path / "b.jpg", b"x")
    images = [{"filename": one, "split": "train", "sentences": [{"raw": "a dog"}]} for one in (name, "b.jpg")]
    write(tmp_path / "dataset_x.json", json.dumps({"images": images}))
    data = open_dataset(f"karpathy:{tmp_path}")
    assert [item.id for item in data.items] == ["b.jpg"] and "not UTF-8" in data.notes[0]


def test_a_byte_order_mark_is_taken_in_json_as_in_tables(tmp_path: Path) -> None:
    write(tmp_path / "1.jpg", b"x")
    images = {"images": [{"filename": "1.jpg", "split": "train", "sentences": [{"raw": "a dog"}]}]}
    write(tmp_path / "dataset_x.json", b"\xef\xbb\xbf" + json.dumps(images).encode())
    assert open_dataset(f"karpathy:{tmp_path}").items[0].captions == ("a dog",)


def test_a_folders_other_files_are_counted_by_kind(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.crw", "c.mp4", "d.mp4", "notes.txt"):
        write(tmp_path / name, b"x")
    assert open_dataset(f"folder:{tmp_path}").notes == (
        "Passed over: RAW photographs (1), texts (1), videos (2).",
    )
