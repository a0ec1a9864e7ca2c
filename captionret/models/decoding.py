"""Greedy and beam search for a whole batch at once, over any decoder that can `begin` and `step`."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..text import END_ID, PAD_ID, START_ID, UNKNOWN_ID


@dataclass(frozen=True, slots=True)
class State:
    """What a decoder remembers between two words.

    rows:   tensors with one row per live caption, (M, ...)
    images: tensors with one row per image, (N, ...), shared by all its captions
    """

    rows: tuple[Tensor, ...]
    images: tuple[Tensor, ...] = ()

    def pick(self, rows: Tensor, images: Tensor | None = None) -> "State":
        """The state of other rows: `rows` (M',) int64, and of other images if these change, too."""
        return State(
            tuple(tensor.index_select(0, rows) for tensor in self.rows),
            self.images if images is None else tuple(tensor.index_select(0, images) for tensor in self.images),
        )


Step = Callable[[Tensor, State], tuple[Tensor, State]]


@dataclass(frozen=True, slots=True)
class Beams:
    """The captions of a batch, best first.

    tokens: (N, beam, T) int64, filled up with <end>; the first may be <start>, which Vocabulary.decode leaves out
    scores: (N, beam) float32, log-probability / words**length_penalty; -inf where an image has fewer captions
    logprob: (N, beam) float32, natural log of the probability, <end> included
    ended:  (N, beam) bool; False where max_words came first
    """

    tokens: Tensor
    scores: Tensor
    logprob: Tensor
    ended: Tensor


@torch.inference_mode()
def beam_search(
    first: Tensor, state: State, step: Step, *, beam: int, max_words: int, length_penalty: float = 0.0, says_start: bool = False
) -> Beams:
    """Find each image's most probable captions, the whole batch at once; beam 1 is greedy search.

    first:   (N, V) logits of the first token; state: the state after the image
    step:    maps (tokens (M,) int64, state) to (logits (M, V), state)
    says_start: the first token may be <start>, which is no word but counts towards max_words
    Each round extends every live caption by every word and keeps the best `beam` that have not ended. A caption that ends among the
    best `beam` is set aside; an image is done when `beam` have been. When fewer have ended within max_words, the live ones follow
    them: a picture is never left without a caption. <pad>, <unk> and an empty caption are never said. A beam wider than the
    vocabulary is taken as wide as that.
    """
    search = _Search(len(first), min(beam, first.shape[1]), max_words, length_penalty, first.device)
    bare = torch.ones(len(first), dtype=torch.bool, device=first.device)
    scores = _masked(first, bare, start=says_start and max_words > 1)  # <start> alone would be an empty caption
    rows = search.open(scores)
    state = state.pick(rows)
    for _ in range(max_words - 1):
        tokens = search.live_tokens()
        logits, state = step(tokens, state)
        rows, images = search.extend(_masked(logits, bare=search.bare()))
        if not len(rows):
            break
        state = state.pick(rows, images)
    return search.result()


def _masked(logits: Tensor, bare: Tensor, start: bool = False) -> Tensor:
    """Log-probabilities (M, V) with what must not be said at -inf. bare: (M,) rows without a word so far: they may not end."""
    scores = torch.log_softmax(logits.float(), -1)
    scores[:, [PAD_ID, UNKNOWN_ID] if start else [PAD_ID, UNKNOWN_ID, START_ID]] = -torch.inf
    scores[:, END_ID] = scores[:, END_ID].masked_fill(bare, -torch.inf)
    return scores


class _Search:
    """The books of one beam search: live captions (A, B, t) of the A images still open, ended ones (N, B, T) of all N."""

    def __init__(self, images: int, beam: int, max_words: int, length_penalty: float, device: torch.device) -> None:
        self.beam, self.penalty = beam, length_penalty
        self.open_images = torch.arange(images, device=device)
        self.tokens = torch.empty((images, beam, 0), dtype=torch.long, device=device)
        self.scores = torch.zeros((images, 1), device=device)
        self.done_tokens = torch.full((images, beam, max_words), END_ID, device=device)
        self.done_scores = torch.full((images, beam), -torch.inf, device=device)
        self.done_logprob = torch.full((images, beam), -torch.inf, device=device)
        self.done_ended = torch.zeros((images, beam), dtype=torch.bool, device=device)
        self.done_count = torch.zeros(images, dtype=torch.long, device=device)

    def open(self, scores: Tensor) -> Tensor:
        """Take the best `beam` first tokens. scores: (N, V); returns the state rows (N*beam,) they go on from."""
        best, tokens = self._top(scores, self.beam)
        self.scores, self.tokens = best, tokens.unsqueeze(-1)
        return torch.arange(len(scores), device=scores.device).repeat_interleave(self.beam)

    def live_tokens(self) -> Tensor:
        """The last token of every live caption, (A*B,)."""
        return self.tokens[:, :, -1].reshape(-1)

    def bare(self) -> Tensor:
        """Which live captions hold no word yet, (A*B,) bool: those that have said <start> only."""
        return (self.tokens == START_ID).all(-1).reshape(-1)

    def extend(self, logprob: Tensor) -> tuple[Tensor, Tensor | None]:
        """Extend by one token. logprob: (A*B, V). Returns the state rows to go on from, and images where some are done."""
        count, beam = self.scores.shape
        size = logprob.shape[-1]
        width = min(2 * beam, size)  # at most `beam` of them can end, so `beam` are left that go on
        best, words = self._top(logprob, width)  # (A*B, 2B): two steps are much cheaper than one over B*V
        total = (self.scores.reshape(-1, 1) + best).reshape(count, beam * width)
        total, where = self._top(total, min(2 * beam, beam * width))
        source, word = where // width, words.reshape(count, beam * width).gather(1, where)
        ends = word == END_ID
        self._set_aside(total[:, :beam], source[:, :beam], ends[:, :beam])
        order = ends.to(torch.int8).argsort(dim=1, stable=True)[:, :beam]  # those that go on, best first
        self.scores = total.gather(1, order).masked_fill(ends.gather(1, order), -torch.inf)
        source, word = source.gather(1, order), word.gather(1, order)
        past = self.tokens.gather(1, source.unsqueeze(-1).expand(-1, -1, self.tokens.shape[-1]))
        self.tokens = torch.cat([past, word.unsqueeze(-1)], -1)
        rows = source + beam * torch.arange(count, device=source.device).unsqueeze(1)
        return self._close(rows)

    def _set_aside(self, total: Tensor, source: Tensor, ends: Tensor) -> None:
        """Put the captions that end here, (A, B) each, into the next free places of their images."""
        ends = ends & total.isfinite()
        place = self.done_count[self.open_images].unsqueeze(1) + ends.cumsum(1) - 1
        image, column = (ends & (place < self.beam)).nonzero(as_tuple=True)
        self._record(image, place[image, column], source[image, column], total[image, column], ended=True)
        self.done_count.index_add_(0, self.open_images[image], torch.ones_like(image))

    def _record(self, image: Tensor, place: Tensor, source: Tensor, logprob: Tensor, ended: bool) -> None:
        """Write live captions, picked by (image, source), into `place`. All arguments (K,)."""
        tokens, number = self.tokens[image, source], self.open_images[image]
        words = (tokens != START_ID).sum(-1).clamp(min=1)
        self.done_tokens[number, place, : tokens.shape[-1]] = tokens
        self.done_logprob[number, place] = logprob
        self.done_scores[number, place] = logprob / words**self.penalty
        self.done_ended[number, place] = ended

    def _close(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Drop the images that are done, so that the rest of the batch costs only what is left of it."""
        going = self.done_count[self.open_images] < self.beam
        if bool(going.all()):
            return rows.reshape(-1), None
        self.open_images, self.tokens, self.scores = self.open_images[going], self.tokens[going], self.scores[going]
        return rows[going].reshape(-1), going.nonzero().flatten()

    def result(self) -> Beams:
        """Ended captions by score, then live ones where an image has fewer than `beam`."""
        place = self.done_count[self.open_images].unsqueeze(1) + torch.arange(self.scores.shape[1], device=self.scores.device)
        image, source = (self.scores.isfinite() & (place < self.beam)).nonzero(as_tuple=True)
        self._record(image, place[image, source], source, self.scores[image, source], ended=False)
        by_score = self.done_scores.argsort(dim=1, descending=True, stable=True)
        order = by_score.gather(1, self.done_ended.gather(1, by_score).to(torch.int8).argsort(dim=1, descending=True, stable=True))
        tokens = self.done_tokens.gather(1, order.unsqueeze(-1).expand_as(self.done_tokens))
        return Beams(tokens, self.done_scores.gather(1, order), self.done_logprob.gather(1, order), self.done_ended.gather(1, order))

    @staticmethod
    def _top(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
        return values.topk(count, dim=-1) if count > 1 else values.max(-1, keepdim=True)
