"""Skip-thoughts as people type them: train either direction, combine, encode, find what is near, rank images
on top; what is refused."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from shapes import arrays
from typed import Call

from captionret.cli import encode, evaluate_ranking, nearest, train_embedding, train_skipthought
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.sentence.skipthought.encoder import SkipThought

FIELDS = {
    "word_dim": 50,
    "hidden_dim": 32,
    "decoder_dim": 16,
    "min_count": 1,
    "epochs": 3,
    "learning_rate": 0.02,
}
SETTINGS = [word for name, value in FIELDS.items() for word in ("--set", f"{name}={value}")]


class Encoders(NamedTuple):
    """Both directions, trained on the captions of `spec`, and the two combined; `folder` holds them."""

    folder: Path
    spec: str


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Encoders:
    folder = tmp_path_factory.mktemp("skip")
    spec = arrays(folder)
    for direction in ("uni", "bi"):
        arguments = ["--direction", direction, "--data", spec, "--out", str(folder / direction), *SETTINGS]
        assert train_skipthought.main(arguments) == 0
    assert (
        train_skipthought.main(
            ["--combine", str(folder / "uni"), str(folder / "bi"), "--out", str(folder / "both")]
        )
        == 0
    )
    return Encoders(folder, spec)


def test_a_trained_directory_holds_its_documented_files(encoders: Encoders) -> None:
    names = sorted(path.name for path in (encoders.folder / "uni").iterdir())
    assert names == ["README.md", "config.json", "model.safetensors", "training", "vocab.json"]
    card = (encoders.folder / "uni" / "README.md").read_text()
    assert (
        "32 dimensions, one GRU" in card
        and "(kept)" in card
        and "captionret train-skipthought --direction uni" in card
    )
    card = (encoders.folder / "both" / "README.md").read_text()
    assert "64 dimensions, a uni-skip and a bi-skip code" in card and "--combine" in card


def test_a_text_is_trained_on_and_goes_on_where_it_was_cut(call: Call) -> None:
    Path("book.txt").write_text("a dog runs\nit barks\na cat sleeps\nit purrs\n" * 3)
    arguments = ("--direction", "bi", "--data", "text:book.txt", "--out", "mine", *SETTINGS)
    code, out, err = call(train_skipthought, *arguments)
    assert code == 0 and out.strip() == "mine" and "1 passages, 12 sentences" in err and "Kept epoch" in err
    code, out, _ = call(train_skipthought, *arguments, "--resume")
    assert code == 0 and out.strip() == "mine"


def test_rows_are_listed(call: Call) -> None:
    code, out, _ = call(train_skipthought, "--list")
    assert code == 0 and "\nskip " in out and "\nskip-lite " in out and "2,400" in out


def test_what_cannot_be_trained_is_refused(call: Call, encoders: Encoders) -> None:
    uni, bi = encoders.folder / "uni", encoders.folder / "bi"
    for arguments, code, said in (
        ((), 2, "Give --direction uni or bi, and --data"),
        (("--direction", "uni", "--data", encoders.spec, "--out", uni), 2, "already holds a training"),
        (("--direction", "uni", "--data", encoders.spec, "--set", "wings=2"), 2, "no field 'wings'"),
        (("--direction", "uni", "--data", "text:nowhere.txt"), 3, "nowhere.txt cannot be read"),
        (("--combine", uni, bi), 2, "Give --out DIR"),
        (
            ("--combine", bi, uni, "--out", "x"),
            2,
            "An encoder of direction uni is needed here, this one is bi",
        ),
        (("--combine", uni, bi, "--out", uni), 2, "already holds a checkpoint"),
        (("--combine", uni, bi, "--out", "x", "--resume"), 2, "as they are"),
    ):
        ended = call(train_skipthought, *arguments)
        assert ended.code == code and said in ended.err, (arguments, ended.err)


def test_sentences_are_written_as_codes(call: Call, encoders: Encoders) -> None:
    Path("texts.txt").write_text("a dog number 3\na puppy\n")
    both = encoders.folder / "both"
    code, out, _ = call(encode, "--checkpoint", both, "--sentences", "texts.txt", "--out", "texts.npy")
    model = SkipThought.load(both, "cpu")
    assert code == 0 and np.load(out.strip()) == pytest.approx(
        model.encode(["a dog number 3", "a puppy"]), abs=1e-6
    )
    beside = json.loads(Path("texts.json").read_text())
    assert beside["fingerprint"] == model.fingerprint and beside["sentences"] == ["a dog number 3", "a puppy"]
    code, _, err = call(encode, "--checkpoint", both, "--images", "q.jpg", "--out", "x.npy")
    assert code == 2 and "both is a skip-thought encoder, which reads sentences only" in err


def test_near_sentences_and_words_are_shown(call: Call, encoders: Encoders) -> None:
    Path("texts.txt").write_text("a boat number 4\na dog number 3\nqwertzuiop\n")
    uni = ("--checkpoint", encoders.folder / "uni")
    code, out, err = call(nearest, *uni, "--to", "A dog, number 3!", "--sentences", "texts.txt", "--json")
    found = json.loads(out)["sentences"]
    assert (
        code == 0 and found[0] == {"text": "a dog number 3", "score": pytest.approx(1.0)} and len(found) == 2
    )
    assert "1 of 3 sentences hold no word that uni can read" in err
    code, out, _ = call(nearest, *uni, "--to", "a dog number 1", "--captions-from", encoders.spec, "--top", 1)
    assert code == 0 and out.splitlines()[-1].split(maxsplit=2) == ["1", "1.00", "a dog number 1"]
    code, out, _ = call(nearest, *uni, "--to", "puppy", "--words", "--json", "--top", 3)
    words = [word["text"] for word in json.loads(out)["words"]]
    assert code == 0 and len(words) == 3 and "puppy" not in words
    for arguments, code, said in (
        (("--to", "qwertzuiop", "--words"), 2, "uni has no vector for 'qwertzuiop'"),
        (
            ("--to", "qwertzuiop", "--sentences", "texts.txt"),
            2,
            "'qwertzuiop' holds only words that uni was not trained on",
        ),
        (("--to", "dog", "--words", "--top", 0), 2, "--top must be at least 1"),
    ):
        ended = call(nearest, *uni, *arguments)
        assert ended.code == code and said in ended.err


def test_images_are_ranked_on_top_of_an_encoder(call: Call, encoders: Encoders) -> None:
    changed = ("--set", "dim=32", "--set", "learning_rate=0.01", "--set", "epochs=15")
    rank = ("--variant", "skipthought-rank", "--data", encoders.spec, *changed)
    code, out, _ = call(
        train_embedding, *rank, "--set", f"skipthought={encoders.folder}/both", "--features", "cache"
    )
    space = out.strip()
    assert code == 0 and space == "checkpoints/skipthought-rank-dim=32-learning_rate=0.01-both-vse"
    code, out, _ = call(
        evaluate_ranking, "--checkpoint", f"./{space}", "--data", encoders.spec, "--json", "scores.json"
    )
    assert code == 0 and json.loads(Path("scores.json").read_text())["t2i"]["r10"] > 80
    assert (
        EmbeddingModel.load(space, "cpu").config.skipthought_sha256
        == SkipThought.load(encoders.folder / "both", "cpu").fingerprint
    )
    code, _, err = call(train_embedding, *rank)
    assert code == 2 and "Add --set skipthought=DIR" in err
    code, _, err = call(train_embedding, *rank, "--set", "skipthought=nowhere")
    assert code == 3 and "The skip-thought encoder nowhere is not there" in err
    code, _, err = call(train_embedding, *rank, "--set", f"skipthought={space}")
    assert code == 3 and "of kind 'embedding space'; here one of kind 'skip-thought encoder' is needed" in err
