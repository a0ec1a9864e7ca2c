"""The compiled beam search finds the captions of the search in PyTorch; where it does not fit, that one is
taken."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from compiled import compiled
from torch import Tensor

from captionret.decoding import BeamSearch, DiverseBeamSearch
from captionret.models.captioning import compiled_search
from captionret.models.captioning.beam_search import Beams, Rules, beam_search
from captionret.models.captioning.compiled_search import CompiledSearch
from captionret.models.captioning.config import CaptionerConfig
from captionret.models.captioning.decoders import new_decoder
from captionret.models.captioning.generation import Generator
from captionret.models.captioning.transformer import TransformerDecoder
from captionret.models.device import in_one_thread, in_threads
from captionret.text import SPECIAL, Vocabulary

WORDS, DIM, CELLS = 150, 64, 9
VOCABULARY = Vocabulary([*SPECIAL, "a", "of", *(f"word{number}" for number in range(WORDS - 6))])
CONFIG = CaptionerConfig(
    "resnet18",
    decoder="transformer",
    embed_dim=128,
    hidden_dim=128,
    heads=2,
    layers=2,
    predict_bos=False,
)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Compiled from the source that is here; it skips where there is no processor for it."""
    source = Path(compiled_search.__file__).with_name("_decoder.c")
    built = compiled(source, tmp_path_factory.mktemp("decoder"))
    if not built.bits():
        pytest.skip("the kernel does not run on this processor")
    return built


@pytest.fixture(params=[512, 256])
def bits(
    kernel: ModuleType, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """Each kind of registers that this processor has."""
    if request.param > kernel.bits():
        pytest.skip("this processor has no such registers")
    monkeypatch.setattr(compiled_search, "KERNEL", kernel)
    monkeypatch.setattr(compiled_search, "BITS", request.param)
    yield request.param


def decoder_of(config: CaptionerConfig = CONFIG) -> TransformerDecoder:
    """One with large random weights, so that what it predicts depends on the picture and the words."""
    torch.manual_seed(3)
    decoder = new_decoder(config, DIM, CELLS, WORDS).eval()
    assert isinstance(decoder, TransformerDecoder)
    with torch.no_grad():
        for name, weight in decoder.named_parameters():
            if weight.ndim == 2 and "positions" not in name:
                weight.mul_(2.5)
            if name.endswith("bias"):
                weight.add_(torch.randn_like(weight), alpha=0.1)
    return decoder


def features_of(count: int) -> Tensor:
    return 2 * torch.randn(count, CELLS, DIM, generator=torch.Generator().manual_seed(1))


def in_torch(decoder: TransformerDecoder, features: Tensor, **settings: Any) -> Beams:
    first, state = decoder.begin(features)
    return beam_search(first, state, decoder.step, **settings)


@pytest.mark.parametrize(
    ("beam", "more"),
    [
        (1, {}),
        (3, {"length_penalty": 1.0, "rules": Rules.of(VOCABULARY, torch.device("cpu"))}),
        (7, {"predict_bos": True, "length_penalty": 0.7}),
        (32, {"max_words": 4}),
    ],
)
@pytest.mark.usefixtures("bits")
def test_it_finds_the_captions_that_torch_finds(beam: int, more: dict[str, Any]) -> None:
    decoder, features = decoder_of(), features_of(30)
    settings = {"beam": beam, "max_words": 9, **more}
    search = CompiledSearch.of(decoder)
    assert search
    with torch.inference_mode():
        ours, theirs = search(features, **settings), in_torch(decoder, features, **settings)
    same = (ours.tokens == theirs.tokens).all(2)
    assert same.float().mean() > 0.9, "a near tie now and then is decided the other way"
    assert torch.allclose(ours.logprob[same], theirs.logprob[same], atol=0.02)
    assert torch.equal(ours.ended[same], theirs.ended[same])
    near = torch.isclose(ours.scores[:, 0], theirs.scores[:, 0], atol=0.05)
    assert near.float().mean() > 0.9, "a search that goes another way at a near tie ends elsewhere"


@pytest.mark.usefixtures("bits")
def test_other_layouts_of_a_decoder_are_searched_too() -> None:
    narrow = replace(CONFIG, embed_dim=64, max_words=8)  # an own output layer, and a layer that widens words
    decoder, features = decoder_of(narrow), features_of(12)
    search = CompiledSearch.of(decoder)
    assert search and decoder.output is not None
    with torch.inference_mode():
        ours = search(features, beam=2, max_words=8)
        theirs = in_torch(decoder, features, beam=2, max_words=8)
    assert (ours.tokens == theirs.tokens).all(2).float().mean() > 0.9


@pytest.mark.usefixtures("bits")
def test_a_pictures_captions_do_not_depend_on_the_others_to_the_bit() -> None:
    decoder, features = decoder_of(), features_of(70)
    search = CompiledSearch.of(decoder)
    assert search
    together = search(features, beam=4, max_words=9)
    alone = [search(features[row : row + 1], beam=4, max_words=9) for row in range(0, 70, 7)]
    assert torch.equal(torch.cat([one.tokens for one in alone]), together.tokens[::7])
    assert torch.equal(torch.cat([one.logprob for one in alone]), together.logprob[::7])


@pytest.mark.usefixtures("bits")
def test_a_picture_of_no_numbers_has_no_caption_and_leaves_the_others_theirs() -> None:
    features = features_of(3)
    features[1, 4, 5] = torch.nan
    search = CompiledSearch.of(decoder_of())
    assert search
    beams, whole = search(features, beam=3, max_words=9), search(features_of(3), beam=3, max_words=9)
    assert not beams.scores[1].isfinite().any()
    assert torch.equal(beams.tokens[[0, 2]], whole.tokens[[0, 2]])
    assert search(features[:0], beam=3, max_words=9).tokens.shape == (0, 3, 9)


@pytest.mark.usefixtures("bits")
def test_a_generator_searches_with_the_weights_of_now() -> None:
    decoder, features = decoder_of(), features_of(4)
    ours = Generator(decoder, VOCABULARY, CONFIG, torch.device("cpu"), compiled=True)
    theirs = Generator(decoder, VOCABULARY, CONFIG, torch.device("cpu"))
    for _ in range(2):
        found, wanted = (one.captions(features, BeamSearch(3)) for one in (ours, theirs))
        assert [picture[0].text for picture in found] == [picture[0].text for picture in wanted]
        with torch.no_grad():
            decoder.embed.weight.copy_(decoder.embed.weight.flip(0))
    diverse = DiverseBeamSearch(beam=4, groups=2)  # which the kernel does not know
    assert ours.captions(features, diverse) == theirs.captions(features, diverse)


def test_what_does_not_fit_is_left_to_torch(monkeypatch: pytest.MonkeyPatch, kernel: ModuleType) -> None:
    monkeypatch.setattr(compiled_search, "BITS", kernel.bits())
    assert CompiledSearch.of(decoder_of(replace(CONFIG, heads=4))) is None, "heads of other sizes"
    broken = decoder_of()
    with torch.no_grad():
        broken.positions[2, 3] = torch.inf
    assert CompiledSearch.of(broken) is None
    search = CompiledSearch.of(decoder_of())
    assert search and search.fits(32, 20) and not search.fits(33, 20)
    monkeypatch.setattr(compiled_search, "BITS", 0)
    assert CompiledSearch.of(decoder_of()) is None


@pytest.mark.usefixtures("bits")
def test_the_kernel_refuses_parts_that_do_not_fit() -> None:
    search = CompiledSearch.of(decoder_of())
    assert search
    with pytest.raises(ValueError, match="do not fit"):
        CompiledSearch(search.parts[:-1], search.sizes)(features_of(2), beam=2, max_words=5)
    with pytest.raises(ValueError, match="do not fit"):
        CompiledSearch([*search.parts[:-1], search.parts[0]], search.sizes)(
            features_of(2), beam=2, max_words=5
        )
    with pytest.raises(ValueError, match="do not fit"):
        search(features_of(2)[:, :, :32], beam=2, max_words=5)


def test_decoding_in_threads_leaves_everybody_elses_threads_as_they_are() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    seen: list[int] = []

    def work(_: slice) -> int:
        other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        other.start()
        other.join()
        return torch.get_num_threads()

    try:
        assert in_threads(work, [slice(0, 1), slice(1, 2)], torch.device("cpu")) == [1, 1]
        assert in_one_thread(torch.get_num_threads) == 1
        assert seen == [2, 2] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
