"""The batched search against a textbook beam written out here: one image, plain Python, every prefix scored
from scratch.

The oracle knows the decoder only through `forward` (teacher forcing), so it also holds `begin` and `step` to
it.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from captionret.models.captioning.beam_search import Beams, Rules, State, beam_search, largest
from captionret.models.captioning.config import CaptionerConfig
from captionret.models.captioning.decoders import Decoder, new_decoder
from captionret.models.captioning.ensemble_decoder import EnsembleDecoder
from captionret.models.captioning.sampling import sample
from captionret.models.captioning.transformer import TransformerDecoder
from captionret.text import END_ID, PAD_ID, START_ID, UNKNOWN_ID

SIZE, MAX_WORDS, DIM, CELLS = 14, 7, 6, 4
LEADS_ON = {5, 6, 7}  # the words on which no caption may end
RULES = Rules(torch.tensor([word in LEADS_ON for word in range(SIZE)]))
CONFIG = CaptionerConfig("resnet18", embed_dim=8, hidden_dim=16, heads=2, max_words=MAX_WORDS)
DECODERS = {
    "lstm": CONFIG,
    "lstm without saying start": replace(CONFIG, predict_bos=False),
    "two-layer lstm": replace(CONFIG, layers=2),
    "two-layer lstm without saying start": replace(CONFIG, layers=2, predict_bos=False),
    "transformer": replace(CONFIG, decoder="transformer", layers=2, predict_bos=False),
    "transformer with tied words": replace(
        CONFIG, decoder="transformer", embed_dim=16, layers=1, predict_bos=False
    ),
    "soft attention": replace(CONFIG, decoder="soft-attention", predict_bos=False),
    "adaptive": replace(CONFIG, decoder="adaptive", predict_bos=False),
}

NextLogprob = Callable[[tuple[int, ...]], list[float]]


def make(config: CaptionerConfig, seed: int = 0) -> Decoder:
    """A decoder with random weights that makes clear choices, looks at its image and ends its captions at
    various lengths."""
    torch.manual_seed(seed)
    decoder: Decoder = new_decoder(config, DIM, CELLS, SIZE)
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.normal_(std=0.6)
        if not (isinstance(decoder, TransformerDecoder) and decoder.tied):
            decoder.get_parameter("output.weight").mul_(3)
        bias = output_bias(decoder)
        bias[END_ID] += 2.0
        bias[START_ID] += 2.0 * config.predict_bos
    decoder.eval()
    return decoder


def output_bias(decoder: Decoder) -> Tensor:
    tied = isinstance(decoder, TransformerDecoder) and decoder.tied
    return decoder.get_parameter("bias" if tied else "output.bias")


def pictures(config: CaptionerConfig, count: int = 6) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    shape = (count, CELLS, DIM) if config.feature == "grid" else (count, DIM)
    return torch.randn(shape, generator=generator) * 2


def search(
    decoder: Decoder | EnsembleDecoder,
    features: Tensor,
    config: CaptionerConfig,
    beam: int,
    penalty: float = 0.0,
    **more: Any,
) -> Beams:
    with torch.inference_mode():
        first, state = decoder.begin(features)
    settings: dict[str, Any] = {
        "max_words": config.max_words,
        "length_penalty": penalty,
        "predict_bos": config.predict_bos,
    }
    return beam_search(first, state, decoder.step, beam=beam, **settings, **more)


def teacher(decoder: Decoder, features: Tensor, config: CaptionerConfig) -> NextLogprob:
    """prefix -> the log-probability of every next token after it, by teacher forcing of the whole prefix.
    features: one image's."""

    @torch.inference_mode()
    def next_logprob(prefix: tuple[int, ...]) -> list[float]:
        said = [*prefix, END_ID] if config.predict_bos else [START_ID, *prefix, END_ID]
        logits, _ = decoder(features.unsqueeze(0), torch.tensor([[said]]))
        return torch.log_softmax(logits[-1], -1).tolist()

    return next_logprob


def breaks_a_rule(prefix: Sequence[int], token: int) -> bool:
    """Rules, written out: the same word again, three words for the second time, an end on a word that leads
    on."""
    triples = list(zip(prefix, prefix[1:], prefix[2:], strict=False))
    return bool(prefix) and (
        token == prefix[-1]
        or (*prefix[-2:], token) in triples
        or (token == END_ID and prefix[-1] in LEADS_ON)
    )


def textbook(
    next_logprob: NextLogprob,
    beam: int,
    max_words: int,
    penalty: float,
    predict_bos: bool,
    rules: bool = False,
) -> list[tuple[tuple[int, ...], float, float, bool]]:
    """(tokens, score, log-probability, ended), best first, as the docstring of beam_search tells it."""

    def words(tokens: Sequence[int]) -> int:
        return sum(token not in (START_ID, END_ID) for token in tokens)

    live: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    ended: list[tuple[float, tuple[int, ...]]] = []
    for _ in range(max_words):
        longer = []
        for logprob, prefix in live:
            for token, more in enumerate(next_logprob(prefix)):
                start = token == START_ID and (prefix or not predict_bos)
                bare = token == END_ID and not words(prefix)
                ruled_out = rules and breaks_a_rule(prefix, token)
                if token not in (PAD_ID, UNKNOWN_ID) and not start and not bare and not ruled_out:
                    longer.append((logprob + more, (*prefix, token)))
        longer.sort(reverse=True)
        ended += [(logprob, tokens[:-1]) for logprob, tokens in longer[:beam] if tokens[-1] == END_ID]
        live = [entry for entry in longer if entry[1][-1] != END_ID][:beam]
        if len(ended) >= beam:
            break
    found = [(*entry, True) for entry in ended[:beam]] + [
        (*entry, False) for entry in live[: max(0, beam - len(ended))]
    ]
    scored = [
        (tokens, logprob / max(1, words(tokens)) ** penalty, logprob, whole)
        for logprob, tokens, whole in found
    ]
    return sorted(scored, key=lambda entry: (not entry[3], -entry[1]))


def said(ids: Sequence[int]) -> tuple[int, ...]:
    """The ids before the first <end>."""
    return tuple(ids[: ids.index(END_ID)] if END_ID in ids else ids)


def agrees(beams: Beams, image: int, expected: list[tuple[tuple[int, ...], float, float, bool]]) -> None:
    """One image's captions are the expected ones, in order, with their scores."""
    found = int(beams.scores[image].isfinite().sum())
    assert [said(ids) for ids in beams.tokens[image, :found].tolist()] == [tokens for tokens, *_ in expected]
    assert beams.scores[image, :found].tolist() == pytest.approx(
        [score for _, score, *_ in expected], abs=1e-3
    )
    assert beams.logprob[image, :found].tolist() == pytest.approx(
        [logprob for *_, logprob, _ in expected], abs=1e-3
    )
    assert beams.ended[image, :found].tolist() == [whole for *_, whole in expected]


@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("beam", [1, 3, 5])
@pytest.mark.parametrize("name", DECODERS)
def test_the_batched_search_finds_what_a_textbook_beam_finds_image_by_image(
    name: str, beam: int, penalty: float
) -> None:
    config = DECODERS[name]
    decoder, features = make(config), pictures(config)
    beams = search(decoder, features, config, beam, penalty)
    for image in range(len(features)):
        agrees(
            beams,
            image,
            textbook(teacher(decoder, features[image], config), beam, MAX_WORDS, penalty, config.predict_bos),
        )


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("name", DECODERS)
def test_the_batched_search_keeps_the_rules_as_a_textbook_beam_does(name: str, beam: int) -> None:
    config = replace(DECODERS[name], max_words=9)
    decoder, features = make(config), pictures(config)
    beams = search(decoder, features, config, beam, rules=RULES)
    for image in range(len(features)):
        agrees(
            beams,
            image,
            textbook(teacher(decoder, features[image], config), beam, 9, 0.0, config.predict_bos, rules=True),
        )
    free = search(decoder, features, config, beam)
    assert not torch.equal(free.tokens, beams.tokens), "the rules made a difference"


def diverse_textbook(
    next_logprob: NextLogprob, groups: int, max_words: int, diversity: float, predict_bos: bool
) -> list[tuple[int, ...]]:
    """Diverse beam search with groups of one, each a greedy search that pays for the words of the groups
    before it."""
    prefixes: list[tuple[int, ...]] = [()] * groups
    for _ in range(max_words):
        said: Counter[int] = Counter()
        for group, prefix in enumerate(prefixes):
            if END_ID in prefix:
                continue
            row = next_logprob(prefix)
            allowed = [
                (row[token] - diversity * said[token], token)
                for token in range(SIZE)
                if token not in (PAD_ID, UNKNOWN_ID)
                and not (token == START_ID and (prefix or not predict_bos))
                and not (token == END_ID and not set(prefix) - {START_ID})
            ]
            _, token = max(allowed)
            said[token] += token != END_ID
            prefixes[group] = (*prefix, token)
    return prefixes


@pytest.mark.parametrize("name", DECODERS)
def test_a_diverse_beam_is_the_textbooks_groups_and_its_captions_differ(name: str) -> None:
    config = DECODERS[name]
    decoder, features = make(config), pictures(config)
    beams = search(decoder, features, config, 3, groups=3, diversity=2.0)
    plain = search(decoder, features, config, 3)
    for image, ids in enumerate(beams.tokens.tolist()):
        next_logprob = teacher(decoder, features[image], config)
        expected = [
            said(prefix) for prefix in diverse_textbook(next_logprob, 3, MAX_WORDS, 2.0, config.predict_bos)
        ]
        assert sorted(said(one) for one in ids) == sorted(expected)
        for tokens, logprob, ended in zip(
            ids, beams.logprob[image].tolist(), beams.ended[image].tolist(), strict=True
        ):
            whole = (*said(tokens), END_ID) if ended else said(tokens)
            own = sum(next_logprob(tuple(whole[:position]))[token] for position, token in enumerate(whole))
            assert logprob == pytest.approx(own, abs=1e-3), (
                "what a group pays is no part of its captions' probability"
            )
    first_words = [len({ids[0] for ids in image}) for image in beams.tokens.tolist()]
    assert sum(first_words) >= sum(len({ids[0] for ids in image}) for image in plain.tokens.tolist())
    assert not torch.equal(beams.tokens, plain.tokens)


def test_samples_come_as_often_as_their_probability_says() -> None:
    config = replace(DECODERS["lstm without saying start"], max_words=2)
    decoder, features = make(config), pictures(config, 1)
    count = 20_000
    chance = torch.rand((1, count, 2), generator=torch.Generator().manual_seed(0))
    for temperature, top_k, top_p in ((1.0, 0, 1.0), (2.0, 0, 1.0), (1.0, 3, 1.0), (1.0, 0, 0.7)):
        first, state = decoder.begin(features)
        drawn = sample(first, state, decoder.step, chance, temperature=temperature, top_k=top_k, top_p=top_p)
        row = torch.tensor(teacher(decoder, features[0], config)(()))
        row[[PAD_ID, UNKNOWN_ID, START_ID, END_ID]] = -math.inf
        expected = (row / temperature).softmax(-1)
        if top_k:
            expected[expected < expected.sort(descending=True).values[top_k - 1]] = 0
        order = expected.argsort(descending=True)
        held = 0.0
        for word in order.tolist():
            expected[word], held = (
                (0.0 if held >= top_p else float(expected[word])),
                held + float(expected[word]),
            )
        expected /= expected.sum()
        found = torch.bincount(drawn.tokens[0, :, 0], minlength=SIZE) / count
        assert (found - expected).abs().max() < 0.02
        assert found[expected == 0].sum() == 0, "what is beyond the limits is never drawn"


@pytest.mark.parametrize("name", DECODERS)
def test_a_samples_log_probability_is_the_decoders_own(name: str) -> None:
    config = DECODERS[name]
    decoder, features = make(config), pictures(config, 3)
    with torch.inference_mode():
        first, state = decoder.begin(features)
    chance = torch.rand((3, 4, MAX_WORDS), generator=torch.Generator().manual_seed(1))
    drawn = sample(first, state, decoder.step, chance, temperature=3.0, predict_bos=config.predict_bos)
    for image in range(3):
        next_logprob = teacher(decoder, features[image], config)
        for tokens, logprob, ended in zip(
            drawn.tokens[image].tolist(),
            drawn.logprob[image].tolist(),
            drawn.ended[image].tolist(),
            strict=True,
        ):
            whole = (*said(tokens), END_ID) if ended else said(tokens)
            assert logprob == pytest.approx(
                sum(next_logprob(tuple(whole[:at]))[token] for at, token in enumerate(whole)), abs=1e-3
            )


def test_an_ensemble_searches_in_the_mean_of_its_members_probabilities() -> None:
    names = ["transformer", "soft attention", "adaptive"]
    decoders = [make(DECODERS[name], seed) for seed, name in enumerate(names)]
    config, features = DECODERS["adaptive"], pictures(DECODERS["adaptive"])
    # the second has its own ids
    order = [torch.arange(SIZE), torch.tensor([0, 1, 2, 3, *range(SIZE - 1, 3, -1)]), torch.arange(SIZE)]
    together = EnsembleDecoder(decoders, order)
    beams = search(together, features, config, 3)
    for image in range(len(features)):
        parts = [
            teacher(decoder, features[image], DECODERS[name])
            for decoder, name in zip(decoders, names, strict=True)
        ]

        def mean(prefix: tuple[int, ...], parts: Sequence[NextLogprob] = parts) -> list[float]:
            rows = [
                torch.tensor(part(tuple(int(ids[token]) for token in prefix)))[ids]
                for part, ids in zip(parts, order, strict=True)
            ]
            return torch.stack(rows).exp().mean(0).log().tolist()

        agrees(beams, image, textbook(mean, 3, MAX_WORDS, 0.0, False))


def test_the_compared_searches_end_at_various_lengths_and_some_not_at_all() -> None:
    """What keeps the test above from being an easy one."""
    lengths, ended = set(), set()
    for config in DECODERS.values():
        beams = search(make(config), pictures(config), config, 3)
        lengths |= {len(said(ids)) for ids in beams.tokens.flatten(0, 1).tolist()}
        ended |= set(beams.ended.flatten().tolist())
    assert len(lengths) >= 5 and ended == {True, False}


@pytest.mark.parametrize("name", DECODERS)
def test_beam_one_is_the_most_probable_word_at_every_step(name: str) -> None:
    config = DECODERS[name]
    decoder, features = make(config, seed=1), pictures(config)
    beams = search(decoder, features, config, 1)
    for image, ids in enumerate(beams.tokens[:, 0].tolist()):
        next_logprob = teacher(decoder, features[image], config)
        prefix: tuple[int, ...] = ()
        while len(prefix) < MAX_WORDS:
            row = next_logprob(prefix)
            row[PAD_ID] = row[UNKNOWN_ID] = -math.inf
            if prefix or not config.predict_bos:
                row[START_ID] = -math.inf
            if not set(prefix) - {START_ID}:
                row[END_ID] = -math.inf
            best = max(range(SIZE), key=row.__getitem__)
            if best == END_ID:
                break
            prefix = (*prefix, best)
        assert said(ids) == prefix


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("name", DECODERS)
def test_a_caption_does_not_depend_on_batch_size_order_or_company(name: str, beam: int) -> None:
    config = DECODERS[name]
    decoder, features = make(config, seed=2), pictures(config, 9)
    together = search(decoder, features, config, beam)
    order = torch.tensor([4, 0, 8, 2, 6, 1, 7, 3, 5])
    shuffled = search(decoder, features[order], config, beam)
    assert torch.equal(shuffled.tokens, together.tokens[order])
    for size in (1, 2, 5):
        parts = [search(decoder, part, config, beam) for part in features.split(size)]
        assert torch.equal(torch.cat([part.tokens for part in parts]), together.tokens)
        assert torch.allclose(torch.cat([part.logprob for part in parts]), together.logprob, atol=1e-4)


@pytest.mark.parametrize("name", DECODERS)
def test_two_may_go_on_from_the_same_state(name: str) -> None:
    """Caches are written in place: who comes second must not disturb the first."""
    config = DECODERS[name]
    decoder, features = make(config, seed=3), pictures(config)
    words = torch.arange(4, 10)
    with torch.inference_mode():
        _, state = decoder.begin(features)
        for word in (5, 8):  # far enough that there is room for another
            _, state = decoder.step(torch.full((6,), word), state)
        _, mine = decoder.step(words, state)
        alone, _ = decoder.step(words, mine)
        _, mine = decoder.step(words, state)
        decoder.step(words.flip(0), state)
        disturbed, _ = decoder.step(words, mine)
    assert torch.equal(disturbed, alone)


@pytest.mark.parametrize("size", [3, 640, 4333])
@pytest.mark.parametrize("count", [1, 3, 10])
def test_the_largest_of_a_long_row_are_those_of_a_full_sort(size: int, count: int) -> None:
    values = torch.randn(7, size, generator=torch.Generator().manual_seed(size))
    values[0, -2:] = 9.0  # two alike at the very end
    values[1] = -torch.inf
    best, where = largest(values, min(count, size))
    assert torch.equal(best, values.sort(dim=1, descending=True).values[:, : min(count, size)])
    assert torch.equal(values.gather(1, where), best)
    assert all(len(set(row)) == len(row) for row in where.tolist())


@pytest.mark.parametrize("name", DECODERS)
def test_logprob_is_the_probability_that_teacher_forcing_gives_the_caption(name: str) -> None:
    config = DECODERS[name]
    decoder, features = make(config, seed=3), pictures(config)
    beams = search(decoder, features, config, 4, penalty=0.7)
    for image in range(len(features)):
        for ids, logprob, ended in zip(
            beams.tokens[image].tolist(),
            beams.logprob[image].tolist(),
            beams.ended[image].tolist(),
            strict=True,
        ):
            caption = [*said(ids), *([END_ID] if ended else [])]
            inputs = caption if config.predict_bos else [START_ID, *caption]
            with torch.inference_mode():
                logits, targets = decoder(features[image : image + 1], torch.tensor([[inputs]]))
            assert targets.tolist() == caption
            expected = torch.log_softmax(logits, -1)[range(len(caption)), caption].sum()
            assert logprob == pytest.approx(float(expected), abs=1e-3)


@pytest.mark.parametrize("penalty", [0.0, 0.7])
@pytest.mark.parametrize("name", DECODERS)
def test_captions_come_best_first_and_none_twice(name: str, penalty: float) -> None:
    config = DECODERS[name]
    beams = search(make(config, seed=4), pictures(config), config, 5, penalty)
    for ids, scores, ended in zip(
        beams.tokens.tolist(), beams.scores.tolist(), beams.ended.tolist(), strict=True
    ):
        assert ended == sorted(ended, reverse=True), "whole captions before cut ones"
        for kind in (True, False):
            alike = [score for score, whole in zip(scores, ended, strict=True) if whole is kind]
            assert alike == sorted(alike, reverse=True)
        assert len({said(one) for one in ids}) == len(ids)


def test_a_picture_is_never_left_without_a_caption_when_none_ends() -> None:
    for config in DECODERS.values():
        decoder = make(config)
        with torch.no_grad():
            output_bias(decoder)[END_ID] = -1000.0
        beams = search(decoder, pictures(config), config, 3)
        assert not beams.ended.any()
        assert beams.scores.isfinite().all()
        assert (beams.tokens != END_ID).all(), "the last word is not lost"


class Table:
    """A decoder that is a table: logits by image, round and last word. It checks that it is asked about the
    right rows.

    logits: (N, max_words, V, V)
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    def begin(self) -> tuple[Tensor, State]:
        images = torch.arange(len(self.logits))
        return self.logits[:, 0, START_ID], State(rows=(images, torch.ones_like(images)), images=(images,))

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        images, rounds = state.rows
        group = len(images) // len(state.images[0])
        assert torch.equal(images, state.images[0].repeat_interleave(group)), (
            "a live caption was given another image's state"
        )
        return self.logits[images, rounds, tokens], State((images, rounds + 1), state.images)

    def next_logprob(self, image: int) -> NextLogprob:
        def logprob(prefix: tuple[int, ...]) -> list[float]:
            last = prefix[-1] if prefix else START_ID
            return torch.log_softmax(self.logits[image, len(prefix)].double(), -1)[last].tolist()

        return logprob


def test_random_tables_of_every_size_are_searched_as_the_textbook_does() -> None:
    generator = torch.Generator().manual_seed(0)
    for trial in range(120):
        size, beam, length, images = 5 + trial % 9, 1 + trial % 6, 2 + trial % 5, 1 + trial % 4
        table = Table(torch.randn((images, length, size, size), generator=generator) * 3)
        penalty, start = (0.0, 0.7, 1.0)[trial % 3], trial % 2 == 0
        first, state = table.begin()
        beams = beam_search(
            first, state, table.step, beam=beam, max_words=length, length_penalty=penalty, predict_bos=start
        )
        for image in range(images):
            agrees(beams, image, textbook(table.next_logprob(image), beam, length, penalty, start))


@pytest.mark.parametrize("predict_bos", [True, False])
@pytest.mark.parametrize("beam", [1, 3])
def test_unk_pad_and_a_second_start_are_never_said_however_probable(beam: int, predict_bos: bool) -> None:
    logits = torch.randn((3, 6, 9, 9), generator=torch.Generator().manual_seed(5))
    logits[..., [PAD_ID, START_ID, UNKNOWN_ID]] += 20
    first, state = (table := Table(logits)).begin()
    beams = beam_search(first, state, table.step, beam=beam, max_words=6, predict_bos=predict_bos)
    said_ids = beams.tokens[beams.scores.isfinite()]
    assert not {PAD_ID, UNKNOWN_ID} & set(said_ids.flatten().tolist())
    assert START_ID not in said_ids[:, 1:]
    assert bool((said_ids[:, 0] == START_ID).any()) is predict_bos


@pytest.mark.parametrize("predict_bos", [True, False])
@pytest.mark.parametrize("max_words", [1, 2, 5])
@pytest.mark.parametrize("beam", [1, 4])
def test_no_caption_is_empty_even_when_the_end_comes_first(
    beam: int, max_words: int, predict_bos: bool
) -> None:
    logits = torch.randn((4, max_words, 9, 9), generator=torch.Generator().manual_seed(6))
    logits[..., END_ID] += 20
    logits[..., START_ID] += 10
    first, state = (table := Table(logits)).begin()
    beams = beam_search(first, state, table.step, beam=beam, max_words=max_words, predict_bos=predict_bos)
    for ids in beams.tokens[beams.scores.isfinite()].tolist():
        assert set(said(ids)) - {START_ID}
    assert beams.scores[:, 0].isfinite().all()


def test_images_that_end_early_do_not_disturb_the_others() -> None:
    logits = torch.randn((4, 8, 9, 9), generator=torch.Generator().manual_seed(8)) * 2
    logits[..., END_ID] -= 8
    alone = [
        beam_search(*(table := Table(logits[i : i + 1])).begin(), table.step, beam=3, max_words=8)
        for i in range(4)
    ]
    logits[1, 1:, :, END_ID] += 30  # the second image is done at once, its neighbours never
    first, state = (table := Table(logits)).begin()
    beams = beam_search(first, state, table.step, beam=3, max_words=8)
    assert beams.ended[1].all() and max(len(said(ids)) for ids in beams.tokens[1].tolist()) <= 3
    for image in (0, 2, 3):
        assert torch.equal(beams.tokens[image], alone[image].tokens[0])


def test_a_beam_wider_than_the_vocabulary_gives_every_caption_there_is() -> None:
    """Six entries are two words: a collection of a handful of captions has no more."""
    table = Table(torch.randn((2, 2, 6, 6), generator=torch.Generator().manual_seed(9)))
    first, state = table.begin()
    beams = beam_search(first, state, table.step, beam=10, max_words=2)
    for image in range(2):
        found = beams.tokens[image][beams.scores[image].isfinite()].tolist()
        assert {said(ids) for ids in found} == {(4,), (5,), (4, 4), (4, 5), (5, 4), (5, 5)}
