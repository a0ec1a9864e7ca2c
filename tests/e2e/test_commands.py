"""The commands as people type them: what they print and where, what they leave on disk, how they end."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shapes import Trained, shape
from typed import Call, Ended, started

from captionret.app import places
from captionret.cli import compare_variants, index, search, train_captioner
from captionret.cli import options as options
from captionret.datasets import open_dataset
from captionret.text import word_set

ROOT = Path(__file__).resolve().parents[2]
JACCARD = ("--mode", "jaccard")


def script(name: str, *arguments: object, cwd: Path, options: tuple[str, ...] = ()) -> Ended:
    """Run a script in a process of its own."""
    return started([sys.executable, *options, ROOT / "scripts" / f"{name}.py", *arguments], cwd)


@pytest.fixture(scope="session")
def captions(trained: Trained) -> dict[str, str]:
    """What the shared captioner says of its test pictures, by file name."""
    from captionret.models.captioning.captioner import Captioner

    pictures = sorted(trained.pictures.iterdir())
    return {
        path.name: said[0].text
        for path, said in zip(pictures, Captioner.load(trained.checkpoint).caption(pictures), strict=True)
    }


@pytest.fixture(scope="session")
def other(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second checkpoint, of another variant and hardly trained."""
    out = tmp_path_factory.mktemp("checkpoints") / "other"
    settings = ("--variant", "model5-lite", "--epochs", "2", "--augment", "1", "--set", "hidden_dim=32")
    assert (
        train_captioner.main(
            ["--data", trained.spec, "--out", str(out), "--features", str(trained.features), *settings]
        )
        == 0
    )
    return out


def hashes(folder: Path) -> dict[str, str]:
    """Every file below a folder with its content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# Every command


@pytest.mark.parametrize("module", [train_captioner, index, search, compare_variants])
def test_unknown_option_is_wrong_usage(call: Call, module: Any) -> None:
    code, out, err = call(module, "--no-such-option")
    assert (code, out) == (2, "")
    assert err.startswith("captionret ") and err.endswith(" --help shows how it is used.\n")
    assert err.count("\n") == 1


def test_an_option_that_is_nearly_one_is_suggested(call: Call) -> None:
    err = call(index, "photos", "--excluded", "*.gif").err
    assert "unrecognized arguments: --excluded *.gif. Did you mean --exclude? captionret index --help" in err


def test_file_that_may_not_be_used_is_named(call: Call, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "features").write_text("a file where a folder belongs")
    code, _, err = call(
        train_captioner, "--data", trained.spec, "--out", "out", "--features", "features", "--augment", "1"
    )
    assert code == 3
    assert "features" in err and "Check the path" in err
    assert "Traceback" not in err


# Train


def test_list_shows_every_variant_and_what_learns(call: Call) -> None:
    from captionret.models.captioning.config import VARIANTS
    from captionret.models.captioning.decoders import make_decoder
    from captionret.models.trained import count_parameters

    code, out, err = call(train_captioner, "--list")
    assert (code, err) == (0, "")
    header, *rows = [line for line in out.splitlines() if line.strip(" -─")]
    assert header.split() == ["variant", "CNN", "decoder", "E", "H", "layers", "words", "parameters"]
    assert [row.split()[0] for row in rows] == [*VARIANTS, "words-lite"]
    by_name = {row.split()[0]: row.split() for row in rows}
    assert by_name["model1"][1:7] == ["resnet152", "lstm", "256", "512", "1", "learned"]
    assert by_name["model4"][1:7] == ["resnet101", "lstm", "256", "512", "2", "learned"]
    assert by_name["model5"][1:7] == ["resnet101", "lstm", "300", "512", "1", "glove-300"]
    for name, config in VARIANTS.items():
        assert by_name[name][7] == f"{count_parameters(make_decoder(config, 2933)):,}"


def test_bare_command_trains_on_the_built_in_scenes(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from captionret.datasets import scenes
    from captionret.models.captioning.config import VARIANTS

    monkeypatch.setattr(scenes, "COUNT", 40)
    monkeypatch.setitem(
        VARIANTS._rows, "model2-lite", replace(VARIANTS["model2-lite"], epochs=1, views=1, hidden_dim=32)
    )
    code, out, err = call(train_captioner)
    assert code == 0
    assert out == "checkpoints/model2-lite-scenes\n"
    assert (tmp_path / "checkpoints" / "model2-lite-scenes" / "config.json").exists()
    assert "scenes: 40 images, 200 captions; train " in err
    assert (tmp_path / "data" / "features").is_dir()


def test_trained_checkpoint_is_never_overwritten(call: Call, trained: Trained) -> None:
    before = hashes(trained.checkpoint)
    code, out, err = call(train_captioner, "--data", trained.spec, "--out", trained.checkpoint)
    assert (code, out) == (2, "")
    assert (
        f"{trained.checkpoint} already holds a training. Go on with it (--resume), choose another --out, or "
        "delete it first." in err
    )
    assert hashes(trained.checkpoint) == before


def test_cut_training_is_never_overwritten(call: Call, trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.checkpoint, tmp_path / "cut")
    (tmp_path / "cut" / "config.json").unlink()
    code, _, err = call(train_captioner, "--data", trained.spec, "--out", "cut")
    assert code == 2
    assert "cut already holds a training" in err


def test_resuming_a_finished_training_leaves_it_as_it_was(
    call: Call, trained: Trained, tmp_path: Path
) -> None:
    shutil.copytree(trained.checkpoint, tmp_path / "copy")
    where = ("--data", trained.spec, "--out", "copy", "--features", trained.features)
    code, out, err = call(train_captioner, *where, *trained.settings, "--resume")
    assert (code, out) == (0, "copy\n")
    assert "Kept epoch" in err
    for part in ("model.safetensors", "vocab.json"):
        assert (tmp_path / "copy" / part).read_bytes() == (trained.checkpoint / part).read_bytes()
    assert "--resume" not in (tmp_path / "copy" / "README.md").read_text()


def test_resuming_with_another_setting_is_refused(call: Call, trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.checkpoint, tmp_path / "copy")
    where = ("--data", trained.spec, "--out", "copy", "--features", trained.features)
    code, _, err = call(train_captioner, *where, *trained.settings, "--set", "dropout=0.5", "--resume")
    assert code == 3
    assert "is of a training with another dropout. Give the same settings" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--variant", "model2-lit"), 2, "There is no variant 'model2-lit'. Did you mean 'model2-lite'?"),
        (("--set", "hiden_dim=3"), 2, "There is no field 'hiden_dim'. Did you mean 'hidden_dim'?"),
        (("--set", "hidden_dim"), 2, "A setting is field=value, not 'hidden_dim'"),
        (("--set", "hidden_dim=big"), 2, "hidden_dim takes a value of type int, not 'big'"),
        (("--epochs", "0"), 2, "epochs must be at least 1, not 0"),
        (("--augment", "13"), 2, "There are 12 views of a picture, not 13"),
        (("--precision", "float8"), 2, "There is no precision 'float8'."),
        (("--device", "cuda:99"), 2, "The device 'cuda:99' cannot be used here"),
        (
            ("--split", "tests"),
            3,
            "has no images in split 'tests'. Its splits: train (64), val (24), test (16).",
        ),
        (("--resume",), 3, "There is no cut training to go on with in"),
        (("--data", "flicker8k:x"), 2, "There is no data set kind 'flicker8k'. Did you mean 'flickr8k'?"),
        (("--data", "coco:nowhere"), 3, "nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_training_that_cannot_be_is_refused_with_a_reason(
    call: Call, trained: Trained, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = call(
        train_captioner, "--data", trained.spec, "--out", "out", "--features", trained.features, *arguments
    )
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_nothing_to_go_on_with_is_said_before_a_picture_passes_through_the_cnn(
    call: Call, trained: Trained, tmp_path: Path
) -> None:
    code, _, err = call(
        train_captioner, "--data", trained.spec, "--out", "out", "--features", "features", "--resume"
    )
    assert code == 3 and "There is no cut training to go on with in" in err
    assert not (tmp_path / "features").exists()


def test_missing_cnn_weights_say_how_to_get_them(
    call: Call, trained: Trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("CAPTIONRET_BACKBONES", raising=False)
    code, _, err = call(train_captioner, "--variant", "model2", "--data", trained.spec, "--out", "out")
    assert code == 3
    assert "resnet101-63fe2227.pth" in err and "./download.sh backbones" in err


def test_missing_word_vectors_are_named_before_a_picture_passes_through_the_cnn(
    call: Call, trained: Trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CAPTIONRET_GLOVE", raising=False)
    settings = ("--set", "word_vectors=glove-300", "--set", "embed_dim=300")
    code, _, err = call(train_captioner, "--data", trained.spec, "--out", "out", *settings)
    assert code == 3
    assert "glove.6B.300d.txt" in err and "./download.sh glove" in err
    assert not (tmp_path / "data").exists()


def test_random_backbone_is_said_and_has_features_of_its_own(
    call: Call, trained: Trained, tmp_path: Path
) -> None:
    settings = (
        "--set",
        "backbone=resnet18",
        "--epochs",
        "1",
        "--augment",
        "1",
        "--set",
        "hidden_dim=32",
        "--split",
        "val",
    )
    code, _, err = call(
        train_captioner,
        "--data",
        trained.spec,
        "--out",
        "out",
        "--random-backbone",
        "--features",
        "features",
        *settings,
    )
    assert code == 0
    assert "Random weights for resnet18, as asked for" in err
    assert [path.name.split("-")[:2] for path in (tmp_path / "features").iterdir()] == [
        ["resnet18", "random"]
    ]


def test_card_repeats_the_command_as_a_shell_reads_it(call: Call, trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "a name with blanks"
    where = ("--data", trained.spec, "--out", out, "--features", trained.features)
    assert call(train_captioner, *where, *trained.settings, "--epochs", 1).code == 0
    assert (
        f"    captionret train-captioner --data {trained.spec} --out '{out}'"
        in (out / "README.md").read_text()
    )


# Caption


def counts(line: str) -> dict[str, int]:
    """ "new 3  unchanged 0" as a dictionary."""
    fields = line.split()
    return dict(zip(fields[::2], map(int, fields[1::2]), strict=True))


def test_captioning_says_what_is_new_unchanged_changed_removed_and_failed(
    call: Call, trained: Trained, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(trained.pictures, photos / "deep" / "er")
    arguments = (photos, "--library", "mine", "--checkpoint", trained.checkpoint)
    first = call(index, *arguments)
    assert (first.code, counts(first.out)) == (
        0,
        {"new": 16, "unchanged": 0, "changed": 0, "removed": 0, "failed": 0},
    )
    assert (tmp_path / "data" / "libraries" / "mine").is_dir()

    second = call(index, *arguments)
    assert counts(second.out) == {"new": 0, "unchanged": 16, "changed": 0, "removed": 0, "failed": 0}

    names = sorted((photos / "deep" / "er").iterdir())
    names[0].unlink()
    shape(names[1], "yellow", "circle", 77)
    shape(photos / "one more.png", "red", "square", 78)
    (photos / "notes.jpg").write_text("a text")
    third = call(index, *arguments)
    assert counts(third.out) == {"new": 1, "unchanged": 14, "changed": 1, "removed": 1, "failed": 1}
    assert "failed: " in third.err and "notes.jpg" in third.err
    assert third.code == 0


def test_captioning_as_json_gives_counts_and_failures(call: Call, trained: Trained, tmp_path: Path) -> None:
    shape(tmp_path / "photos" / "a.png", "red", "circle")
    (tmp_path / "photos" / "empty.png").touch()
    code, out, _ = call(index, "photos", "--library", "./lib", "--checkpoint", trained.checkpoint, "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["library"], answer["root"]) == (str(tmp_path / "lib"), str(tmp_path / "photos"))
    assert (answer["new"], answer["failed"], answer["other"]) == (1, 1, {})
    assert [failure["path"] for failure in answer["failures"]] == ["empty.png"]
    assert "empty.png is empty" in answer["failures"][0]["reason"]


def test_limited_captioning_goes_on_next_time(call: Call, trained: Trained, tmp_path: Path) -> None:
    arguments = (trained.pictures, "--library", "./lib", "--checkpoint", trained.checkpoint)
    assert counts(call(index, *arguments, "--limit", 6).out)["new"] == 6
    assert counts(call(index, *arguments).out) == {
        "new": 10,
        "unchanged": 6,
        "changed": 0,
        "removed": 0,
        "failed": 0,
    }


def test_library_goes_on_with_its_own_checkpoint(call: Call, trained: Trained, tmp_path: Path) -> None:
    shape(tmp_path / "photos" / "a.png", "red", "circle")
    call(index, "photos", "--library", "lib", "--checkpoint", trained.checkpoint)
    code, out, err = call(index, "photos", "--library", "lib")
    assert (code, counts(out)["unchanged"]) == (0, 1)
    assert "shipped" not in err


def test_captioning_with_another_checkpoint_is_refused(
    call: Call, trained: Trained, other: Path, tmp_path: Path
) -> None:
    shape(tmp_path / "photos" / "a.png", "red", "circle")
    call(index, "photos", "--library", "lib", "--checkpoint", trained.checkpoint)
    code, out, err = call(index, "photos", "--library", "lib", "--checkpoint", other)
    assert (code, out) == (3, "")
    assert "was captioned by tiny" in err and "--recaption" in err
    code, out, _ = call(index, "photos", "--library", "lib", "--checkpoint", other, "--recaption")
    assert code == 0


def test_folder_without_pictures_ends_with_nothing_found(
    call: Call, trained: Trained, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    code, out, _ = call(index, "photos", "--library", "lib", "--checkpoint", trained.checkpoint)
    assert (code, counts(out)["new"]) == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "--library", "lib"), "nowhere is not a folder"),
        ((".", "--library", "lib", "--checkpoint", "gone"), "There is no checkpoint 'gone'."),
        ((".", "--library", "lib", "--checkpoint", "./gone"), "There is no checkpoint directory gone."),
    ],
)
def test_captioning_that_cannot_be_is_refused_with_a_reason(
    call: Call, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = call(index, *arguments)
    assert (code, out) == (3, "")
    assert said in err


def test_missing_shipped_checkpoint_is_named(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(places, "SHIPPED", tmp_path / "not there")
    shape(tmp_path / "photos" / "a.png", "red", "circle")
    code, _, err = call(index, "photos", "--library", "lib")
    assert code == 3
    assert "not there is missing. Install captionret again, or name another checkpoint." in err


# Retrieve


def ranking(captions: dict[str, str], words: str, without: str = "") -> list[tuple[str, float]]:
    """Names and scores by Jaccard over word sets, computed plainly."""
    query = word_set(words)
    scored = [
        (name, len(query & word_set(text)) / len(query | word_set(text)))
        for name, text in captions.items()
        if name != without
    ]
    return sorted([pair for pair in scored if pair[1] > 0], key=lambda pair: (-pair[1], pair[0]))


def found(out: str) -> list[tuple[str, float]]:
    """Names and scores of a JSON answer."""
    return [(Path(hit["path"]).name, hit["score"]) for hit in json.loads(out)["hits"]]


def same(hits: list[tuple[str, float]], expected: list[tuple[str, float]]) -> bool:
    return [name for name, _ in hits] == [name for name, _ in expected] and [
        score for _, score in hits
    ] == pytest.approx([score for _, score in expected])


def test_query_finds_what_shows_the_same_and_prints_each_hit(
    call: Call, library: Path, trained: Trained, captions: dict[str, str]
) -> None:
    code, out, err = call(
        search, "--image", trained.pictures / "red-circle-0.png", "--library", library, "--top", 3, *JACCARD
    )
    assert (code, err) == (0, "")
    query, *hits = out.splitlines()
    assert query.split()[0] == "red-circle-0.png"
    assert f'"{captions["red-circle-0.png"]}"' in query and "tiny, beam 3" in query
    assert len(hits) == 3
    expected = ranking(captions, captions["red-circle-0.png"], without="red-circle-0.png")[:3]
    for rank, (line, (name, score)) in enumerate(zip(hits, expected, strict=True), start=1):
        assert line.split()[:3] == [str(rank), f"{score:.2f}", name]
        shown, _, why = line.partition(captions[name])
        assert shown.rstrip().endswith(name)
        assert set(why.split()) == word_set(captions["red-circle-0.png"]) & word_set(captions[name])


def test_json_has_the_documented_shape_and_the_exact_ranking(
    call: Call, library: Path, trained: Trained, captions: dict[str, str]
) -> None:
    picture = trained.pictures / "blue-square-1.png"
    code, out, err = call(search, "--image", picture, "--library", library, "--json", *JACCARD)
    answer = json.loads(out)
    caption = captions[picture.name]
    assert (code, err) == (0, "")
    assert list(answer) == ["query", "mode", "library", "root", "hits", "notes"]
    assert answer["query"] == {
        "image": str(picture),
        "text": None,
        "caption": caption,
        "tokens": list(dict.fromkeys(caption.split())),
    }
    assert (answer["mode"], answer["library"]) == ("jaccard", str(library))
    assert answer["root"] == str(trained.pictures)
    assert all(Path(hit["path"]).parent == trained.pictures for hit in answer["hits"])
    assert len(answer["hits"]) == 10
    for rank, hit in enumerate(answer["hits"], start=1):
        assert list(hit) == [
            "rank",
            "score",
            "path",
            "caption",
            "why",
            "words",
            "by_caption",
            "by_name",
            "weak",
            "taken",
            "alike",
        ]
        assert hit["rank"] == rank
        assert hit["caption"] == captions[Path(hit["path"]).name]
        assert set(hit["why"]) == word_set(caption) & word_set(hit["caption"])
    assert same(found(out), ranking(captions, caption, without=picture.name)[:10])


def test_text_query_needs_no_captioner(call: Call, library: Path, captions: dict[str, str]) -> None:
    code, out, _ = call(
        search, "--text", "a yellow circle", "--library", library, "--json", "--top", 100, *JACCARD
    )
    assert code == 0
    assert json.loads(out)["query"] == {
        "image": None,
        "text": "a yellow circle",
        "caption": None,
        "tokens": ["a", "yellow", "circle"],
    }
    assert same(found(out), ranking(captions, "a yellow circle"))


def test_picture_and_text_together_search_with_the_words_of_both(
    call: Call, library: Path, trained: Trained, captions: dict[str, str]
) -> None:
    arguments = (
        "--image",
        trained.pictures / "red-circle-0.png",
        "--text",
        "green square",
        "--library",
        library,
        *JACCARD,
        "--json",
        "--top",
        100,
    )
    code, out, _ = call(search, *arguments)
    words = f"{captions['red-circle-0.png']} green square"
    assert code == 0
    assert set(json.loads(out)["query"]["tokens"]) == word_set(words)
    assert same(found(out), ranking(captions, words, without="red-circle-0.png"))


def test_query_is_left_out_even_under_another_name(
    call: Call, library: Path, trained: Trained, tmp_path: Path
) -> None:
    copy = shutil.copy(trained.pictures / "green-circle-0.png", tmp_path / "holiday.jpg")
    _, out, _ = call(search, "--image", copy, "--library", library, "--json", "--top", 100, *JACCARD)
    assert len(found(out)) == 15
    assert "green-circle-0.png" not in dict(found(out))
    _, out, _ = call(
        search, "--image", copy, "--library", library, "--json", "--top", 100, "--keep-self", *JACCARD
    )
    assert dict(found(out))["green-circle-0.png"] == 1.0


def test_picture_outside_the_library_is_captioned_by_the_librarys_checkpoint(
    call: Call, library: Path, tmp_path: Path
) -> None:
    picture = shape(tmp_path / "new.png", "yellow", "square", 991)
    code, out, err = call(search, "--image", picture, "--library", library, "--json", "--top", 2, *JACCARD)
    assert (code, err) == (0, "")
    assert {"yellow", "square"} < set(json.loads(out)["query"]["tokens"])
    assert {name.rsplit("-", 1)[0] for name, _ in found(out)} == {"yellow-square"}


def test_librarys_own_checkpoint_computes_on_the_device_asked_for(
    call: Call, library: Path, tmp_path: Path
) -> None:
    picture = shape(tmp_path / "new.png", "yellow", "square", 992)
    code, _, err = call(search, "--image", picture, "--library", library, "--device", "cuda:99")
    assert code == 2
    assert "The device 'cuda:99' cannot be used here" in err


def test_min_score_leaves_out_what_is_below_it(
    call: Call, library: Path, trained: Trained, captions: dict[str, str]
) -> None:
    arguments = (
        "--image",
        trained.pictures / "red-circle-0.png",
        "--library",
        library,
        *JACCARD,
        "--json",
        "--top",
        100,
    )
    all_hits = found(call(search, *arguments).out)
    limit = all_hits[4][1]
    assert found(call(search, *arguments, "--min-score", limit).out) == [
        hit for hit in all_hits if hit[1] >= limit
    ]
    nothing = call(search, *arguments[:-1], 100, "--min-score", 1.01)
    assert (nothing.code, found(nothing.out)) == (1, [])


def test_nothing_in_common_exits_1_and_says_so(call: Call, library: Path) -> None:
    code, out, err = call(search, "--text", "zebra", "--library", library, *JACCARD)
    assert (code, err) == (1, "No picture here shows 'zebra'.\n")
    assert "nothing found" in out


def test_gallery_is_captioned_once_and_kept_up_to_date(
    call: Call, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from captionret.models.captioning.captioner import Captioner

    seen: list[Path] = []
    real = Captioner.caption_stream

    def watched(self: Captioner, paths: list[Path], **options: Any) -> Any:
        seen.extend(paths)
        return real(self, paths, **options)

    monkeypatch.setattr(Captioner, "caption_stream", watched)
    shutil.copytree(trained.pictures, tmp_path / "photos")
    (tmp_path / "photos" / "broken.jpg").write_text("no picture")
    arguments = (
        "--image",
        "photos/red-circle-0.png",
        "--gallery",
        "photos",
        "--checkpoint",
        trained.checkpoint,
        "--json",
        "--top",
        "100",
    )
    code, out, err = call(search, *arguments)
    assert (code, len(found(out))) == (0, 15)
    assert "left out: " in err and "broken.jpg" in err
    assert len(seen) == 17
    (tmp_path / "photos" / "blue-circle-0.png").unlink()
    shape(tmp_path / "photos" / "new.png", "red", "circle", 555)
    _, again, _ = call(search, *arguments)
    assert {path.name for path in seen[17:]} <= {"new.png", "broken.jpg"}
    assert "new.png" in dict(found(again)) and "blue-circle-0.png" not in dict(found(again))


def test_bare_command_searches_the_sample_photographs_with_the_shipped_checkpoint(
    call: Call, trained: Trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(places, "SHIPPED", trained.checkpoint)
    shape(tmp_path / "q.png", "red", "circle")
    code, out, err = call(search, "--image", "q.png")
    assert code == 0
    assert out.splitlines()[0].startswith("q.png") and len(out.splitlines()) > 5
    assert err.count("With the shipped checkpoint tiny.") == 1
    assert "No folder is indexed yet: in the sample photographs, data/samples." in err
    assert (tmp_path / "data" / "samples" / "cat.png").exists()


def test_html_answer_stands_alone(call: Call, library: Path, trained: Trained, tmp_path: Path) -> None:
    arguments = ("--image", trained.pictures / "red-circle-0.png", "--library", library, "--top", 3)
    plain = call(search, *arguments)
    code, out, err = call(search, *arguments, "--html", "answers/a.html")
    assert (code, out) == (0, plain.out)
    assert f"The page: {tmp_path / 'answers' / 'a.html'}" in err
    page = (tmp_path / "answers" / "a.html").read_text()
    assert page.count("data:image/jpeg;base64,") >= 4
    assert "<script" not in page and 'src="http' not in page
    assert "red-circle-0.png" in page


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Give words, a picture (--image FILE), or both."),
        (("--text", "  "), 2, "The query is empty"),
        (("--text", "...!"), 2, "holds no word to compare by"),
        (("--text", "dog", "--mode", "jacard"), 2, "There is no mode 'jacard'. Did you mean 'jaccard'?"),
        (("--text", "dog", "--top", "0"), 2, "top is 0; ask for at least 1 hit"),
        (("--text", "dog", "--min-score", "nan"), 2, "is nan"),
        (("--text", "dog", "--gallery", "."), 2, "not allowed with argument"),
        (("--image", "gone.jpg"), 3, "gone.jpg does not exist"),
        (("--image", "text.jpg"), 3, "text.jpg is not a picture in a known format"),
        (("--image", "cut.png"), 3, "cut.png cannot be decoded"),
        (("--image", "empty.png"), 3, "empty.png"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_query_that_cannot_be_answered_is_refused_with_a_reason(
    call: Call,
    library: Path,
    trained: Trained,
    tmp_path: Path,
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    (tmp_path / "text.jpg").write_text("a text")
    (tmp_path / "empty.png").touch()
    content = (trained.pictures / "red-circle-0.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    ended = call(search, "--library", library, *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "wrong", [("--mode", "nope", "--text", "dog"), ("--image", "gone.jpg"), ("--text", "dog", "--top", "0")]
)
def test_wrong_query_is_refused_before_a_gallery_is_captioned(
    call: Call, trained: Trained, tmp_path: Path, wrong: tuple[str, ...]
) -> None:
    code, _, _ = call(search, "--gallery", trained.pictures, "--checkpoint", trained.checkpoint, *wrong)
    assert code in (2, 3)
    assert not (tmp_path / "data").exists()


def test_missing_library_and_gallery_are_named(call: Call, trained: Trained) -> None:
    code, _, err = call(search, "--text", "dog", "--library", "nope")
    assert code == 3
    assert "data/libraries/nope" in err
    code, _, err = call(search, "--text", "dog", "--gallery", "nope", "--checkpoint", trained.checkpoint)
    assert code == 2
    assert "nope is not a folder" in err


def test_library_captioned_by_another_checkpoint_is_refused(
    call: Call, library: Path, other: Path, tmp_path: Path
) -> None:
    picture = shape(tmp_path / "new.png", "red", "circle", 500)
    code, out, err = call(search, "--image", picture, "--library", library, "--checkpoint", other)
    assert (code, out) == (3, "")
    assert "was captioned by tiny" in err and "the query would be by other" in err


def test_damaged_checkpoint_is_refused_by_the_files_name(
    call: Call, trained: Trained, tmp_path: Path
) -> None:
    shutil.copytree(trained.checkpoint, tmp_path / "ck")
    weights = tmp_path / "ck" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-100] ^= 1
    weights.write_bytes(content)
    code, _, err = call(search, "--text", "dog", "--gallery", trained.pictures, "--checkpoint", "./ck")
    assert code == 3
    assert "model.safetensors" in err and "altered" in err


def test_script_prints_results_alone_and_survives_a_closed_pipe(
    library: Path, trained: Trained, tmp_path: Path
) -> None:
    arguments = ("--image", trained.pictures / "red-circle-0.png", "--library", library, "--json", *JACCARD)
    ended = script("retrieve", *arguments, cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert len(found(ended.out)) == 10
    reader, writer = os.pipe()
    os.close(reader)
    line = [sys.executable, str(ROOT / "scripts" / "retrieve.py"), *map(str, arguments)]
    closed = subprocess.run(
        line, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=tmp_path, timeout=60, check=False
    )
    os.close(writer)
    assert closed.stderr == ""


def test_script_ends_with_the_errors_code_and_no_traceback(tmp_path: Path) -> None:
    ended = script("retrieve", "--image", "gone.jpg", cwd=tmp_path)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == "gone.jpg does not exist. Check the path.\n"


# Compare


@pytest.fixture
def compared(call: Call, trained: Trained, other: Path) -> Ended:
    checkpoints = ("--checkpoints", trained.checkpoint, other)
    return call(
        compare_variants,
        "--data",
        trained.spec,
        *checkpoints,
        "--out",
        "comparison",
        "--features",
        trained.features,
        "--pictures",
        4,
    )


def test_comparison_has_a_row_per_variant_on_terminal_csv_and_page(
    compared: Ended, trained: Trained, other: Path, tmp_path: Path
) -> None:
    assert compared.code == 0
    assert [line.split()[0] for line in compared.out.splitlines() if line.startswith("model")] == [
        "model2-lite",
        "model5-lite",
    ]
    with open(tmp_path / "comparison" / "variants.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    asked = (
        "variant checkpoint parameters train_seconds captions_per_second bleu1 bleu2 bleu3 bleu4 "
        "rouge_l cider_d distinct"
    ).split()
    assert list(rows[0])[: len(asked)] == asked
    assert [row["checkpoint"] for row in rows] == [str(trained.checkpoint), str(other)]
    assert all(float(row["train_seconds"]) > 0 and float(row["captions_per_second"]) > 0 for row in rows)
    page = (tmp_path / "comparison" / "index.html").read_text()
    for name in ("tiny", "other", "blue circle", "Quality and speed"):
        assert name in page
    # four pictures, each with two variants' five hits
    assert page.count("data:image/jpeg;base64,") >= 4 * (1 + 2 * 5)
    assert "comparison/variants.csv" in compared.err and "comparison/index.html" in compared.err


def test_compared_scores_are_the_scorers_own(
    compared: Ended, trained: Trained, captions: dict[str, str], tmp_path: Path
) -> None:
    from captionret.evaluation.captions.scorer import score
    from captionret.models.captioning.captioner import Captioner
    from captionret.models.trained import count_parameters

    items = open_dataset(trained.spec).split("test")
    assert compared.code == 0
    expected = score(
        {item.id: captions[Path(item.id).name] for item in items}, {item.id: item.captions for item in items}
    )
    with open(tmp_path / "comparison" / "variants.csv", newline="") as file:
        row = next(csv.DictReader(file))
    for name in ("bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider_d", "distinct"):
        assert float(row[name]) == pytest.approx(getattr(expected, name), abs=1e-3)
    assert float(row["bleu1"]) > 60
    assert int(row["parameters"]) == count_parameters(Captioner.load(trained.checkpoint).decoder)


def test_comparison_takes_every_checkpoint_by_default(
    call: Call, trained: Trained, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained.checkpoint, tmp_path / "checkpoints" / trained.checkpoint.name)
    shutil.copytree(other, tmp_path / "home/checkpoints" / other.name)
    monkeypatch.setenv("CAPTIONRET_HOME", str(tmp_path / "home"))
    of = ("--data", trained.spec, "--features", trained.features)
    code, out, _ = call(compare_variants, *of)
    assert code == 0
    assert "checkpoints/tiny" in out and "home/checkpoints/other" in out
    assert (tmp_path / "report" / "variants" / "variants.csv").exists()


def test_noted_scores_stand_in_the_record_and_on_the_card(
    call: Call, trained: Trained, tmp_path: Path
) -> None:
    shutil.copytree(trained.checkpoint, tmp_path / "ck")
    where = ("--data", trained.spec, "--checkpoints", "ck", "--features", trained.features)
    code, _, _ = call(compare_variants, *where, "--length-penalty", 0, "--note")
    scores = json.loads((tmp_path / "ck" / "config.json").read_text())["scores"]
    assert code == 0
    assert list(scores) == ["table test, beam 3"]
    card = (tmp_path / "ck" / "README.md").read_text()
    assert f"| table test, beam 3 | {scores['table test, beam 3']['bleu1']:.1f} |" in card


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--checkpoints", "./gone"), 3, "There is no checkpoint directory gone"),
        (("--checkpoints", "gone"), 3, "There is no checkpoint 'gone'."),
        ((), 3, "There are no checkpoints in checkpoints. Train one"),
        (("--split", "nope"), 3, "has no images in split 'nope'"),
        (("--pictures", "0"), 2, "--pictures 0, --batch-size 64, --beam 3: all must be at least 1"),
        (("--batch-size", "0"), 2, "all must be at least 1"),
    ],
)
def test_comparison_that_cannot_be_is_refused_with_a_reason(
    call: Call, trained: Trained, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = call(compare_variants, "--data", trained.spec, "--features", trained.features, *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


def test_comparison_on_a_broken_picture_names_it(call: Call, trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.pictures.parent, tmp_path / "shapes")
    (tmp_path / "shapes" / "test" / "red-circle-1.png").write_text("broken")
    arguments = (
        "--data",
        "table:shapes/captions.csv",
        "--checkpoints",
        trained.checkpoint,
        "--features",
        trained.features,
    )
    code, _, err = call(compare_variants, *arguments)
    assert code == 3
    assert "red-circle-1.png" in err and "cannot be compared" in err
