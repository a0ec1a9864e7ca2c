"""Embedding spaces as people type them: train, evaluate, encode, annotate; and what is refused."""

import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from shapes import Trained, arrays
from typed import Call

from captionret.cli import annotate, encode, evaluate_ranking, train_embedding
from captionret.datasets import open_dataset
from captionret.fetching import addresses
from captionret.models.embedding.model import EmbeddingModel


class Space(NamedTuple):
    """A space that tells every colour and shape, its data set, its feature cache, and a further one of word
    vectors with labels."""

    checkpoint: Path
    spec: str
    pictures: Path
    features: Path
    labelled: Path


FIELDS = {
    "backbone": "efficientnet_lite0",
    "views": 1,
    "dim": 64,
    "word_dim": 64,
    "learning_rate": 0.01,
    "epochs": 15,
    "batch_size": 32,
}


def typed(fields: dict[str, Any]) -> list[str]:
    return [word for name, value in fields.items() for word in ("--set", f"{name}={value}")]


@pytest.fixture(scope="module")
def space(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Space:
    folder = tmp_path_factory.mktemp("space")
    where = ["--data", trained.spec, "--features", str(trained.features)]
    assert (
        train_embedding.main(
            ["--variant", "vse-bow", *where, "--out", str(folder / "space"), "--half", *typed(FIELDS)]
        )
        == 0
    )
    labels = {"backbone": "efficientnet_lite0", "views": 1, "epochs": 15, "label_count": 3, "unseen": 1}
    assert (
        train_embedding.main(
            ["--variant", "devise", *where, "--out", str(folder / "labelled"), *typed(labels)]
        )
        == 0
    )
    return Space(folder / "space", trained.spec, trained.pictures, trained.features, folder / "labelled")


# --- training ---


def test_a_trained_directory_holds_its_documented_files(space: Space) -> None:
    names = sorted(path.name for path in space.checkpoint.iterdir())
    assert names == ["README.md", "config.json", "model.safetensors", "training", "vocab.json"]
    card = (space.checkpoint / "README.md").read_text()
    assert (
        "model `vse-bow`" in card
        and "(kept)" in card
        and "captionret train-embedding --variant vse-bow" in card
    )


def test_the_models_are_listed_and_the_original_names_stand_in_the_help(call: Call) -> None:
    code, out, _ = call(train_embedding, "--list")
    assert code == 0
    for name in (
        "vse",
        "vse++",
        "vse-bow",
        "vse-lstm",
        "devise",
        "devise-cosine",
        "glove-map",
        "sentence-map",
    ):
        assert f"\n{name} " in out
    code, out, _ = call(train_embedding, "--help")
    assert code == 0
    for old in (
        "margin dim dim_image dim_word ncon encoder max_epochs dispFreq decay_c grad_clip maxlen_w optimizer"
    ).split():
        assert old in out
    for old in "batch_size saveto validFreq reload_ data max_violation".split():
        assert old in out


def test_what_cannot_be_trained_is_refused_before_anything_is_read(call: Call, space: Space) -> None:
    for arguments, said in (
        ((), "Which variant shall be trained"),
        (("--variant", "vsee"), "Did you mean 'vse'"),
        (("--variant", "vse", "--set", "margin=-1"), "margin must be a number above 0"),
        (("--variant", "vse", "--set", "ncon=0"), "negatives must be at least 1"),
        (("--variant", "vse", "--set", "wings=2"), "no field 'wings'"),
        (
            ("--variant", "vse-bow", "--data", space.spec, "--out", space.checkpoint),
            "already holds a training",
        ),
    ):
        code, _, err = call(train_embedding, *arguments)
        assert code == 2 and said in err, (arguments, err)
    where = ("--data", space.spec, "--features", space.features, "--out", "new")
    code, _, err = call(train_embedding, "--variant", "vse-bow", *where, "--resume", *typed(FIELDS))
    assert code == 3 and "There is no cut training to go on with in new/training. Leave --resume out." in err


def test_collections_without_labels_say_what_else_can_be_a_target(call: Call, space: Space) -> None:
    labels = {"backbone": "efficientnet_lite0", "targets": "labels"}
    code, _, err = call(
        train_embedding,
        "--variant",
        "devise",
        "--data",
        space.spec,
        "--features",
        space.features,
        *typed(labels),
    )
    assert code == 3 and "labels" in err


@pytest.mark.parametrize("repeat", [True, False], ids=["five rows an image", "a row an image"])
def test_the_original_format_is_trained_on_and_evaluated_in_both_layouts(
    call: Call, tmp_path: Path, repeat: bool
) -> None:
    spec = arrays(tmp_path / "vse", repeat)
    fields = {"dim": 32, "dim_word": 32, "learning_rate": 0.02, "max_epochs": 20, "validFreq": 0}
    code, out, _ = call(
        train_embedding, "--variant", "vse-bow", "--data", spec, "--out", "mine", *typed(fields)
    )
    assert code == 0 and out.strip() == "mine"
    code, out, _ = call(
        evaluate_ranking, "--checkpoint", "./mine", "--data", spec, "--folds", 5, "--json", "scores.json"
    )
    scores = json.loads(Path("scores.json").read_text())
    assert code == 0 and set(scores) == {"i2t", "t2i", "rsum"}
    assert set(scores["i2t"]) == set(scores["t2i"]) == {"r1", "r5", "r10", "medr", "meanr"}
    assert scores["rsum"] == pytest.approx(
        sum(scores[way][key] for way in ("i2t", "t2i") for key in ("r1", "r5", "r10"))
    )
    assert scores["t2i"]["r5"] == 100.0, "five images a fold"


def test_features_and_captions_whose_counts_fit_neither_layout_are_refused(
    call: Call, tmp_path: Path
) -> None:
    spec = arrays(tmp_path / "vse", True)
    rows = np.load(tmp_path / "vse" / "f8k_train_ims.npy")
    np.save(tmp_path / "vse" / "f8k_train_ims.npy", rows[:-3])
    code, _, err = call(train_embedding, "--variant", "vse-bow", "--data", spec)
    assert code == 3 and "122 rows for 125 captions" in err


def test_zero_features_are_refused_by_their_row(call: Call, tmp_path: Path) -> None:
    spec = arrays(tmp_path / "vse", False)
    rows = np.load(tmp_path / "vse" / "f8k_train_ims.npy")
    rows[7] = 0
    np.save(tmp_path / "vse" / "f8k_train_ims.npy", rows)
    code, _, err = call(train_embedding, "--variant", "vse-bow", "--data", spec)
    assert code == 2 and "all 0 in row 7" in err


# --- evaluating ---


def test_figures_are_printed_written_and_noted(call: Call, space: Space, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(space.checkpoint, mine)
    arguments = (
        "--checkpoint",
        mine,
        "--data",
        space.spec,
        "--features",
        space.features,
        "--json",
        "s.json",
        "--note",
    )
    code, out, err = call(evaluate_ranking, *arguments)
    assert (
        code == 0
        and "annotation (i2t)" in out
        and "search (t2i)" in out
        and "Sum of the recalls" in out
        and "Written" in err
    )
    scores = json.loads(Path("s.json").read_text())
    assert scores["i2t"]["r5"] > 90 and scores["t2i"]["r5"] > 90
    assert "| table test |" in (mine / "README.md").read_text()
    assert EmbeddingModel.load(mine, "cpu").checkpoint.scores["table test"]["rsum"] == pytest.approx(
        scores["rsum"]
    )


def test_a_space_of_labels_is_asked_for_them(call: Call, space: Space) -> None:
    code, out, _ = call(
        evaluate_ranking,
        "--checkpoint",
        space.labelled,
        "--data",
        space.spec,
        "--features",
        space.features,
        "--json",
        "s.json",
    )
    labels = json.loads(Path("s.json").read_text())["labels"]
    assert code == 0 and "among words: " in out
    assert labels["among_labels"]["labels"] == 3 and labels["among_unseen"]["labels"] == 1
    assert labels["among_labels"]["hit5"] == labels["among_labels"]["chance5"] == 100.0, (
        "three labels, five answers"
    )
    assert labels["among_words"]["words"] > 390_000 and 0 <= labels["among_words"]["hierarchical20"] <= 100


def test_a_captioner_and_what_is_no_checkpoint_are_refused_by_every_command(
    call: Call, space: Space, trained: Trained
) -> None:
    picture = next(space.pictures.iterdir())
    for module, rest in (
        (evaluate_ranking, ("--data", space.spec)),
        (encode, ("--images", picture, "--out", "x.npy")),
        (annotate, ("--image", picture)),
    ):
        code, _, err = call(module, "--checkpoint", trained.checkpoint, *rest)
        assert code == 3 and "of kind 'captioner', which generates captions" in err
        assert "here one of kind 'embedding space' is needed" in err
        code, _, err = call(module, "--checkpoint", "./nothing", *rest)
        assert code == 3 and "There is no checkpoint directory" in err and "captionret train-embedding" in err


def test_folds_that_do_not_part_the_images_are_refused(call: Call, space: Space) -> None:
    code, _, err = call(
        evaluate_ranking,
        "--checkpoint",
        space.checkpoint,
        "--data",
        space.spec,
        "--features",
        space.features,
        "--folds",
        5,
    )
    assert code == 2 and "16 images do not part into 5 folds" in err


def test_features_of_another_network_are_refused(call: Call, space: Space, tmp_path: Path) -> None:
    code, _, err = call(
        evaluate_ranking, "--checkpoint", space.checkpoint, "--data", arrays(tmp_path / "vse", True)
    )
    assert code == 2 and "expected numbers (N, 1280)" in err


# --- encoding ---


def test_sentences_and_pictures_are_written_as_unit_rows_with_their_names(
    call: Call, space: Space, tmp_path: Path
) -> None:
    Path("texts.txt").write_text("a red circle\nthere is a blue square on paper .\n")
    code, out, _ = call(
        encode, "--checkpoint", space.checkpoint, "--sentences", "texts.txt", "--out", "texts.npy"
    )
    texts, beside = np.load("texts.npy"), json.loads(Path("texts.json").read_text())
    assert code == 0 and out.strip() == "texts.npy" and texts.shape == (2, 64) and texts.dtype == np.float32
    assert beside["sentences"] == ["a red circle", "there is a blue square on paper ."]
    model = EmbeddingModel.load(space.checkpoint, "cpu")
    assert texts == pytest.approx(model.encode_texts(beside["sentences"]), abs=1e-6)
    assert beside["fingerprint"] == model.fingerprint
    shutil.copytree(space.pictures, tmp_path / "pictures")
    (tmp_path / "pictures" / "bad.png").write_bytes(b"no picture")
    arguments = ("--images", tmp_path / "pictures", "--out", "images.npy", "--features", space.features)
    code, _, err = call(encode, "--checkpoint", space.checkpoint, *arguments)
    images, names = np.load("images.npy"), json.loads(Path("images.json").read_text())["images"]
    assert (
        code == 0 and images.shape == (16, 64) and len(names) == 16 and "left out" in err and "bad.png" in err
    )
    assert np.linalg.norm(images, axis=1) == pytest.approx(1, abs=1e-5)
    best = [Path(names[row]).name for row in (images @ texts.T).argmax(0)]
    assert best[0].startswith("red-circle") and best[1].startswith("blue-square")


def test_what_cannot_be_encoded_is_refused(call: Call, space: Space) -> None:
    Path("bad.png").write_bytes(b"no picture")
    Path("empty.txt").write_text("")
    Path("blank.txt").write_text("a dog\n\n")
    for arguments, code, said in (
        (("--sentences", "empty.txt", "--out", "x.npy"), 3, "empty.txt is empty"),
        (("--sentences", "nowhere.txt", "--out", "x.npy"), 3, "nowhere.txt cannot be read"),
        (("--sentences", "blank.txt", "--out", "x.npy"), 2, "Sentence 2 of 2 ('') holds no word"),
        (("--images", "bad.png", "--out", "x.npy"), 3, "No picture can be read, of 1 given"),
        (("--images", "bad.png", "--out", "x.txt"), 2, "should end in .npy"),
        (("--images", "bad.png", "--out", "x.npy", "--batch-size", "0"), 2, "batch"),
    ):
        ended = call(encode, "--checkpoint", space.checkpoint, "--features", space.features, *arguments)
        assert ended.code == code and said in ended.err, (arguments, ended.err)
        assert not Path("x.npy").exists()


# --- annotating ---


@pytest.mark.parametrize(
    ("module", "arguments"),
    [(annotate, ("--image", "q.jpg")), (encode, ("--images", "photos", "--out", "x.npy"))],
)
def test_the_shipped_space_is_taken_where_none_is_named(module: Any, arguments: tuple[str, ...]) -> None:
    assert module._parse(arguments).checkpoint == "photos-space"


def test_a_picture_is_annotated_with_words_and_with_the_captions_of_a_collection(
    call: Call, space: Space
) -> None:
    picture = space.pictures / "red-circle-0.png"
    code, out, _ = call(annotate, "--checkpoint", space.checkpoint, "--image", picture, "--json")
    labels = [label["text"] for label in json.loads(out)["labels"]]
    assert code == 0 and len(labels) == 5 and set(labels[:2]) == {"red", "circle"}
    code, out, _ = call(
        annotate,
        "--checkpoint",
        space.checkpoint,
        "--image",
        picture,
        "--captions-from",
        space.spec,
        "--top",
        3,
        "--json",
    )
    captions = [caption["text"] for caption in json.loads(out)["captions"]]
    assert code == 0 and len(captions) == 3 and all("red circle" in caption for caption in captions[:2])
    assert captions[0] in {
        caption for item in open_dataset(space.spec).split("train") for caption in item.captions
    }
    code, out, _ = call(annotate, "--checkpoint", space.checkpoint, "--image", picture, "--labels")
    assert code == 0 and "score" in out and "circle" in out


def test_a_picture_is_annotated_from_its_address(
    call: Call, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=space.pictures)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(addresses, "is_public", lambda ip: True)
    address = f"http://127.0.0.1:{server.server_port}"
    code, out, _ = call(
        annotate, "--checkpoint", space.checkpoint, "--image", f"{address}/blue-square-1.png", "--json"
    )
    assert code == 0 and {label["text"] for label in json.loads(out)["labels"][:2]} == {"blue", "square"}
    code, _, err = call(annotate, "--checkpoint", space.checkpoint, "--image", f"{address}/")
    assert code == 3 and f"{address}/ is not a picture in a known format" in err
    server.shutdown()


def test_a_space_of_word_vectors_says_words_that_it_never_learned(call: Call, space: Space) -> None:
    picture = space.pictures / "red-circle-0.png"
    code, out, _ = call(annotate, "--checkpoint", space.labelled, "--image", picture, "--json", "--top", 50)
    labels = {label["text"] for label in json.loads(out)["labels"]}
    assert code == 0 and len(labels) == 50
    assert len(labels - set(EmbeddingModel.load(space.labelled, "cpu").vocabulary.tokens)) > 30


def test_an_index_is_made_once_and_says_what_comparing_with_everything_says(call: Call, space: Space) -> None:
    arguments = (
        "--checkpoint",
        space.checkpoint,
        "--image",
        space.pictures / "red-circle-0.png",
        "--captions-from",
        space.spec,
        "--json",
    )
    exact = call(annotate, *arguments, "--search", "exact")
    first, again = (
        call(annotate, *arguments, "--search", "approximate", "--indexes", "kept") for _ in range(2)
    )
    assert first.code == 0 and json.loads(first.out) == json.loads(exact.out) == json.loads(again.out)
    (file,) = Path("kept").iterdir()
    assert (
        f"There is no index {Path('kept') / file.name} yet" in first.err
        and file.name not in again.err
        and not Path("data").exists()
    )


def test_what_cannot_be_annotated_is_refused(call: Call, space: Space) -> None:
    Path("bad.png").write_bytes(b"no picture")
    for arguments, code, said in (
        (("--image", "bad.png"), 3, "bad.png is not a picture"),
        (("--image", "nowhere.png"), 3, "nowhere.png does not exist"),
        (("--image", ""), 2, "--image is empty"),
        (("--image", "bad.png", "--top", "0"), 2, "--top must be at least 1"),
        (("--image", "http://127.0.0.1:9/q.jpg"), 3, "which is a private address (127.0.0.1)"),
    ):
        ended = call(annotate, "--checkpoint", space.checkpoint, *arguments)
        assert ended.code == code and said in ended.err, (arguments, ended.err)
