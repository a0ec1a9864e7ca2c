"""Evaluating as people type it: a checkpoint's captions or another program's, with and without Java, and what
is refused."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from shapes import Trained
from typed import Call

from captionret.cli import evaluate_captions, index, search
from captionret.cli import options as options
from captionret.datasets import open_dataset
from captionret.decoding import Consensus, Rerank
from captionret.evaluation.captions.results_file import ImageNames, coco_id
from captionret.library import Library
from captionret.models.embedding.model import EmbeddingModel
from captionret.records import Item

KEYS = (
    "bleu1 bleu2 bleu3 bleu4 meteor rouge_l cider_d spice images distinct vocabulary copied bad_endings "
    "setting reasons"
).split()


@pytest.fixture
def evaluate(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trained: Trained) -> Call:
    """Run the command on the shapes in an empty folder, without Java."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return partial(call, evaluate_captions, "--data", trained.spec, "--features", trained.features)


@pytest.fixture
def right(trained: Trained) -> list[dict[str, Any]]:
    """A right caption for each test picture."""
    return [
        {"image_id": item.id, "caption": item.captions[0]}
        for item in open_dataset(trained.spec).split("test")
    ]


def write(name: str, content: Any) -> Path:
    Path(name).write_text(content if isinstance(content, str) else json.dumps(content))
    return Path(name)


def test_checkpoint_is_scored_written_and_exported(evaluate: Call, trained: Trained) -> None:
    code, out, err = evaluate(
        "--checkpoint", trained.checkpoint, "--json", "s.json", "--out", "o.json", "--export", "e.json"
    )
    assert code == 0
    scores = json.loads(Path("s.json").read_text())
    assert list(scores) == KEYS
    assert (
        scores["images"] == 16
        and scores["bleu1"] > 60
        and scores["copied"] > 50
        and scores["bad_endings"] == 0
    )
    assert (
        scores["meteor"] is None and scores["spice"] is None and set(scores["reasons"]) == {"meteor", "spice"}
    )
    assert scores["setting"]["beam"] == 3 and scores["setting"]["constraints"] is False
    whole = json.loads(Path("o.json").read_text())
    assert {key: whole[key] for key in KEYS} == scores
    assert (whole["checkpoint"], whole["data"], whole["split"]) == (
        [str(trained.checkpoint)],
        trained.spec,
        "test",
    )
    assert sum(one["cider_d"] for one in whole["captions"]) / 16 == pytest.approx(scores["cider_d"])
    exported = json.loads(Path("e.json").read_text())
    assert exported == [{"image_id": one["image_id"], "caption": one["caption"]} for one in whole["captions"]]
    assert "Beam 3" in out and "PTB tokens" in out and "METEOR and SPICE not measured" in out and "–" in out
    assert "there is no java on the PATH" in err and "there is no java" not in out


def test_an_export_scores_as_the_checkpoint_did(evaluate: Call, trained: Trained) -> None:
    evaluate("--checkpoint", trained.checkpoint, "--json", "a.json", "--export", "e.json")
    code, out, _ = evaluate("--results", "e.json", "--json", "b.json", "--against", "e.json")
    first, second = (json.loads(Path(name).read_text()) for name in ("a.json", "b.json"))
    assert code == 0
    assert {key: first[key] for key in KEYS[:13]} == {key: second[key] for key in KEYS[:13]}
    assert second["setting"]["beam"] is None
    assert second["against"] == {"file": "e.json", "difference": 0, "low": 0, "high": 0}
    assert "no sure difference" in out


def test_better_captions_are_seen_against_an_out_file(evaluate: Call, right: list[dict[str, Any]]) -> None:
    write("worse.json", [one | {"caption": "a boat in the rain"} for one in right])
    evaluate("--results", "worse.json", "--out", "worse-out.json")
    code, out, _ = evaluate(
        "--results", write("right.json", right), "--against", "worse-out.json", "--json", "s.json"
    )
    against = json.loads(Path("s.json").read_text())["against"]
    assert code == 0
    assert 0 < against["low"] <= against["difference"] <= against["high"]
    assert "better" in out


def test_bad_endings_are_counted(evaluate: Call, right: list[dict[str, Any]]) -> None:
    right[0]["caption"], right[1]["caption"] = "a red circle on a", "a red circle with."
    assert evaluate("--results", write("r.json", right), "--json", "s.json").code == 0
    assert json.loads(Path("s.json").read_text())["bad_endings"] == 2


def test_several_checkpoints_caption_together(evaluate: Call, trained: Trained) -> None:
    code, out, _ = evaluate("--checkpoint", trained.checkpoint, trained.checkpoint, "--json", "s.json")
    assert (code, json.loads(Path("s.json").read_text())["images"]) == (0, 16)
    assert "tiny + tiny" in out


def test_a_consensus_is_scored_and_named(evaluate: Call, trained: Trained) -> None:
    code, out, _ = evaluate(
        "--checkpoint",
        trained.checkpoint,
        "--decode",
        "consensus",
        "--beam",
        5,
        "--drawn",
        3,
        "--json",
        "s.json",
    )
    scores = json.loads(Path("s.json").read_text())
    assert code == 0 and scores["bleu1"] > 60
    facts = {
        "method": "consensus",
        "beam": 5,
        "length_penalty": 0.6,
        "constraints": False,
        "sharpness": 3.0,
        "drawn": 3,
    }
    assert scores["setting"].items() >= (facts | {"temperature": 1.0, "seed": 0}).items()
    assert (
        "Decoding: consensus, beam 5, sharpness 3, drawn 3, temperature 1, seed 0, length penalty 0.6; PTB "
        "tokens" in out
    )


def test_reranked_captions_are_scored_and_a_library_remembers_their_space(
    evaluate: Call, trained: Trained, spaces: dict[str, Path], tmp_path: Path
) -> None:
    options: list[Any] = ["--decode", "rerank", "--embedding", spaces["vse"], "--match", 3, "--beam", 5]
    options += ["--captions-from", trained.spec, "--neighbours", 4]
    code, out, _ = evaluate("--checkpoint", trained.checkpoint, *options, "--json", "s.json")
    setting = json.loads(Path("s.json").read_text())["setting"]
    assert code == 0 and (setting["method"], setting["match_weight"], setting["length_penalty"]) == (
        "rerank",
        3.0,
        1.0,
    )
    said = (
        f"spaces {spaces['vse'].name}, captions from {setting['captions_from'][0]}, neighbours 4, "
        "agree weight 12, length penalty 1; PTB tokens"
    )
    assert f"Decoding: rerank, beam 5, match weight 3, {said}" in out
    assert (tmp_path / "data/indexes" / setting["captions_from"][0]).is_file()
    arguments = [
        trained.pictures,
        "--library",
        tmp_path / "one",
        "--checkpoint",
        trained.checkpoint,
        *options,
    ]
    assert index.main([str(one) for one in arguments]) == 0
    with Library.open(tmp_path / "one") as library:
        made_by = library.made_by
        assert made_by is not None and isinstance(made_by.decoding, Rerank)
        assert made_by.decoding.spaces[0].place == str(spaces["vse"].resolve())
        assert made_by.decoding.spaces == (EmbeddingModel.load(spaces["vse"], "cpu").reference,)
        picture = str(trained.pictures / library.gallery().paths[0])
    assert (
        search.main(
            [
                "--image",
                picture,
                "--library",
                str(tmp_path / "one"),
                "--checkpoint",
                str(trained.checkpoint),
                "--json",
            ]
        )
        == 0
    )


def test_pictures_are_not_compared_with_their_own_captions(evaluate: Call, trained: Trained) -> None:
    code, _, err = evaluate(
        "--checkpoint",
        trained.checkpoint,
        "--decode",
        "rerank",
        "--captions-from",
        trained.spec,
        "--split",
        "train",
    )
    assert code == 2 and "holds scored pictures' own captions" in err


def test_what_reranked_captions_are_chosen_by_is_refused_elsewhere(evaluate: Call, trained: Trained) -> None:
    code, _, err = evaluate("--checkpoint", trained.checkpoint, "--captions-from", trained.spec)
    assert code == 2 and "Add --decode rerank" in err


def test_a_space_of_words_cannot_rerank_captions(
    evaluate: Call, trained: Trained, spaces: dict[str, Path]
) -> None:
    code, _, err = evaluate(
        "--checkpoint", trained.checkpoint, "--decode", "rerank", "--embedding", spaces["devise"]
    )
    assert code == 2 and "is a space of words (devise)" in err


def test_a_library_remembers_a_consensus(trained: Trained, tmp_path: Path) -> None:
    arguments = [
        str(trained.pictures),
        "--library",
        str(tmp_path / "one"),
        "--checkpoint",
        str(trained.checkpoint),
    ]
    assert index.main([*arguments, "--decode", "consensus", "--beam", "5", "--captions-per-image", "2"]) == 0
    with Library.open(tmp_path / "one") as library:
        made_by = library.made_by
        assert made_by is not None and made_by.decoding == Consensus(beam=5, captions=2)
        assert {len(library.captions(sha256)) for sha256 in library.gallery().hashes} == {2}


def test_broken_java_gives_the_other_scores_and_the_reason(
    evaluate: Call, right: list[dict[str, Any]], tmp_path: Path
) -> None:
    if evaluate_captions_needs_package():
        pytest.skip("needs pycocoevalcap")
    java = tmp_path / "bin" / "java"
    java.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    java.chmod(0o755)
    code, out, err = evaluate("--results", write("r.json", right), "--json", "s.json")
    scores = json.loads(Path("s.json").read_text())
    assert code == 0
    assert scores["meteor"] is None and scores["bleu4"] > 0
    assert "METEOR" in scores["reasons"]["meteor"] and "METEOR" in err
    assert "not measured" in out


def evaluate_captions_needs_package() -> bool:
    from importlib.util import find_spec

    return find_spec("pycocoevalcap") is None


def test_noted_scores_stand_on_the_card(evaluate: Call, trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.checkpoint, tmp_path / "ck")
    assert evaluate("--checkpoint", "./ck", "--length-penalty", 0, "--note").code == 0
    assert list(json.loads((tmp_path / "ck" / "config.json").read_text())["scores"]) == ["table test, beam 3"]
    assert "| table test, beam 3 |" in (tmp_path / "ck" / "README.md").read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda right: "not json", "is not valid JSON"),
        (lambda right: {"a": 1}, "holds no list of captions"),
        (lambda right: 3, "holds no list of captions"),
        (lambda right: [*right, {"image_id": "x"}], "has no 'image_id' or no 'caption'"),
        (lambda right: [*right, "text"], "has no 'image_id' or no 'caption'"),
        (lambda right: [*right, {"image_id": 1.5, "caption": "a"}], "must be a whole number or text"),
        (lambda right: [*right, {"image_id": "gone.png", "caption": "a"}], "1 (gone.png)"),
        (lambda right: right[1:], "have no caption in it: 1 ("),
        (lambda right: [*right, right[0]], "of an image that has another one"),
        (lambda right: [right[0] | {"caption": 3}, *right[1:]], "'caption' must be text"),
        (
            lambda right: [right[0] | {"caption": "half a letter \ud83d"}, *right[1:]],
            "'caption' must be text",
        ),
        (lambda right: [right[0] | {"image_id": True}, *right[1:]], "must be a whole number or text"),
        (lambda right: [right[0] | {"caption": " \n"}, *right[1:]], "captions are empty: 1 ("),
        (lambda right: [], "have no caption in it: 16"),
    ],
)
@pytest.mark.parametrize("option", ["--results", "--against"])
def test_bad_results_are_refused_by_name(
    evaluate: Call, right: list[dict[str, Any]], change: Any, said: str, option: str
) -> None:
    write("good.json", right)
    write("bad.json", change(right))
    code, out, err = evaluate(
        *(
            ("--results", "bad.json")
            if option == "--results"
            else ("--results", "good.json", "--against", "bad.json")
        )
    )
    assert (code, out) == (3, "")
    assert "bad.json" in err and said in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Give either --checkpoint DIR"),
        (("--checkpoint", "a", "--results", "b"), 2, "Give either --checkpoint DIR"),
        (("--results", "b", "--note"), 2, "Leave them out"),
        (("--checkpoint", "a", "b", "--note"), 2, "--note writes into the record of one checkpoint"),
        (("--checkpoint", "a", "--beam", "0"), 2, "The beam must be at least 1"),
        (("--checkpoint", "a", "--batch-size", "0"), 2, "--batch-size must be at least 1"),
        (("--results", "b", "--out", "./b"), 2, "would write over the file of --results"),
        (("--results", "gone.json"), 3, "gone.json does not exist"),
        (("--results", "gone.json", "--split", "none"), 3, "has no images in split 'none'"),
        (("--checkpoint", "gone/x"), 3, "gone/x"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(
    evaluate: Call, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = evaluate(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


def test_an_image_without_references_is_named(
    evaluate: Call, trained: Trained, right: list[dict[str, Any]], tmp_path: Path
) -> None:
    shutil.copytree(trained.pictures.parent, tmp_path / "shapes")
    table = tmp_path / "shapes" / "captions.csv"
    lines = table.read_text().splitlines()
    bare = str(right[0]["image_id"])
    kept = [f"{bare},,test" if line.startswith(f"{bare},") else line for line in lines]
    table.write_text("\n".join(kept) + "\n")
    code, out, err = evaluate("--data", "table:shapes/captions.csv", "--results", write("r.json", right))
    assert (code, out) == (3, "")
    assert bare in err and "no human captions" in err


def test_an_image_is_found_by_each_of_its_names_and_never_by_two() -> None:
    coco = [
        Item("42", Path("val2014/COCO_val2014_000000000042.jpg")),
        Item("142", Path("val2014/COCO_val2014_000000000142.jpg")),
    ]
    names = ImageNames(coco)
    for name in (
        "42",
        "COCO_val2014_000000000042.jpg",
        "COCO_val2014_000000000042",
        "000000000042",
        "val2014/COCO_val2014_000000000042.jpg",
    ):
        assert names.find(name) == {"42"}
    assert names.find("2") == names.find("0142x") == set()
    doubled = ImageNames([Item("a/1.jpg", Path("a/1.jpg")), Item("b/1.jpg", Path("b/1.jpg"))])
    assert doubled.find("1.jpg") == {"a/1.jpg", "b/1.jpg"}
    assert doubled.find("a/1.jpg") == {"a/1.jpg"}


def test_ids_that_are_numbers_are_exported_as_numbers() -> None:
    assert [coco_id(image) for image in ("42", "007", "a.jpg", "²")] == [42, "007", "a.jpg", "²"]
