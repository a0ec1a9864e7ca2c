"""What clumsy and hostile users type: every command ends with a message, and nothing that was there before is
lost."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from mean_colour import MeanColour, made_library
from PIL import Image
from shapes import Trained
from typed import Call

from captionret.app.measuring import comparisons
from captionret.cli import (
    compare_variants,
    demo,
    edit,
    evaluate_captions,
    evaluate_ranking,
    index,
    predict_words,
    running,
    search,
    train_captioner,
)
from captionret.cli import options as options
from captionret.datasets import open_dataset
from captionret.errors import BadDataset, BadImage, BadLibrary, BadSetting
from captionret.files import expanded, publishing
from captionret.images import open_image
from captionret.library import Library
from captionret.library.folders import apart_from

NOBODY = "~no-such-user/pictures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one picture."""
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (20, 20), "red").save(tmp_path / "pictures" / "red.png")
    return tmp_path / "pictures"


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        (search, ("--text", "dog", "--rerank", "-1"), "--rerank -1 must be at least 0"),
        (predict_words, ("--library", "photos", "--samples", "-1"), "--samples must be at least 0, not -1"),
        (predict_words, ("--library", "photos", "--no-head"), "captions have to be drawn"),
        (edit, ("--library", "photos", "--reset", "--add", "a.jpg"), "Give the picture before --reset"),
        (edit, ("--library", "photos"), "Give a picture and its caption"),
        (evaluate_ranking, ("--checkpoint", "photos-space", "--data", "x", "--json", "."), "is a folder"),
        (evaluate_captions, ("--checkpoint", "photos-lite", "--data", "x", "--json", "."), "is a folder"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_read(
    call: Call, tmp_path: Path, module: Any, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = call(module, *arguments)
    assert (code, out) == (2, "") and message in err
    assert not list(tmp_path.iterdir())


# Names


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        (search, ("--text", "dog", "--gallery", "")),
        (search, ("--text", "dog", "--library", "")),
        (search, ("--image", "")),
        (search, ("--text", "dog", "--html", "")),
        (index, ("", "--library", "photos")),
        (index, (".", "--library", "")),
        (demo, ("--photos", "")),
    ],
)
def test_a_name_left_empty_never_means_the_current_folder(
    call: Call, tmp_path: Path, module: Any, arguments: tuple[str, ...]
) -> None:
    code, out, err = call(module, *arguments)
    assert (code, out) == (2, "")
    assert "name is empty" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        (search, ("--text", "dog", "--library", NOBODY)),
        (search, ("--image", NOBODY)),
        (index, (NOBODY, "--library", "photos")),
        (train_captioner, ("--data", f"table:{NOBODY}.csv")),
        (demo, ("--photos", NOBODY)),
    ],
)
def test_the_home_of_an_unknown_user_is_a_file_that_is_not_there(
    call: Call, module: Any, arguments: tuple[str, ...]
) -> None:
    code, out, err = call(module, *arguments)
    assert code in (2, 3) and out == ""
    assert "~no-such-user" in err


def test_home_is_found_as_the_shell_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert expanded("~/pictures") == Path("/home/someone/pictures")
    assert expanded(NOBODY) == Path(NOBODY)


def test_links_that_lead_in_a_circle_are_no_folder(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    for place in (tmp_path / "circle", tmp_path / "circle" / "photos"):
        with pytest.raises(BadLibrary, match="is not a folder"):
            Library.create(tmp_path / "library", place)
        with pytest.raises(BadSetting, match="is not a folder"):
            apart_from(place, [])
    assert not (tmp_path / "library").exists()


def test_a_folder_given_as_a_picture_is_said_to_be_one(folder: Path) -> None:
    with pytest.raises(BadImage, match=r"pictures is not a regular file but a folder.*Give a picture file"):
        open_image(folder)


# What is written


def test_a_page_is_never_written_over_a_picture(call: Call, folder: Path) -> None:
    before = (folder / "red.png").read_bytes()
    code, _, err = call(search, "--text", "dog", "--gallery", folder, "--html", folder / "red.png")
    assert code == 2
    assert "red.png would write a page over a picture" in err
    assert (folder / "red.png").read_bytes() == before


@pytest.mark.parametrize("name", ["a-folder", "no-folder/page.html"])
def test_a_place_that_cannot_be_written_is_named_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "a-folder").mkdir()
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)
    with pytest.raises(OSError) as error, publishing(tmp_path / name) as file:
        file.write(b"page")
    assert error.value.filename == str(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["a-folder"]


def test_a_name_outside_the_terminals_encoding_is_printed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))

    def main(_: object) -> int:
        print("ünï\udcff.png")
        return 0

    assert options.run(main) == 0
    assert raw.getvalue() == b"\\xfcn\\xef\\udcff.png\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_an_answer_that_finds_no_space_is_an_error_not_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert options.run(lambda _: print("answer") or 0) == 3
    assert "No space left to write the answer" in capsys.readouterr().err


def test_too_little_memory_says_what_to_lower(capsys: pytest.CaptureFixture[str]) -> None:
    def main(_: object) -> int:
        raise RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 512 "
            "bytes.\nmore"
        )

    assert options.run(main) == 3
    err = capsys.readouterr().err
    assert "not enough memory" in err and "--batch-size" in err and "more" not in err


def test_other_mistakes_of_the_program_keep_their_traceback() -> None:
    def main(_: object) -> int:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        options.run(main)


# Folders and libraries


def test_a_move_that_is_refused_leaves_the_library_where_it_was(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with Library.create(tmp_path / "library", folder) as library:
        library.update(folder, MeanColour(), progress=False)
        with pytest.raises(BadLibrary, match="Nothing was changed"):
            library.update(tmp_path / "empty", MeanColour(), progress=False, relocate=True)
        assert library.root == folder
        assert library.update(folder, MeanColour(), progress=False).unchanged == 1


def test_a_library_that_holds_nothing_takes_another_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong").mkdir()
    with Library.create(tmp_path / "library", tmp_path / "wrong") as library:
        assert library.update(folder, MeanColour(), progress=False).new == 1
        assert library.root == folder
        with pytest.raises(BadLibrary, match="holds the pictures of"):
            library.update(tmp_path / "wrong", MeanColour(), progress=False)


def test_an_empty_gallery_says_why_nothing_is_found(call: Call, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, _, err = call(search, "--text", "dog", "--gallery", "empty", "--checkpoint", trained.checkpoint)
    assert code == 1
    assert "empty holds no picture" in err
    code, _, err = call(index, "empty", "--library", "photos", "--checkpoint", trained.checkpoint)
    assert code == 1
    assert "empty holds no picture" in err


def test_a_data_set_that_cannot_be_written_is_not_called_unreadable_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadDataset, match="cannot be read or written"):
        open_dataset(f"scenes:{tmp_path}/file/scenes,count=20")


# Numbers


@pytest.mark.parametrize(
    "arguments", [("--seed", "-1"), ("--seed", str(2**63)), ("--patience", "0"), ("--patience", "-1")]
)
def test_training_numbers_that_cannot_work_are_refused(
    call: Call, trained: Trained, tmp_path: Path, arguments: tuple[str, str]
) -> None:
    code, out, err = call(train_captioner, "--data", trained.spec, "--out", tmp_path / "out", *arguments)
    assert (code, out) == (2, "")
    assert f"must be at least {0 if arguments[0] == '--seed' else 1}" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments", [("--beam", "0"), ("--beam", "-1"), ("--length-penalty", "nan"), ("--length-penalty", "-1")]
)
def test_comparisons_with_numbers_that_cannot_work_are_refused(
    call: Call, trained: Trained, arguments: tuple[str, str]
) -> None:
    code, out, err = call(
        *(
            compare_variants,
            "--data",
            trained.spec,
            "--checkpoints",
            trained.checkpoint,
            "--features",
            trained.features,
            *arguments,
        )
    )
    assert (code, out) == (2, "")
    assert "at least" in err


def test_a_damaged_checkpoint_is_named_before_the_whole_ones_are_measured(
    call: Call, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparisons, "compare_one", lambda *_: pytest.fail("a checkpoint was measured"))
    (tmp_path / "bad").mkdir()
    code, _, err = call(
        compare_variants, "--data", trained.spec, "--checkpoints", trained.checkpoint, tmp_path / "bad"
    )
    assert code == 3
    assert "bad/config.json does not exist" in err


def test_no_name_in_a_message_moves_the_terminals_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: object) -> int:
        raise BadDataset("\x1b[2Jq\r.jpg and \udcff\x9b31m cannot be read.\nCheck both.")

    assert running.run(fail) == 3
    assert capsys.readouterr().err == "\\x1b[2Jq\\r.jpg and \\xff\\x9b31m cannot be read.\nCheck both.\n"


def test_an_edited_pictures_name_is_shown_on_one_line_whatever_is_in_it(call: Call, tmp_path: Path) -> None:
    library = made_library(tmp_path, {"a\n\x1b[2J\udcff.png": "red"})
    done = call(edit, "--library", library.path, "--", "a\n\x1b[2J\udcff.png", "a \x1b[2J zebra")
    assert done.code == 0
    assert done.out == 'picture a\\n\\x1b[2J\\xff.png  caption "a \\x1b[2J zebra"\n'
