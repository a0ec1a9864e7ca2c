"""Reading tables, Pascal's category folders and plain folders of pictures."""

from pathlib import Path

import pandas
import pytest

from captionret.datasets import open_dataset
from captionret.errors import BadDataset


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def table(root: Path, content: str, name: str = "t.csv") -> str:
    touch(root, "a.jpg", "sub/b.jpg")
    (root / name).write_bytes(content.encode())
    return f"table:{root / name}"


def test_rows_of_one_image_are_gathered_in_the_order_of_the_table(tmp_path: Path) -> None:
    dataset = open_dataset(
        table(tmp_path, "image,caption,split\nsub/b.jpg,B.,dev\na.jpg,A.,train\n./sub/b.jpg,Bee.,dev\n")
    )
    assert [(item.id, item.captions, item.split) for item in dataset.items] == [
        ("sub/b.jpg", ("B.", "Bee."), "val"),
        ("a.jpg", ("A.",), "train"),
    ]
    assert dataset.items[0].path == tmp_path / "sub/b.jpg"


@pytest.mark.parametrize(("name", "separator"), [("t.csv", ","), ("t.TSV", "\t")])
def test_quotes_line_breaks_unicode_and_a_byte_order_mark_are_read_as_meant(
    tmp_path: Path, name: str, separator: str
) -> None:
    touch(tmp_path, "naïve 犬\n.jpg")
    rows = [
        "\ufeffPATH | Sentence",
        '"naïve 犬\n.jpg" | "a ""big"" dog, wet\tand\nhappy 🐕"',
        "a.jpg | NA",
        "a.jpg | null",
    ]
    dataset = open_dataset(table(tmp_path, "\r\n".join(rows).replace(" | ", separator) + "\r\n\r\n", name))
    assert dataset.items[0].id == "naïve 犬\n.jpg"
    assert dataset.items[0].captions == ('a "big" dog, wet\tand\nhappy 🐕',)
    assert dataset.items[1].captions == ("NA", "null")
    assert dataset.items[1].split is None


def test_a_tables_names_may_be_absolute_or_lead_out_of_its_folder_and_missing_ones_are_told(
    tmp_path: Path,
) -> None:
    touch(tmp_path, "out.jpg", "far/away.jpg")
    (tmp_path / "own").mkdir()
    content = (
        f"file,text\n../out.jpg,Out.\n{tmp_path}/far/away.jpg,Away.\n../gone.jpg,Gone.\nhttp://x/y.jpg,Web.\n"
    )
    dataset = open_dataset(table(tmp_path / "own", content))
    assert [item.id for item in dataset.items] == ["../out.jpg", f"{tmp_path}/far/away.jpg"]
    assert dataset.missing == ("../gone.jpg", "http:/x/y.jpg")


def test_a_table_of_a_spreadsheet_may_have_semicolons(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (item,) = open_dataset(table(tmp_path, "image;caption\na.jpg;A dog, a cat.\n")).items
    assert item.captions == ("A dog, a cat.",)


def test_a_parquet_table_is_read_like_a_text_table(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg")
    columns = {
        "filename": ["a.jpg", "b.jpg", "a.jpg"],
        "caption": ["A.", None, "Ay."],
        "split": ["test", None, "test"],
    }
    pandas.DataFrame(columns).to_parquet(tmp_path / "t.parquet")
    dataset = open_dataset(f"table:{tmp_path}/t.parquet")
    assert [(item.id, item.captions, item.split) for item in dataset.items] == [
        ("a.jpg", ("A.", "Ay."), "test"),
        ("b.jpg", (), None),
    ]
    assert dataset.notes == ("1 empty caption was left out.",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "picture,caption\na.jpg,A.\n",
            r"has no column named image or file or filename or path; its columns are: 'picture', 'caption'",
        ),
        (
            "image,words\na.jpg,A.\n",
            r"has no column named caption or text or sentence; its columns are: 'image', 'words'",
        ),
        ("", r"its columns are: none"),
        ("image,caption\na.jpg,A., wet\n", r"t\.csv, line 2: 3 fields, but the header has 2"),
        ("image,caption\na.jpg,A.\na.jpg\n", r"t\.csv, line 3: 1 fields"),
        ('image,caption\na.jpg,"A.\n', r"t\.csv, line 2: unexpected end of data"),
        ("image,caption\n,A.\n", r"t\.csv, line 2: no image is named"),
        (
            "image,caption,split\na.jpg,A.,train\na.jpg,A.,test\n",
            r"line 3: 'a\.jpg' is already in the split 'train', here 'test'",
        ),
    ],
)
def test_a_table_that_cannot_be_meant_is_an_error_that_says_where(
    tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(BadDataset, match=message):
        open_dataset(table(tmp_path, content))


@pytest.mark.parametrize(("pictures", "texts"), [("dataset/", "sentence/"), ("", "")])
def test_pascal_takes_categories_as_labels_and_splits_each_by_name(
    tmp_path: Path, pictures: str, texts: str
) -> None:
    for category in ("cat", "dog"):
        touch(tmp_path, *(f"{pictures}{category}/{index:02}.jpg" for index in range(50)))
        (tmp_path / f"{texts}{category}").mkdir(parents=True, exist_ok=True)
        for index in range(49):
            (tmp_path / f"{texts}{category}/{index:02}.txt").write_text(
                f"One {category}.\n\nNumber {index}.\n"
            )
    (tmp_path / f"{texts}dog/99.txt").write_text("Gone.\n")
    dataset = open_dataset(f"pascal:{tmp_path}")
    assert dataset.splits() == {"train": 80, "val": 10, "test": 10}
    assert [item.split for item in dataset.items[:50]] == ["train"] * 40 + ["val"] * 5 + ["test"] * 5
    assert dataset.items[51].id == "dog/01.jpg"
    assert dataset.items[51].labels == ("dog",)
    assert dataset.items[51].captions == ("One dog.", "Number 1.")
    assert dataset.missing == ("dog/99",)
    assert "No official split" in dataset.notes[0]
    assert dataset.notes[1] == "2 pictures were found without sentences."


def test_a_folder_lists_its_pictures_by_relative_name_without_opening_them(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "a/c.png", "a/notes.txt", ".hidden/d.jpg", "a/new\nline ü.webp")
    dataset = open_dataset(f"folder:{tmp_path}")
    assert [item.id for item in dataset.items] == ["b.JPG", "a/c.png", "a/new\nline ü.webp"]
    assert all(item.captions == () and item.split is None for item in dataset.items)
    assert dataset.items[1].path == tmp_path / "a/c.png"


def test_labels_are_the_folders_names_or_what_a_table_of_queries_says(tmp_path: Path) -> None:
    touch(tmp_path, "sea_horse/1.jpg", "sea_horse/deep/2.png", "cougar_face/1.jpg", "empty/notes.txt")
    (tmp_path / "queries.tsv").write_text("folder\tquery\ncougar_face\tcougar\n")
    dataset = open_dataset(f"labels:{tmp_path}")
    assert [(item.id, item.labels) for item in dataset.items] == [
        ("cougar_face/1.jpg", ("cougar",)),
        ("sea_horse/1.jpg", ("sea horse",)),
        ("sea_horse/deep/2.png", ("sea horse",)),
    ]
    assert dataset.notes == ("1 folder was left out: no pictures (empty).",)
    assert len(dataset.split("all")) == 3


def test_a_table_gives_an_image_several_labels(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "t.csv").write_text("image,label\na.jpg,dog\na.jpg,sea\nb.jpg,dog\na.jpg,dog\nc.jpg,cat\n")
    dataset = open_dataset(f"labels:{tmp_path}/t.csv")
    assert [(item.id, item.labels) for item in dataset.items] == [
        ("a.jpg", ("dog", "sea")),
        ("b.jpg", ("dog",)),
    ]
    assert dataset.missing == ("c.jpg",)


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ("folder\tquery\nbird\tbird\n", "names the folder 'bird', which is not in"),
        ("folder\tquery\ncat\t\n", r"queries\.tsv, line 2: a folder and a query are needed"),
        ("folder\tquery\ncat\n", r"queries\.tsv, line 2: 1 fields"),
        ("folder\tword\ncat\tcat\n", "no column named query or label"),
    ],
)
def test_a_table_of_queries_that_cannot_be_meant_is_an_error(
    tmp_path: Path, queries: str, message: str
) -> None:
    touch(tmp_path, "cat/1.jpg")
    (tmp_path / "queries.tsv").write_text(queries)
    with pytest.raises(BadDataset, match=message):
        open_dataset(f"labels:{tmp_path}")


def test_pictures_without_folders_are_no_categories(tmp_path: Path) -> None:
    touch(tmp_path, "1.jpg")
    with pytest.raises(BadDataset, match="a folder per category"):
        open_dataset(f"labels:{tmp_path}")
    (tmp_path / "t.csv").write_text("image,label\n1.jpg,\n")
    with pytest.raises(BadDataset, match="line 2: an image and a label are needed"):
        open_dataset(f"labels:{tmp_path}/t.csv")
