"""The decoders as they are trained, and the captioner that reads pictures with them."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from captionret.app.loading.rerankers import reranker_for
from captionret.decoding import (
    BeamSearch,
    Consensus,
    Decoding,
    DiverseBeamSearch,
    NucleusSampling,
    Reference,
    Rerank,
    Sampling,
)
from captionret.errors import BadCheckpoint, BadImage, BadSetting, UnknownName
from captionret.images import ImageInput, decoded_batches, load_views
from captionret.models import trained
from captionret.models.captioning import generation
from captionret.models.captioning.attention import (
    AdaptiveDecoder,
    AttentionDecoder,
    SoftAttentionDecoder,
    doubly_stochastic,
)
from captionret.models.captioning.beam_search import State
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.config import VARIANTS, CaptionerConfig
from captionret.models.captioning.decoders import Decoder, make_decoder, new_decoder
from captionret.models.captioning.ensemble import Ensemble
from captionret.models.captioning.lstm import LSTMDecoder
from captionret.models.captioning.transformer import TransformerDecoder
from captionret.models.checkpoint import Checkpoint, save_checkpoint
from captionret.models.device import choose_device
from captionret.models.embedding.config import EMBEDDING, EmbeddingConfig
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.embedding.network import EmbeddingNetwork
from captionret.models.record import add_scores
from captionret.models.reranking.fit import Reranker
from captionret.models.reranking.reference_captions import ReferenceCaptions
from captionret.models.trained import count_parameters
from captionret.models.vision.backbones import Backbone, load_backbone
from captionret.records import Caption, CaptionResult, Failure
from captionret.text import END_ID, PAD_ID, START_ID, Vocabulary, ends_badly, join

WORDS = Vocabulary("<pad> <start> <end> <unk> a dog cat runs sits on the beach bed brown 's .".split())
CONFIG = CaptionerConfig("resnet18", embed_dim=12, hidden_dim=16, heads=2, max_words=6)
KINDS = {
    "lstm": CONFIG,
    "lstm without saying start": replace(CONFIG, predict_bos=False, layers=2),
    "transformer": replace(CONFIG, decoder="transformer", layers=2, predict_bos=False),
    "soft attention": replace(CONFIG, decoder="soft-attention", predict_bos=False),
    "adaptive": replace(CONFIG, decoder="adaptive", predict_bos=False),
}
DIM, CELLS = 10, 4


def decoder_of(kind: str, **settings: Any) -> Decoder:
    torch.manual_seed(0)
    decoder: Decoder = new_decoder(replace(KINDS[kind], **settings), DIM, CELLS, len(WORDS))
    return decoder


def losses_of(decoder: Decoder, features: Tensor, tokens: Tensor) -> Tensor:
    """Each token's cross-entropy."""
    logits, targets = decoder(features, tokens)
    return F.cross_entropy(logits, targets, reduction="none")


def features_of(kind: str, count: int) -> Tensor:
    shape = (count, CELLS, DIM) if KINDS[kind].feature == "grid" else (count, DIM)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def captions(images: int, group: int, longest: int = 7, shortest: int = 1) -> Tensor:
    """(images, group, longest + 2) ids: <start>, words of various number, <end>, padding."""
    random = np.random.default_rng(2)
    tokens = torch.full((images, group, longest + 2), PAD_ID)
    for row in tokens.view(-1, longest + 2):
        count = int(random.integers(shortest, longest + 1))
        row[0], row[count + 1] = START_ID, END_ID
        row[1 : count + 1] = torch.from_numpy(random.integers(4, len(WORDS), count))
    return tokens


@pytest.mark.parametrize("kind", KINDS)
def test_padding_does_not_change_the_loss(kind: str) -> None:
    decoder, features, tokens = decoder_of(kind).eval(), features_of(kind, 5), captions(5, 2)
    padded = losses_of(decoder, features, tokens)
    one_by_one = []
    for image in range(5):
        for caption in tokens[image]:
            bare = caption[caption != PAD_ID]
            one_by_one.append(losses_of(decoder, features[image : image + 1], bare.view(1, 1, -1)))
    assert torch.allclose(padded, torch.cat(one_by_one), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_every_token_but_the_first_is_to_be_predicted_and_start_too_where_it_is_said(kind: str) -> None:
    decoder, tokens = decoder_of(kind), captions(4, 3)
    _, targets = decoder(features_of(kind, 4), tokens)
    wanted = tokens if KINDS[kind].predict_bos else tokens[:, :, 1:]
    assert targets.tolist() == wanted[wanted != PAD_ID].tolist()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_an_images_captions_together_or_apart_give_the_same_logits(kind: str, training: bool) -> None:
    """The Transformer shares one copy of the image's keys and values among them, the LSTM one projection."""
    decoder, features, tokens = decoder_of(kind).train(training), features_of(kind, 5), captions(5, 3)
    together, targets = decoder(features, tokens)
    apart, same = decoder(features.repeat_interleave(3, 0), tokens.view(15, 1, -1))
    assert torch.equal(targets, same)
    assert torch.allclose(together, apart, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_with_fewer_captions_than_its_neighbours_is_no_trouble(kind: str) -> None:
    decoder, features, tokens = decoder_of(kind).eval(), features_of(kind, 2), captions(2, 3)
    tokens[1, 1:] = PAD_ID
    logits, _ = decoder(features, tokens)
    alone, _ = decoder(features[1:], tokens[1:, :1])
    assert torch.allclose(logits[-len(alone) :], alone, atol=1e-5)
    assert logits.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_sees_the_words_after_it(kind: str) -> None:
    decoder, features, tokens = decoder_of(kind).eval(), features_of(kind, 1), captions(1, 1, shortest=7)
    before, _ = decoder(features, tokens)
    changed = tokens.clone()
    changed[0, 0, 5] = 4 + (changed[0, 0, 5] - 3) % (len(WORDS) - 4)
    after, _ = decoder(features, changed)
    first_that_read_it = 6 if KINDS[kind].predict_bos else 5
    assert torch.allclose(before[:first_that_read_it], after[:first_that_read_it], atol=1e-6)
    assert not torch.allclose(before[first_that_read_it:], after[first_that_read_it:], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_image_is_looked_at(kind: str) -> None:
    decoder, tokens = decoder_of(kind).eval(), captions(1, 1)
    one, other = features_of(kind, 2).split(1)
    assert not torch.allclose(decoder(one, tokens)[0], decoder(other, tokens)[0], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_at_work_in_training_and_off_in_eval(kind: str) -> None:
    decoder, features, tokens = decoder_of(kind, dropout=0.8), features_of(kind, 4), captions(4, 2)
    decoder.train()
    assert not torch.equal(decoder(features, tokens)[0], decoder(features, tokens)[0])
    decoder.eval()
    assert torch.equal(decoder(features, tokens)[0], decoder(features, tokens)[0])
    without = decoder_of(kind)
    without.load_state_dict(decoder.state_dict())
    assert torch.equal(decoder(features, tokens)[0], without.eval()(features, tokens)[0])


@pytest.mark.skipif(not torch.cpu._is_avx512_bf16_supported(), reason="this processor has no bfloat16 LSTM")
def test_bfloat16_autocast_leaves_the_lstms_image_projection_as_it_is() -> None:
    decoder = decoder_of("lstm")
    assert isinstance(decoder, LSTMDecoder)
    # alike but for the third digit, which bfloat16 does not hold
    features = features_of("lstm", 6) * 0.01 + 10
    plain = decoder._image(features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(decoder._image(features), plain)
        logits, _ = decoder(features, captions(6, 1))
    assert logits.dtype == torch.bfloat16, "everything else is in the faster format"


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_word_vectors_do_not_learn_and_all_else_does(kind: str) -> None:
    decoder = decoder_of(kind, word_vectors="glove-50", embed_dim=50)
    assert [name for name, parameter in decoder.named_parameters() if not parameter.requires_grad] == [
        "embed.weight"
    ]
    F.cross_entropy(*decoder(features_of(kind, 3), captions(3, 2))).backward()
    assert decoder.embed.weight.grad is None
    assert all(parameter.grad is not None for parameter in decoder.parameters() if parameter.requires_grad)


def test_the_published_decoders_have_their_published_shapes() -> None:
    words = 9956
    for name in ("model1", "model2", "model3", "model4", "model5"):
        config = VARIANTS[name]
        with torch.device("meta"):
            decoder = make_decoder(config, words)
        e, h = config.embed_dim, config.hidden_dim
        project = 2048 * e + e + 2 * e
        lstm = 4 * h * (e + h + 2) + (config.layers - 1) * 4 * h * (2 * h + 2)
        embed = 0 if config.word_vectors else words * e
        assert count_parameters(decoder) == project + lstm + embed + h * words + words


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_makes_a_decoder_that_fits_its_backbone(name: str) -> None:
    with torch.device("meta"):
        decoder = make_decoder(VARIANTS[name], 50)
    kinds = {
        "lstm": LSTMDecoder,
        "transformer": TransformerDecoder,
        "soft-attention": SoftAttentionDecoder,
        "adaptive": AdaptiveDecoder,
    }
    assert isinstance(decoder, kinds[VARIANTS[name].decoder])


@pytest.mark.parametrize("kind", ["soft attention", "adaptive"])
def test_where_a_word_looks_are_weights_that_sum_to_one(kind: str) -> None:
    decoder, tokens = decoder_of(kind).eval(), captions(3, 2)
    assert isinstance(decoder, AttentionDecoder)
    logits, targets, weights = decoder.attend(features_of(kind, 3), tokens)
    assert weights.shape == (3, 2, tokens.shape[2] - 1, CELLS + (kind == "adaptive"))
    assert weights.min() >= 0 and torch.allclose(weights.sum(-1), torch.ones(weights.shape[:-1]), atol=1e-5)
    assert weights.std() > 1e-4, "not just the mean of all cells"
    plain, same = decoder(features_of(kind, 3), tokens)
    assert torch.equal(plain, logits) and torch.equal(same, targets)


def test_doubly_stochastic_attention_is_the_papers_sum_written_out() -> None:
    tokens = captions(2, 3)
    tokens[1, 2] = PAD_ID  # an image with a caption less
    weights = torch.rand(
        2, 3, tokens.shape[2] - 1, CELLS, generator=torch.Generator().manual_seed(0)
    ).softmax(-1)
    terms = []
    for image in range(2):
        for caption in range(3):
            count = int((tokens[image, caption, 1:] != PAD_ID).sum())
            for cell in range(CELLS if count else 0):
                looked = sum(float(weights[image, caption, word, cell]) for word in range(count))
                terms.append((1 - looked) ** 2)
    assert len(terms) == 5 * CELLS
    assert float(doubly_stochastic(weights, tokens)) == pytest.approx(sum(terms) / len(terms), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_reading_other_words_changes_what_is_predicted_but_not_what_is_to_be(kind: str) -> None:
    decoder, tokens = decoder_of(kind).eval(), captions(3, 2, shortest=3)
    read = tokens.clone()
    read[:, :, 2] = 4
    logits, targets = decoder(features_of(kind, 3), tokens)
    other, same = decoder(features_of(kind, 3), tokens, read)
    assert torch.equal(targets, same) and not torch.allclose(logits, other)
    assert torch.equal(decoder(features_of(kind, 3), read)[0], other)


# --- the captioner ---


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    torch.manual_seed(0)
    return load_backbone("resnet18", random=True)


def a_checkpoint(backbone: Backbone, kind: str = "lstm", seed: int = 0) -> Checkpoint[CaptionerConfig]:
    config = KINDS[kind]
    torch.manual_seed(seed)
    decoder = make_decoder(config, len(WORDS))
    with torch.no_grad():
        if isinstance(decoder, LSTMDecoder):
            for parameter in decoder.lstm.parameters():
                parameter.normal_(std=0.8)
            decoder.output.weight.mul_(8)
            decoder.norm.momentum = (
                1.0  # from random features; without it a random backbone's pictures all look alike
            )
            decoder.train()._image(
                backbone(torch.randn(9, 3, 2, 2).repeat_interleave(32, 2).repeat_interleave(32, 3))[0]
            )
        elif isinstance(decoder, TransformerDecoder):
            decoder.norm.weight.mul_(5)
        else:
            for parameter in decoder.parameters():
                parameter.normal_(std=0.5)
    return Checkpoint(
        "model2", config, WORDS, {"name": "resnet18", "sha256": backbone.weights_sha256}, decoder.state_dict()
    )


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(3)
    paths = [folder / f"{index}.png" for index in range(7)]
    for index, path in enumerate(paths):
        small = random.integers(0, 255, (2 + index, 3, 3), np.uint8)
        Image.fromarray(small).resize((60 + 10 * index, 50), Image.Resampling.NEAREST).save(path)
    return paths


@pytest.mark.parametrize("kind", KINDS)
def test_captions_are_the_same_in_any_batch_and_come_in_the_order_of_the_paths(
    kind: str, backbone: Backbone, pictures: list[Path]
) -> None:
    captioner = Captioner(a_checkpoint(backbone, kind), "test", backbone=backbone)
    found = captioner.caption(pictures, batch_size=7)
    assert len(found) == 7 and len({entry[0].text for entry in found}) > 1
    again = captioner.caption(pictures[::-1], batch_size=2)[::-1]
    assert [entry[0].tokens for entry in again] == [entry[0].tokens for entry in found]
    assert [entry[0].logprob for entry in again] == pytest.approx(
        [entry[0].logprob for entry in found], abs=1e-3
    )


def test_n_captions_come_most_probable_first_as_words_without_special_tokens(
    backbone: Backbone, pictures: list[Path]
) -> None:
    captioner = Captioner(a_checkpoint(backbone, "transformer"), "test", backbone=backbone)
    for entry in captioner.caption(pictures[:2], decoding=BeamSearch(4, captions=4)):
        assert len(entry) == 4 and len({caption.tokens for caption in entry}) == 4
        for caption in entry:
            assert caption.tokens and set(caption.tokens) <= set(WORDS.tokens[4:])
            assert caption.text == join(caption.tokens) and caption.logprob < 0


def test_what_is_drawn_of_a_picture_depends_on_the_seed_alone_not_on_the_batch(
    backbone: Backbone, pictures: list[Path]
) -> None:
    captioner = Captioner(a_checkpoint(backbone), "test", backbone=backbone)

    def drawn(paths: list[Path], seed: int, batch_size: int) -> list[list[tuple[str, ...]]]:
        decoding = Sampling(captions=4, temperature=2.0, seed=seed)
        return [
            [one.tokens for one in entry]
            for entry in captioner.caption(paths, decoding=decoding, batch_size=batch_size)
        ]

    found = drawn(pictures, 1, 7)
    assert drawn(pictures[::-1], 1, 2)[::-1] == found and drawn(pictures, 2, 7) != found
    assert (
        all(len(set(entry)) == len(entry) for entry in found)
        and len({one for entry in found for one in entry}) > 7
    )


def features_of_pictures(captioner: Captioner, pictures: list[Path]) -> Tensor:
    (batch,) = decoded_batches(pictures, 224, len(pictures))
    return captioner.features(batch.pixels[0])[0]


@pytest.mark.parametrize("together", [False, True])
def test_a_consensus_depends_on_picture_and_seed_alone(
    together: bool, backbone: Backbone, pictures: list[Path]
) -> None:
    captioner = Captioner(a_checkpoint(backbone), "test", backbone=backbone)
    if together:
        captioner = Ensemble([captioner, Captioner(a_checkpoint(backbone), "other", backbone=backbone)])

    features = features_of_pictures(captioner, pictures)
    hashes = [f"{number:064x}" for number in range(1, 8)]

    def said(rows: slice, **changes: Any) -> list[list[tuple[str, ...]]]:
        decoding = replace(Consensus(beam=4, drawn=4, captions=8, temperature=3.0, seed=1), **changes)
        return [
            [one.tokens for one in entry]
            for entry in captioner.decode(features[rows], decoding, hashes[rows])
        ]

    everything = slice(0, 7)
    found = said(everything)
    assert (
        said(slice(4, 7)) + said(slice(0, 4)) == found[4:] + found[:4] and said(everything, seed=2) != found
    )
    assert all(len(set(entry)) == len(entry) for entry in found)
    beam = [{one.tokens for one in entry} for entry in captioner.decode(features, BeamSearch(4, captions=4))]
    assert any(set(all_of_them) > few for all_of_them, few in zip(found, beam, strict=True)), (
        "drawn ones come beside the beam's"
    )
    assert [set(entry) for entry in said(everything, drawn=0, captions=4)] == beam


class ToySpace:
    """Pictures and captions as points on a circle, the caption's at the angle of its length."""

    name, fingerprint = "toy", "toy"

    def check(self, backbone: Mapping[str, object] | None) -> None: ...

    def missing_reason(self, text: str) -> str:
        return "" if text.strip("!") else "holds no word"

    def encode_features(self, features: np.ndarray) -> np.ndarray:
        return np.tile(np.array([1.0, 0.0], np.float32), (len(features), 1))

    def encode_texts(self, sentences: Sequence[str], *, progress: bool | None = False) -> np.ndarray:
        angles = np.array([0.3 * len(text.split()) for text in sentences])
        return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)


TOY = (Reference("toy"),)


def test_reranked_captions_come_by_probability_and_fit() -> None:
    def written(text: str, logprob: float) -> Caption:
        return Caption(text, tuple(text.split()), logprob)

    images = [[written("a b c", -3.0), written("a b", -2.4), written("!", -0.1)], [], [written("a", -9.0)]]
    pooled = np.ones((3, 2), np.float32)
    found = Reranker([ToySpace()]).rank(images, pooled, Rerank(spaces=TOY), 1.0)
    scores = {"a b c": -1.0 + 2 * np.cos(0.9), "a b": -1.2 + 2 * np.cos(0.6), "!": -0.1 - 2.0}
    best = sorted(scores, key=lambda text: -scores[text])
    assert [one.text for one in found[0]] == best == ["a b", "a b c", "!"]
    assert found[1:] == images[1:]
    plain = Reranker([ToySpace()]).rank(images, pooled, Rerank(spaces=TOY, match_weight=0.0), 1.0)
    assert [one.text for one in plain[0]] == ["!", "a b c", "a b"]
    references = ReferenceCaptions(
        ["a b c d", "x y", "a b"], np.arange(3), np.array([[1, 0], [1, 0], [0, 1]], np.float16), "toy"
    )
    # with the first two of them
    agreeing = Rerank(spaces=TOY, match_weight=0.0, neighbours=2, agree_weight=50.0)
    alike = Reranker([ToySpace()], [references]).rank(images, pooled, agreeing, 1.0)
    assert alike[0][0].text == "a b c"


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_reranked_captions_are_a_beams_in_the_order_that_a_space_gives(
    kind: str, backbone: Backbone, pictures: list[Path], tmp_path: Path
) -> None:
    captioner = Captioner(a_checkpoint(backbone, kind), "test", backbone=backbone)
    config = EmbeddingConfig(backbone="resnet18", sentence_tower="bow", dim=16, word_dim=16)
    torch.manual_seed(1)
    record = {"name": "resnet18", "sha256": backbone.weights_sha256}
    place, tensors = tmp_path / "space", EmbeddingNetwork(config, len(WORDS)).state_dict()
    save_checkpoint(place, Checkpoint("vse-bow", config, WORDS, record, tensors, {}, kind=EMBEDDING.name))
    space = EmbeddingModel.load(place, "cpu", backbone)
    (batch,) = decoded_batches(pictures, 224, len(pictures))
    features, pooled = captioner.features(batch.pixels[0])
    beam = captioner.decode(features, BeamSearch(6, 1.0, captions=6))
    decoding = Rerank(beam=6, captions=6, spaces=(space.reference,), match_weight=5.0)
    with pytest.raises(BadSetting, match="no re-ranker is given"):
        captioner.decode(features, decoding)
    found, moved = captioner.decode(features, decoding, reranker=Reranker([space])), 0
    for vector, before, after in zip(space.encode_images(pictures), beam, found, strict=True):
        cosines = space.encode_texts([one.text for one in before]) @ vector
        scores = [
            one.logprob / len(one.tokens) + 5.0 * cosine for one, cosine in zip(before, cosines, strict=True)
        ]
        assert [one.tokens for one in after] == [
            before[place].tokens for place in np.argsort(-np.array(scores), kind="stable")
        ]
        moved += before[0].tokens != after[0].tokens
    assert moved and pooled.shape == (7, 512)
    other = replace(decoding, spaces=(Reference(str(place), "0" * 64),))
    with pytest.raises(BadSetting, match="The decoding chooses captions by space"):
        captioner.decode(features, other, reranker=Reranker([space]))
    with pytest.raises(BadCheckpoint, match="is another space"):
        reranker_for(other, "cpu")
    twice = replace(decoding, spaces=decoding.spaces * 2)
    captioner.reranker = Reranker([space, space])
    assert [[one.tokens for one in image] for image in captioner.decode(features, twice)] == [
        [one.tokens for one in image] for image in found
    ]


def test_constraints_hold_for_every_way_of_decoding(backbone: Backbone, pictures: list[Path]) -> None:
    captioner = Captioner(a_checkpoint(backbone), "test", backbone=backbone)
    features, broken = features_of_pictures(captioner, pictures), 0
    ways = (
        *(
            BeamSearch(4, captions=4),
            DiverseBeamSearch(beam=4, groups=2, captions=4),
            NucleusSampling(captions=6),
        ),
        Consensus(beam=4, drawn=4, captions=8),
    )
    for decoding in ways:
        for constraints in (False, True):
            for entry in captioner.decode(
                features,
                replace(decoding, constraints=constraints),
                [f"{number:064x}" for number in range(7)],
            ):
                for one in entry:
                    faults = ends_badly(one.tokens) + any(
                        a == b for a, b in zip(one.tokens, one.tokens[1:], strict=False)
                    )
                    assert not (constraints and faults), one.tokens
                    broken += faults
    assert broken, "without them the same captioner does break the rules"


def test_asking_for_more_captions_than_the_beam_is_wide_is_refused(
    backbone: Backbone, pictures: list[Path]
) -> None:
    captioner = Captioner(a_checkpoint(backbone), "test", backbone=backbone)
    for beam, n in ((3, 4), (3, 0), (0, 1)):
        with pytest.raises(BadSetting, match=r"beam|captions kept"):
            captioner.caption(pictures[:1], decoding=BeamSearch(beam, captions=n))


def test_no_pictures_are_no_captions(backbone: Backbone) -> None:
    captioner = Captioner(a_checkpoint(backbone), "test", backbone=backbone)
    assert captioner.caption([]) == []
    assert list(captioner.caption_stream([])) == []


def test_one_picture_in_any_form_gives_its_captions_and_several_give_a_list_of_them(
    backbone: Backbone, pictures: list[Path]
) -> None:
    captioner = Captioner(a_checkpoint(backbone), "test", backbone=backbone)
    path, content = pictures[0], pictures[0].read_bytes()
    image = Image.open(path)
    known = captioner.caption(path)
    assert [type(one) for one in known] == [Caption]
    with open(path, "rb") as file:
        forms: list[ImageInput] = [str(path), image, np.array(image), content, file]
        assert [captioner.caption(form) for form in forms] == [known] * 5
    several = captioner.caption([path, image])
    assert [[one.tokens for one in captions] for captions in several] == [[known[0].tokens]] * 2
    with pytest.raises(BadSetting, match="A picture is a path"):
        captioner.caption(3)  # type: ignore[call-overload]


def test_picture_without_a_caption_is_a_failure_not_done(backbone: Backbone, pictures: list[Path]) -> None:
    captioner = Captioner(a_checkpoint(backbone), "test", backbone=backbone)
    with torch.no_grad():
        captioner.decoder.get_parameter("output.bias").fill_(torch.nan)
    [[entry]] = captioner.caption_stream(pictures[:1])
    assert isinstance(entry, Failure) and "test found no caption" in entry.reason
    with pytest.raises(BadCheckpoint, match="found no caption"):
        captioner.caption(pictures[0])


@pytest.mark.parametrize(
    "decoding",
    [
        BeamSearch(5, captions=5),
        NucleusSampling(captions=6, seed=1),
        Consensus(4, drawn=6, captions=4),
    ],
)
def test_memory_is_bounded_by_decoding_in_parts_with_the_same_captions(
    decoding: Decoding, backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    captioner = Captioner(a_checkpoint(backbone, "transformer"), "test", backbone=backbone)
    features = torch.randn(5, 49, 512, generator=torch.Generator().manual_seed(3))
    hashes = [f"{number:064x}" for number in range(5)]
    known = captioner.decode(features, decoding, hashes)
    rows = []
    step: Callable[[Tensor, State], tuple[Tensor, State]] = captioner.decoder.step

    def counted(tokens: Tensor, state: State) -> tuple[Tensor, State]:
        rows.append(len(tokens))
        return step(tokens, state)

    monkeypatch.setattr(captioner.decoder, "step", counted)
    monkeypatch.setattr(generation, "MOST_AT_ONCE", 2 * 6 * len(WORDS))
    found = captioner.decode(features, decoding, hashes)
    assert [[one.tokens for one in image] for image in found] == [
        [one.tokens for one in image] for image in known
    ]
    assert max(rows) <= 2 * 6


def test_several_threads_load_one_backbone_and_get_the_same_captions(
    backbone: Backbone, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def load(name: str, **more: Any) -> Backbone:
        loaded.append(name)
        time.sleep(0.05)
        return backbone

    monkeypatch.setattr(trained, "load_backbone", load)
    captioner = Captioner(a_checkpoint(backbone), "test")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(captioner.caption, pictures[:1] * 8))
    assert loaded == ["resnet18"] and all(captions == found[0] for captions in found)


def test_ensemble_reads_the_backbone_beside_its_first_captioner(
    backbone: Backbone, pictures: list[Path]
) -> None:
    members = [Captioner(a_checkpoint(backbone), name, backbone=backbone) for name in ("one", "other")]
    together = Ensemble(members)
    assert together.backbone is members[0].backbone
    assert together.caption(pictures[0])[0].tokens == members[0].caption(pictures[0])[0].tokens
    assert together.describe()["backbone"] == members[0].describe()["backbone"]
    assert together.fingerprint != members[0].fingerprint and together.name == "one+other"


def test_a_bad_picture_is_named_by_caption_and_passed_on_by_caption_stream(
    backbone: Backbone, pictures: list[Path], tmp_path: Path
) -> None:
    captioner = Captioner(a_checkpoint(backbone), "test", backbone=backbone)
    bad, gone = tmp_path / "bad.jpg", tmp_path / "gone.jpg"
    bad.write_text("not a picture")
    with pytest.raises(BadImage, match=r"bad\.jpg"):
        captioner.caption([pictures[0], bad])
    paths = [pictures[0], bad, pictures[1], gone, bad]
    for size in (1, 2, 5):
        entries = [entry for batch in captioner.caption_stream(paths, batch_size=size) for entry in batch]
        assert [str(entry.path) for entry in entries] == [str(path) for path in paths]
        assert [type(entry) for entry in entries] == [CaptionResult, Failure, CaptionResult, Failure, Failure]


def test_a_path_given_twice_is_answered_twice(backbone: Backbone, pictures: list[Path]) -> None:
    captioner = Captioner(a_checkpoint(backbone), "test", backbone=backbone)
    paths = [pictures[0], pictures[0], pictures[1], pictures[0]]
    for size in (2, 3, 4):
        entries = [entry for batch in captioner.caption_stream(paths, batch_size=size) for entry in batch]
        assert [entry.path for entry in entries] == paths


def test_the_stream_gives_the_hash_of_the_file_and_its_pooled_feature(
    backbone: Backbone, pictures: list[Path]
) -> None:
    captioner = Captioner(a_checkpoint(backbone), "test", backbone=backbone)
    [[entry]] = captioner.caption_stream(pictures[:1])
    assert isinstance(entry, CaptionResult)
    sha256, pixels = load_views(pictures[0], 224)
    pooled, _ = backbone(backbone.normalise(torch.from_numpy(pixels)))
    assert entry.sha256 == sha256
    assert entry.feature.dtype == np.float16 and entry.feature == pytest.approx(pooled[0].numpy(), abs=1e-2)
    assert entry.captions[0] == captioner.caption(pictures[:1])[0][0]


def test_features_computed_before_give_the_captions_of_the_pictures(
    backbone: Backbone, pictures: list[Path]
) -> None:
    captioner = Captioner(a_checkpoint(backbone), "test", backbone=backbone)
    features = torch.stack(
        [
            torch.from_numpy(entry.feature)
            for batch in captioner.caption_stream(pictures)
            for entry in batch
            if isinstance(entry, CaptionResult)
        ]
    ).float()
    assert [entry[0].tokens for entry in captioner.decode(features)] == [
        entry[0].tokens for entry in captioner.caption(pictures)
    ]


def test_a_backbone_with_other_weights_is_refused(
    backbone: Backbone, pictures: list[Path], tmp_path: Path
) -> None:
    checkpoint = a_checkpoint(backbone)
    save_checkpoint(
        tmp_path / "it",
        replace(checkpoint, backbone={"name": "resnet18", "sha256": "0123456789ab" + "c" * 52}),
    )
    captioner = Captioner.load(tmp_path / "it", backbone=backbone)
    with pytest.raises(BadCheckpoint, match="0123456789ab"):
        captioner.caption(pictures[:1])


def test_a_checkpoint_that_was_moved_captions_as_before(
    backbone: Backbone, pictures: list[Path], tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "here", a_checkpoint(backbone))
    before = Captioner.load(tmp_path / "here", backbone=backbone)
    shutil.move(tmp_path / "here", tmp_path / "there")
    after = Captioner.load(tmp_path / "there", device="cpu", backbone=backbone)
    assert after.caption(pictures[:2]) == before.caption(pictures[:2])
    assert after.fingerprint == before.fingerprint
    record = {name: after.checkpoint.backbone[name] for name in ("name", "sha256")}
    where = str((tmp_path / "there").resolve())
    assert after.describe() == {
        "name": "there",
        "checkpoint": where,
        "variant": "model2",
        "backbone": record,
    }


def test_the_fingerprint_changes_with_whatever_changes_a_caption_and_with_nothing_else(
    backbone: Backbone, tmp_path: Path
) -> None:
    base = a_checkpoint(backbone)
    other_words = Vocabulary([*WORDS.tokens[:-2], *WORDS.tokens[:-3:-1]])
    one_weight = {name: tensor.clone() for name, tensor in base.tensors.items()}
    one_weight["output.bias"][5] += 1e-4
    different = [
        base,
        replace(base, tensors=one_weight),
        replace(base, vocabulary=other_words),
        replace(base, config=replace(base.config, max_words=7)),
        replace(base, backbone={"name": "resnet18", "sha256": "f" * 64}),
    ]
    assert len({Captioner(one, "a").fingerprint for one in different}) == len(different)

    alike = [
        replace(base, scores={"val": {"bleu4": 0.1}}, training={"seed": 3}),
        replace(base, variant="model4"),
    ]
    save_checkpoint(tmp_path, base)
    add_scores(tmp_path, "val", {"bleu4": 0.2})
    fingerprints = {Captioner(one, "b").fingerprint for one in alike} | {Captioner.load(tmp_path).fingerprint}
    assert fingerprints == {Captioner(base, "a").fingerprint}


def test_a_device_that_is_not_there_is_a_clear_error() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(BadSetting, match="banana"):
        choose_device("banana")
    with pytest.raises(BadSetting, match="'meta' cannot be used here"):
        choose_device("meta")  # it computes nothing
    if not torch.cuda.is_available():
        with pytest.raises(BadSetting, match="Choose auto or cpu"):
            choose_device("cuda")
        assert choose_device("auto") == torch.device("cpu")


def test_a_config_with_an_unknown_backbone_cannot_be_made() -> None:
    with pytest.raises(UnknownName, match="resnet101"):
        replace(CONFIG, backbone="resnet110")
