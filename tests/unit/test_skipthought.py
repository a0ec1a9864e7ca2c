"""Skip-thoughts: what is each other's neighbour, what the loss is, what a code is, which words are guessed,
and what is refused."""

import math
import shutil
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from captionret.datasets import Dataset, open_dataset
from captionret.errors import BadCheckpoint, BadDataset, BadSetting, UnknownName
from captionret.models.checkpoint import Checkpoint, save_checkpoint
from captionret.models.embedding.config import EMBEDDING
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.embedding.network import EmbeddingNetwork
from captionret.models.embedding.rows import EMBEDDING_MODELS
from captionret.models.record import NO_BACKBONE
from captionret.models.sentence.skipthought.config import SKIP_THOUGHTS, SKIPTHOUGHT, SkipThoughtConfig
from captionret.models.sentence.skipthought.encoder import SkipThought, combined
from captionret.models.sentence.skipthought.expansion import Expansion
from captionret.models.sentence.skipthought.network import make_encoders
from captionret.models.vision.rows import PRECOMPUTED
from captionret.text import END_ID, START_ID, Vocabulary
from captionret.training.embedding import fitting
from captionret.training.loop import Fit, train
from captionret.training.neighbours import NeighbourData, Passage, commonest, encoded, training_passages
from captionret.training.sentence_codes import CachedSentenceEncoder
from captionret.training.skipthought import (
    NeighbourTask,
    SkipThoughtDecoder,
    SkipThoughtNetwork,
    SkipThoughtRun,
    combine,
)
from captionret.word_vectors import WordVectors, load_word_vectors

CPU = torch.device("cpu")
TEXT = """A dog runs on the beach.
The dog sees the water!
It jumps into the water.

Two girls play.
The girls laugh.
"""
SENTENCES = [line for line in TEXT.splitlines() if line]
VOCABULARY = Vocabulary.build(SENTENCES, 1, punctuation=False)


def config_of(direction: str = "uni", **changes: Any) -> SkipThoughtConfig:
    small = {"word_dim": 6, "hidden_dim": 8, "decoder_dim": 5, "min_count": 1, "batch_size": 4, "epochs": 2}
    return SkipThoughtConfig(**{**small, "direction": direction, **changes})


def checkpoint_of(config: SkipThoughtConfig, seed: int = 0) -> Checkpoint[SkipThoughtConfig]:
    torch.manual_seed(seed)
    return Checkpoint(
        "skip",
        config,
        VOCABULARY,
        NO_BACKBONE,
        make_encoders(config, len(VOCABULARY)).state_dict(),
        {"seconds": 1.0},
        kind=SKIPTHOUGHT.name,
    )


def model_of(direction: str = "uni", seed: int = 0, **changes: Any) -> SkipThought:
    return SkipThought(checkpoint_of(config_of(direction, **changes), seed), "tiny")


def text_dataset(folder: Path, text: str = TEXT) -> Dataset:
    (folder / "text.txt").write_text(text, encoding="utf-8")
    return open_dataset(f"text:{folder}/text.txt")


def unit(values: Any) -> np.ndarray:
    rows = np.asarray(values, dtype=np.float64)
    scaled: np.ndarray = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return scaled


# --- settings ---


def test_the_published_row_has_its_published_settings() -> None:
    row = SKIP_THOUGHTS["skip"]
    assert (
        row.hidden_dim,
        row.word_dim,
        row.vocabulary_size,
        row.batch_size,
        row.max_words,
        row.clip_norm,
    ) == (
        2400,
        620,
        20_000,
        64,
        30,
        5,
    )
    assert [cells.hidden_size for cells in make_encoders(config_of("bi"), 9)["bi"].cells] == [4, 4]  # type: ignore[union-attr]
    assert replace(row, direction="combine").dim == 4800


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"direction": "bi", "hidden_dim": 7}, "hidden_dim 7 is not even"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1"),
        ({"learning_rate": math.nan}, "learning_rate must be a number above 0"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        config_of(**changes)


def test_unknown_names_are_told_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="no direction 'tri'"):
        config_of("tri")
    with pytest.raises(UnknownName, match="Did you mean 'skip-lite'"):
        SKIP_THOUGHTS["skip-lit"]


# --- neighbours ---


def test_sentences_of_a_text_have_the_one_before_and_after_within_their_passage(tmp_path: Path) -> None:
    dataset = text_dataset(tmp_path)
    assert [(item.id, item.captions) for item in dataset.items] == [
        ("1", tuple(SENTENCES[:3])),
        ("5", tuple(SENTENCES[3:])),
    ]
    assert dataset.summary() == f"text:{tmp_path}/text.txt: 2 passages, 5 sentences; no splits"
    data = NeighbourData(np.ones((5, 3), np.int32), (3, 2), (True, True))
    assert data.neighbours(np.random.default_rng(0)).tolist() == [[-1, 1], [0, 2], [1, -1], [-1, 4], [3, -1]]


def test_captions_of_an_image_are_each_others_neighbours_and_only_theirs() -> None:
    data = NeighbourData(np.ones((9, 3), np.int32), (5, 1, 3), (False,) * 3)
    random = np.random.default_rng(0)
    pairs: Counter[tuple[int, int]] = Counter()
    for _ in range(200):
        neighbours = data.neighbours(random)
        assert neighbours[5].tolist() == [-1, -1]
        for row in (*range(5), *range(6, 9)):
            before, after = neighbours[row]
            assert neighbours[before, 1] == row and neighbours[after, 0] == row
            pairs[row, int(after)] += 1
    images = [range(5), range(6, 9)]
    assert set(pairs) == {
        (row, other) for image in images for row in image for other in image if row != other
    }


def test_what_is_held_out_is_the_val_split_or_every_20th_passage_or_the_last_twentieth(
    tmp_path: Path,
) -> None:
    def sizes(text: str) -> tuple[list[int], list[int]]:
        train, val, _ = training_passages(text_dataset(tmp_path, text), ())
        return [len(one.sentences) for one in train], [len(one.sentences) for one in val]

    assert sizes("a dog\n" * 100) == ([95], [5])
    assert sizes("a dog\n" * 6 + "\na cat\na cat\n") == ([4, 2], [2])
    assert sizes("a dog\na cat\n\n" * 41) == ([2] * 38, [2] * 3)
    with pytest.raises(BadDataset, match="too few sentences beside each other"):
        sizes("a dog\n\na cat\n\n!?\n!?\n")


def test_the_vocabulary_is_of_the_commonest_words_and_long_sentences_are_cut() -> None:
    passages = [Passage(("a dog a dog a", "a cat dog"), True)]
    vocabulary = commonest(passages, 2, 1)
    assert vocabulary.tokens[4:] == ("a", "dog")
    data = encoded(passages, vocabulary, 3)
    assert data.tokens.tolist() == [
        [START_ID, 4, 5, 4, END_ID],
        [START_ID, 4, 3, 5, END_ID],
    ] and data.lengths.tolist() == [3, 3]


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "holds no sentence"), (" \n\n", "holds no sentence"), (b"caf\xe9\n", "line 1: byte 0xe9")],
)
def test_a_text_without_a_sentence_is_an_error(tmp_path: Path, content: str | bytes, said: str) -> None:
    (tmp_path / "text.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadDataset, match=said):
        open_dataset(f"text:{tmp_path}/text.txt")


# --- the loss ---


def said_by(teller: SkipThoughtDecoder, network: SkipThoughtNetwork, code: Tensor, ids: list[int]) -> float:
    """-log p of a sentence (<start> ... <end>), a word at a time."""
    state = torch.zeros(teller.state.in_features)
    total = 0.0
    for before, word in pairwise(ids):
        from_word, from_code, from_state = (
            part.chunk(3)
            for part in (
                teller.words(network.encoder.embed.weight[before]),
                teller.code(code),
                teller.state(state),
            )
        )
        read, update = (torch.sigmoid(from_word[k] + from_code[k] + from_state[k]) for k in (0, 1))
        new = torch.tanh(from_word[2] + from_code[2] + read * from_state[2])
        state = (1 - update) * new + update * state
        total -= torch.log_softmax(network.output(state), 0)[word].item()
    return total


@pytest.mark.parametrize("code_norm", [False, True])
@pytest.mark.parametrize("direction", ["uni", "bi"])
def test_loss_is_the_sum_of_both_neighbours_negative_log_likelihoods(direction: str, code_norm: bool) -> None:
    config = config_of(direction, code_norm=code_norm)
    torch.manual_seed(0)
    network = SkipThoughtNetwork(config, len(VOCABULARY))
    data = encoded([Passage(tuple(SENTENCES[:3]), True), Passage(tuple(SENTENCES[3:]), True)], VOCABULARY, 30)
    task = NeighbourTask(network, config, data, data, 0)
    model = SkipThought(replace(checkpoint_of(config), tensors=network.encoders.state_dict()), "same")
    words, told = 0, 0.0
    for rows, neighbours in task.batches(0):
        total = 0.0
        embedded = [network.encoder.embed.weight[VOCABULARY.encode(SENTENCES[row])[1:-1]] for row in rows]
        codes = torch.stack([network.encoder(one[None], torch.tensor([len(one)]))[0] for one in embedded])
        assert unit(codes.detach()) == pytest.approx(model.encode([SENTENCES[row] for row in rows]), abs=1e-6)
        if code_norm:
            codes = (codes - codes.mean(0)) / (codes.var(0, unbiased=False) + 1e-5).sqrt()
        for code, beside in zip(codes, neighbours, strict=True):
            for teller, other in zip(network.decoders, beside, strict=True):
                if other >= 0:
                    assert isinstance(teller, SkipThoughtDecoder)
                    ids = VOCABULARY.encode(SENTENCES[other])
                    total += said_by(teller, network, code, ids)
                    words += len(ids) - 1
        assert task.loss((rows, neighbours)).item() == pytest.approx(total / len(rows), rel=1e-5)
        told += total
    if code_norm:  # validation has other batches
        return
    measured = task.validate(network)
    assert measured["log_likelihood"] == pytest.approx(-told / words, rel=1e-5)
    assert measured["perplexity"] == pytest.approx(math.exp(told / words), rel=1e-5)


# --- codes ---


@pytest.mark.parametrize("direction", ["uni", "bi"])
def test_a_code_is_the_state_after_the_last_word_of_either_direction(direction: str) -> None:
    model = model_of(direction)
    encoder: Any = model.encoders[direction]
    vectors = encoder.embed.weight[[VOCABULARY.ids[word] for word in ("the", "girls", "laugh")]][None]
    states = [
        cells(reading)[0][0, -1]
        for cells, reading in zip(encoder.cells, (vectors, vectors.flip(1)), strict=False)
    ]
    expected = unit(torch.cat(states).detach().numpy())
    assert model.encode(["The girls laugh!", SENTENCES[0]])[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("direction", ["uni", "bi", "combine"])
def test_sentences_come_back_in_their_order_whatever_the_batch(direction: str) -> None:
    model = model_of(direction)
    whole = model.encode(SENTENCES)
    assert whole.dtype == np.float32 and whole.shape == (5, model.dim)
    for size in (1, 2):
        assert model.encode(SENTENCES[::-1], batch_size=size)[::-1] == pytest.approx(whole, abs=1e-6)
    assert np.array_equal(model.encode([SENTENCES[1]] * 2), np.stack([model.encode([SENTENCES[1]])[0]] * 2))
    assert model.encode([]).shape == (0, model.dim)


def test_a_longer_sentence_than_max_words_is_cut() -> None:
    short, long = model_of(max_words=3).encode(["the dog sees", "the dog sees the water"])
    assert long == pytest.approx(short, abs=1e-6)  # rows of one batch may differ in the last bit


def test_both_halves_of_a_combined_code_have_length_one_and_are_the_codes_of_its_parts() -> None:
    uni, bi = (model_of(direction, seed, hidden_dim=8) for seed, direction in enumerate(("uni", "bi")))
    both = SkipThought(combined(uni.checkpoint, bi.checkpoint), "both")
    codes = both.encode(SENTENCES)
    assert codes.shape == (5, 16)
    assert np.linalg.norm(codes[:, :8], axis=1) == pytest.approx(1) and np.linalg.norm(
        codes[:, 8:], axis=1
    ) == pytest.approx(1)
    assert codes == pytest.approx(np.concatenate([uni.encode(SENTENCES), bi.encode(SENTENCES)], 1), abs=1e-6)
    assert both.fingerprint not in (uni.fingerprint, bi.fingerprint)


def test_only_a_uni_and_a_bi_encoder_of_one_vocabulary_are_combined() -> None:
    uni, bi = checkpoint_of(config_of()), checkpoint_of(config_of("bi"))
    with pytest.raises(BadSetting, match="An encoder of direction uni is needed here, this one is bi"):
        combined(bi, uni)
    with pytest.raises(BadSetting, match="have another max_words, vocabulary"):
        combined(
            uni, replace(bi, config=config_of("bi", max_words=9), vocabulary=Vocabulary.build(["a cat"], 1))
        )
    with pytest.raises(BadSetting, match="A combined encoder is not trained"):
        SkipThoughtRun("skip", config_of("combine"), Dataset("text:x", ()), Path("x"))


# --- words outside the vocabulary ---


def test_expansion_is_the_least_squares_map_of_the_shared_words() -> None:
    random = np.random.default_rng(0)
    names = [*(f"w{k}" for k in range(40)), "other"]
    vectors = WordVectors(
        "made-up",
        {name: row for row, name in enumerate(names)},
        random.normal(size=(41, 3)).astype(np.float32),
    )
    vocabulary = Vocabulary.build([" ".join([*names[:40], "lonely"])], 1, punctuation=False)
    learned = random.normal(size=(len(vocabulary), 5)).astype(np.float32)
    expansion = Expansion(vectors, vocabulary, learned)
    shared = np.stack([learned[vocabulary.ids[name]] for name in names[:40]])
    design = np.concatenate([vectors.table[:40], np.ones((40, 1))], 1)
    solution, *_ = np.linalg.lstsq(design, shared, rcond=None)
    assert expansion(["other", "w3"]) == pytest.approx(
        np.stack([[*vectors.table[40], 1], [*vectors.table[3], 1]]) @ solution, abs=1e-5
    )
    assert "other" in expansion and "lonely" not in expansion and expansion([]).shape == (0, 5)
    with pytest.raises(BadSetting, match="No word of the vocabulary has a vector in made-up"):
        Expansion(vectors, Vocabulary.build(["lonely"], 1), learned)


def test_learned_words_win_strange_ones_are_guessed_and_others_unknown() -> None:
    model = model_of("bi")
    encoder: Any = model.encoders["bi"]
    learned = encoder.embed.weight.detach().numpy()
    vectors = load_word_vectors("glove-50")
    (expansion,) = model.expansions
    assert expansion.vectors.table is vectors.table or np.array_equal(
        expansion.vectors.table[:5], vectors.table[:5]
    )
    ids, (table,) = model._tables([["dog", "puppy", "qwertzuiop"]])
    assert ids == [[VOCABULARY.ids["dog"], len(VOCABULARY), 3]]
    assert np.array_equal(table[: len(VOCABULARY)].detach().numpy(), learned)
    assert table[len(VOCABULARY)].detach().numpy() == pytest.approx(expansion(["puppy"])[0])
    assert model.encode_words(["dog", "puppy"]) == pytest.approx(
        unit(np.stack([learned[ids[0][0]], expansion(["puppy"])[0]])), abs=1e-6
    )
    puppy, cat, plain = model.encode(["a puppy runs", "a cat runs", "a qwertzuiop runs"])
    assert not np.allclose(puppy, cat) and not np.allclose(puppy, plain)
    assert np.array_equal(*model_of("bi", expansion=None).encode(["a puppy runs", "a cat runs"]))


@pytest.mark.parametrize(
    ("text", "expansion", "said"),
    [
        (
            "qwertzuiop yxcvb",
            "glove-50",
            r"holds only words that tiny was not trained on and that have no vector in glove-50",
        ),
        ("puppy", None, r"holds only words that tiny was not trained on\. Give other words"),
        (" ?!", "glove-50", "holds no word"),
    ],
    ids=str,
)
def test_a_sentence_that_cannot_be_read_is_a_clear_error(text: str, expansion: str | None, said: str) -> None:
    with pytest.raises(BadSetting, match=rf"Sentence 2 of 2 \('.*'\) {said}"):
        model_of(expansion=expansion).encode(["a dog", text])
    with pytest.raises(BadSetting, match="A list of sentences is needed"):
        model_of().encode("a dog")


# --- what is near ---


@pytest.mark.parametrize("direction", ["uni", "combine"])
def test_nearest_sentences_are_those_of_the_highest_cosine(direction: str) -> None:
    model = model_of(direction)
    codes = unit(model.encode([*SENTENCES, "a dog sees water"]))
    cosines = codes[:5] @ codes[5]
    found = model.nearest_sentences("a dog sees water", [*SENTENCES, *SENTENCES], 3)
    assert [text for _, text in found] == [SENTENCES[row] for row in np.argsort(-cosines)[:3]]
    assert [score for score, _ in found] == pytest.approx(sorted(cosines, reverse=True)[:3], abs=1e-5)
    [(score, text)] = model.nearest_sentences(SENTENCES[2], SENTENCES, 1)
    assert score == pytest.approx(1.0) and text == SENTENCES[2]
    with pytest.raises(BadSetting, match="At least one has to be asked for, not 0"):
        model.nearest_sentences("a dog", SENTENCES, 0)


@pytest.mark.parametrize("direction", ["uni", "combine"])
def test_nearest_words_are_those_of_the_highest_cosine_without_the_word_itself(direction: str) -> None:
    model = model_of(direction, expansion=None)
    names = [token for token in VOCABULARY.tokens[4:] if token != "dog"]
    encoders: Any = model.encoders.values()
    parts = [unit(encoder.embed.weight.detach().numpy()[4:]) for encoder in encoders]
    dog, *others = (VOCABULARY.ids[name] - 4 for name in ("dog", *names))
    cosines = [np.mean([part[dog] @ part[other] for part in parts]) for other in others]
    found = model.nearest_words("Dog", 4)
    assert [word for _, word in found] == [names[row] for row in np.argsort(-np.array(cosines))[:4]]
    assert [score for score, _ in found] == pytest.approx(sorted(cosines, reverse=True)[:4], abs=1e-5)
    with pytest.raises(BadSetting, match="tiny has no vector for 'puppy'"):
        model.nearest_words("puppy")


# --- training, and on disk ---


def test_an_encoder_learns_what_stands_beside_what_and_keeps_no_decoder(tmp_path: Path) -> None:
    text = "the dog runs\nthe dog barks\n\nthe cat sleeps\nthe cat purrs\n\n" * 10
    run = SkipThoughtRun(
        "skip",
        config_of(epochs=8, learning_rate=0.08),
        text_dataset(tmp_path, text),
        tmp_path / "out",
        progress=False,
    )
    checkpoint, _ = train(run, CPU)
    history = checkpoint.training["history"]
    assert history[-1]["perplexity"] < 1.5 < 3 < history[0]["perplexity"]
    assert set(checkpoint.tensors) == set(make_encoders(run.config, len(checkpoint.vocabulary)).state_dict())
    assert (
        checkpoint.training["sentences"] == 38
        and checkpoint.training["validated_on"] == "every 20th passage of all"
    )
    assert SkipThought.load(tmp_path / "out", "cpu").encode(["the dog purrs"]).shape == (1, 8)


def test_word_vectors_are_begun_with(tmp_path: Path) -> None:
    config = config_of(word_dim=50, word_vectors="glove-50", epochs=1, learning_rate=1e-9, code_norm=True)
    checkpoint, _ = train(
        SkipThoughtRun("skip", config, text_dataset(tmp_path, TEXT * 9), tmp_path / "out", progress=False),
        CPU,
    )
    vectors = load_word_vectors("glove-50")
    learned = checkpoint.tensors["uni.embed.weight"][checkpoint.vocabulary.ids["water"]]
    assert learned.numpy() == pytest.approx(vectors.table[vectors.words["water"]], abs=1e-6)
    assert set(checkpoint.tensors) == set(make_encoders(config, len(checkpoint.vocabulary)).state_dict())
    with pytest.raises(BadSetting, match="glove-50 has 50 dimensions, word_dim is 6"):
        config_of(word_vectors="glove-50")


def test_a_cut_training_ends_as_one_that_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = text_dataset(tmp_path, TEXT * 10)
    config = config_of("bi", epochs=3, dropout=0.2)
    straight, _ = train(SkipThoughtRun("skip", config, dataset, tmp_path / "straight", progress=False), CPU)
    real, steps = Fit._step, [0]

    def step(self: Any, batch: Any) -> float:
        steps[0] += 1
        if steps[0] == 15:
            self.stop_asked = True
        return real(self, batch)

    monkeypatch.setattr(Fit, "_step", step)
    run = SkipThoughtRun("skip", config, dataset, tmp_path / "cut", progress=False)
    with pytest.raises(KeyboardInterrupt):
        train(run, CPU)
    cut, _ = train(run, CPU, resume=True)
    assert all(torch.equal(tensor, cut.tensors[name]) for name, tensor in straight.tensors.items())


@pytest.mark.parametrize("direction", ["uni", "bi", "combine"])
def test_a_saved_encoder_encodes_as_before(direction: str, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(config_of(direction))
    save_checkpoint(tmp_path / "saved", checkpoint)
    loaded, fresh = SkipThought.load(tmp_path / "saved", "cpu"), SkipThought(checkpoint, "saved")
    assert (
        np.array_equal(loaded.encode(SENTENCES), fresh.encode(SENTENCES))
        and loaded.fingerprint == fresh.fingerprint
    )
    other = replace(checkpoint, config=replace(checkpoint.config, hidden_dim=10))
    save_checkpoint(tmp_path / "other", other)
    with pytest.raises(BadCheckpoint, match="does not fit its own configuration"):
        SkipThought.load(tmp_path / "other", "cpu")


def test_two_saved_encoders_become_one_directory(tmp_path: Path) -> None:
    for direction in ("uni", "bi"):
        save_checkpoint(tmp_path / direction, checkpoint_of(config_of(direction)), torch.float16)
    combine(tmp_path / "uni", tmp_path / "bi", tmp_path / "both", "typed")
    both = SkipThought.load(tmp_path / "both", "cpu")
    parts = [SkipThought.load(tmp_path / direction, "cpu").encode(SENTENCES) for direction in ("uni", "bi")]
    assert both.encode(SENTENCES) == pytest.approx(np.concatenate(parts, 1), abs=1e-6)
    assert both.checkpoint.training == {
        "parts": [f"{tmp_path}/uni", f"{tmp_path}/bi"],
        "seconds": 2.0,
        "command": "typed",
    }


def test_fingerprint_changes_with_what_changes_a_code() -> None:
    same = model_of().fingerprint
    assert model_of(epochs=9, learning_rate=0.1, decoder_dim=3).fingerprint == same
    assert (
        len(
            {
                same,
                model_of(seed=1).fingerprint,
                model_of(max_words=5).fingerprint,
                model_of(expansion=None).fingerprint,
            }
        )
        == 4
    )


def test_checkpoints_of_other_kinds_are_refused_by_either_side(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "skip", checkpoint_of(config_of()))
    with pytest.raises(
        BadCheckpoint, match=r"of kind 'skip-thought encoder'; here one of kind 'embedding space' is needed"
    ):
        EmbeddingModel.load(tmp_path / "skip")
    captioner = replace(checkpoint_of(config_of()), kind="captioner")
    save_checkpoint(tmp_path / "captioner", captioner)
    with pytest.raises(
        BadCheckpoint,
        match=r"here one of kind 'skip-thought encoder' is needed",
    ) as refused:
        SkipThought.load(tmp_path / "captioner")
    assert "captionret train-skipthought" in refused.value.in_shell()


# --- ranking on top ---


def space_of(folder: Path, encoder: SkipThought | None = None) -> EmbeddingModel:
    """A space beside the encoder that it is made for, both on disk."""
    encoder = encoder or model_of("combine")
    save_checkpoint(folder / "skip", encoder.checkpoint)
    row = replace(
        EMBEDDING_MODELS["skipthought-rank"],
        backbone=PRECOMPUTED,
        feature_dim=3,
        dim=4,
        skipthought=f"{folder}/skip",
    )
    config = fitting(row, Dataset("vse:x", (), features=np.ones((2, 3), np.float32)))
    assert (config.skipthought_sha256, config.code_dim) == (encoder.fingerprint, encoder.dim)
    torch.manual_seed(0)
    space = EmbeddingNetwork(config, len(VOCABULARY)).state_dict()
    save_checkpoint(
        folder / "space",
        Checkpoint("x", config, VOCABULARY, {"name": PRECOMPUTED, "sha256": ""}, space, kind=EMBEDDING.name),
    )
    return EmbeddingModel.load(folder / "space", "cpu")


def test_the_ranking_has_its_published_settings() -> None:
    row = EMBEDDING_MODELS["skipthought-rank"]
    assert (row.dim, row.margin, row.negatives, row.batch_size, row.epochs, row.learning_rate) == (
        1000,
        0.2,
        50,
        100,
        15,
        2e-4,
    )
    assert (row.loss, row.image_tower, row.optimizer, row.code_dim) == (
        "sampled-hinges",
        "linear",
        "adam",
        4800,
    )


def test_a_space_of_skip_thoughts_maps_their_codes_linearly(tmp_path: Path) -> None:
    model, encoder = space_of(tmp_path), model_of("combine")
    layer: Any = model.space.codes
    codes = encoder.encode(["a dog runs", "a puppy"]) * math.sqrt(16)
    expected = unit(codes @ layer.map.weight.detach().numpy().T + layer.map.bias.detach().numpy())
    assert model.encode_texts(["a dog runs", "a puppy"]) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(
        BadSetting, match=r"The text \('qwertzuiop'\) holds only words that skip was not trained on"
    ):
        model.encode_texts(["qwertzuiop"])
    assert "dog" in model.words()


def test_a_space_is_used_with_the_encoder_it_was_trained_on_wherever_both_move(tmp_path: Path) -> None:
    fingerprint = space_of(tmp_path / "here").fingerprint
    (tmp_path / "here").rename(tmp_path / "there")
    moved = EmbeddingModel.load(tmp_path / "there" / "space", "cpu")
    assert moved.encode_texts(["a dog"]).shape == (1, 4) and moved.fingerprint == fingerprint
    shutil.rmtree(tmp_path / "there" / "skip")
    with pytest.raises(
        BadCheckpoint,
        match=r"here/skip that space was trained on is not there\. Put it back, beside that directory",
    ):
        EmbeddingModel.load(tmp_path / "there" / "space", "cpu").encode_texts(["a dog"])
    save_checkpoint(tmp_path / "there" / "skip", model_of("combine", seed=1).checkpoint)
    with pytest.raises(
        BadCheckpoint,
        match=r"is another skip-thought encoder \([0-9a-f]{12}\) than the one that space was trained on",
    ):
        EmbeddingModel.load(tmp_path / "there" / "space", "cpu").encode_texts(["a dog"])
    with pytest.raises(BadSetting, match=r"needs a trained skip-thought encoder\. Name its directory"):
        fitting(EMBEDDING_MODELS["skipthought-rank"], Dataset("x", ()))


def test_codes_are_cached_by_the_encoder_that_made_them(tmp_path: Path) -> None:
    one, other = model_of("uni"), model_of("uni", seed=1)
    caches = [CachedSentenceEncoder(encoder, tmp_path) for encoder in (one, other)]
    for _ in range(2):
        assert caches[0].encode(SENTENCES) == pytest.approx(one.encode(SENTENCES), abs=1e-3)
        assert caches[1].encode(SENTENCES) == pytest.approx(other.encode(SENTENCES), abs=1e-3)
    assert caches[0].encode([]).shape == (0, 8) and len(list(tmp_path.iterdir())) == 2
