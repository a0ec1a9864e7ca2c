"""Relevance feedback as people type it."""

import json
import shutil
from pathlib import Path

from shapes import Trained
from typed import Call

from captionret import search
from captionret.cli import search as search_command
from captionret.library import Library
from captionret.models.captioning.captioner import Captioner


def paths(out: str) -> list[str]:
    return [Path(hit["path"]).name for hit in json.loads(out)["hits"]]


def test_liked_pictures_lead_to_others_like_them_and_disliked_ones_are_not_shown(
    call: Call, library: Path
) -> None:
    asked = ("--text", "a red circle", "--library", library, "--mode", "jaccard-content", "--json")
    assert set(paths(call(search_command, *asked).out)[:2]) == {"red-circle-0.png", "red-circle-1.png"}
    code, out, _ = call(
        search_command,
        *asked,
        "--like",
        "blue-square-0.png",
        "--dislike",
        "red-circle-0.png",
        "--feedback-weights",
        0.2,
        1,
        0.2,
    )
    assert code == 0
    assert set(paths(out)[:2]) == {"blue-square-0.png", "blue-square-1.png"}, (
        "as it names them, whatever the folder"
    )
    assert "red-circle-0.png" not in paths(out)


def test_feedback_moves_a_picture_in_a_space_and_reads_any_file(
    call: Call, library: Path, spaces: dict[str, Path], trained: Trained, tmp_path: Path
) -> None:
    shutil.copy(trained.pictures / "blue-square-0.png", tmp_path / "mine.png")
    where = ("--library", library, "--mode", "vse", "--embedding", spaces["vse"], "--json")
    asked = ("--image", trained.pictures / "red-square-0.png", *where)
    before = call(search_command, *asked)
    said = (
        "--like",
        "mine.png",
        "blue-square-1.png",
        "--dislike",
        "red-square-1.png",
        "red-circle-0.png",
        "--feedback-weights",
        0.1,
        1,
        0,
    )
    after = call(search_command, *asked, *said)
    assert (before.code, after.code) == (0, 0), after.err
    assert paths(before.out)[0] == "red-square-1.png"
    assert set(paths(after.out)[:2]) == {"blue-square-0.png", "blue-square-1.png"}
    assert not {"red-square-1.png", "red-circle-0.png"} & set(paths(after.out))


def test_a_picture_from_elsewhere_is_described_like_a_query(
    call: Call, library: Path, trained: Trained, tmp_path: Path
) -> None:
    from PIL import Image

    Image.open(trained.pictures / "green-circle-0.png").resize((180, 180)).save(tmp_path / "other.png")
    weights = ("--feedback-weights", 0, 1, 0)
    code, out, err = call(
        search_command,
        "--text",
        "zebra",
        "--library",
        library,
        "--like",
        "other.png",
        *weights,
        "--json",
        "--top",
        2,
    )
    assert code == 0, err
    said = Captioner.load(trained.checkpoint).caption([tmp_path / "other.png"])[0][0].text
    code, plain, _ = call(search_command, "--text", said, "--library", library, "--json", "--top", 2)
    assert paths(out) == paths(plain)


def test_python_takes_the_same(library: Path) -> None:
    with Library.open(library) as opened:
        hits = search(
            opened,
            text="a red circle",
            mode="tfidf",
            like=["blue-square-0.png"],
            dislike=["red-circle-1.png"],
            top=None,
        )
    found = [hit.path for hit in hits]
    assert "red-circle-1.png" not in found and "blue-square-1.png" in found


def test_feedback_that_cannot_be_followed_is_refused(
    call: Call, library: Path, trained: Trained, tmp_path: Path
) -> None:
    shutil.copy(trained.pictures / "red-circle-0.png", tmp_path / "copy.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    for arguments, code, said in (
        (("--like", "nowhere.png"), 3, "nowhere.png is no file, and no picture of "),
        (("--dislike", "bad.png"), 3, "bad.png is not a picture"),
        (
            ("--like", "red-circle-0.png", "--dislike", "copy.png"),
            2,
            "red-circle-0.png and copy.png: the same picture is both liked and disliked",
        ),
        (("--like", "copy.png", "--dislike", "copy.png"), 2, "copy.png: the same picture is both"),
        (
            ("--image", "copy.png", "--dislike", "red-circle-0.png"),
            2,
            "The picture that is asked for is disliked",
        ),
        (("--like", "copy.png", "--feedback-weights", -1, 0, 0), 2, "three numbers of at least 0"),
        (("--like", "copy.png", "--feedback-weights", 0, 0, 1), 2, "nothing is asked for"),
        (("--feedback-weights", 1, 1, 1), 2, "goes with --like or --dislike"),
    ):
        asked = () if "--image" in arguments else ("--text", "a circle")
        ended = call(search_command, *asked, "--library", library, *arguments)
        assert ended.code == code and said in ended.err, (arguments, ended.err)
