"""Where captioners look for each word, and how a picture stands among others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import Trained
from torch import Tensor

from captionret.app.curating.attention import picture_attention
from captionret.app.curating.hubs import occurrence_in_space
from captionret.app.searcher import Searcher
from captionret.evaluation.hubness import k_occurrence, without_self
from captionret.models.captioning.attention import AdaptiveDecoder, AttentionDecoder, SoftAttentionDecoder
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.config import CaptionerConfig
from captionret.models.captioning.looking import looked_at
from captionret.models.captioning.transformer import TransformerDecoder
from captionret.records import Caption
from captionret.text import END_ID, START_ID

CONFIG = CaptionerConfig(
    "resnet18", decoder="transformer", embed_dim=12, hidden_dim=12, heads=1, layers=2, predict_bos=False
)
CELLS, DIM, WORDS = 9, 10, 20
TOKENS = torch.tensor([[[START_ID, 5, 6, 7, END_ID], [START_ID, 8, 9, 5, END_ID]]] * 3)


def transformer() -> TransformerDecoder:
    torch.manual_seed(0)
    return TransformerDecoder(CONFIG, DIM, WORDS, CELLS).eval()


def features() -> Tensor:
    return torch.randn(3, CELLS, DIM, generator=torch.Generator().manual_seed(1))


def test_a_transformer_looks_by_the_weights_that_its_words_are_predicted_from() -> None:
    decoder, seen = transformer(), []
    decoder.layers[-1].cross_out.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    decoder(features(), TOKENS)
    looks = decoder.looks(features(), TOKENS)
    assert looks.shape == (3, 2, 4, CELLS)
    assert torch.allclose(looks.sum(-1), torch.ones(3, 2, 4))
    values = decoder._image_side(features())[-1][1]  # (N, cells, H)
    assert torch.allclose((looks @ values.unsqueeze(1)).flatten(0, 1), seen[0], atol=1e-5)


@pytest.mark.parametrize("make", [SoftAttentionDecoder, AdaptiveDecoder])
def test_other_attention_is_of_the_pictures_cells_alone(
    make: Callable[[CaptionerConfig, int, int], AttentionDecoder],
) -> None:
    looks = make(CONFIG, DIM, WORDS).eval().looks(features(), TOKENS)
    assert looks.shape == (3, 2, 4, CELLS) and bool((looks.sum(-1) <= 1 + 1e-5).all())


def test_a_captioner_says_where_it_looked_for_each_word_of_its_caption(trained: Trained) -> None:
    captioner = Captioner.load(trained.checkpoint, "cpu")
    file = next(trained.pictures.iterdir())
    caption = captioner.caption(file)[0]
    assert looked_at(captioner, file, caption) is None  # an LSTM that reads the pooled feature
    side, depth = captioner.backbone.config.grid
    made = replace(
        captioner.checkpoint,
        config=replace(CONFIG, backbone=captioner.config.backbone),
        tensors=TransformerDecoder(CONFIG, depth, len(captioner.vocabulary), side * side).state_dict(),
    )
    captioner = Captioner(made, "looks", backbone=captioner.backbone)
    looked = looked_at(captioner, file, caption)
    assert looked is not None and looked.words == caption.tokens
    assert looked.weights.shape == (len(caption.tokens), side, side)
    assert np.allclose(looked.weights.sum((1, 2)), 1, atol=1e-4)
    assert looked_at(captioner, file, Caption("", (), 0.0)) is None


def test_a_library_without_attention_has_none(library: Path) -> None:
    with Searcher(str(library)) as searcher:
        one = next(iter(searcher.library))
        assert picture_attention(searcher, one.sha256, one.path) is None


def test_lists_are_counted_block_by_block_as_all_at_once() -> None:
    vectors = np.random.default_rng(0).standard_normal((600, 8)).astype(np.float32)
    vectors[5] = vectors[6]
    whole = k_occurrence(without_self(vectors @ vectors.T), 10)
    assert np.allclose(occurrence_in_space(vectors, 10), whole)
    assert whole.mean() == pytest.approx(10)
