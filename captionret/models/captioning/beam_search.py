"""Greedy, beam and diverse beam search for a whole batch at once, over any decoder."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...text import BAD_ENDINGS, END_ID, PAD_ID, START_ID, UNKNOWN_ID, Vocabulary


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
            self.images
            if images is None
            else tuple(tensor.index_select(0, images) for tensor in self.images),
        )


# Images that are done are dropped once no more than this share is left.
KEPT = 0.8
# Numbers of which the largest is found first, where the best of many are looked for.
STRETCH = 64

Step = Callable[[Tensor, State], tuple[Tensor, State]]


@dataclass(frozen=True, slots=True)
class Beams:
    """The captions of a batch, best first.

    tokens: (N, beam, T) int64, filled up with <end>; the first may be <start>, which Vocabulary.decode leaves
            out
    scores: (N, beam) float32, log-probability / words**length_penalty; -inf where an image has fewer captions
    logprob: (N, beam) float32, natural log of the probability, <end> included
    ended:  (N, beam) bool; False where max_words came first
    """

    tokens: Tensor
    scores: Tensor
    logprob: Tensor
    ended: Tensor


class Rules:
    """What people don't want to read: a word twice in a row, the same three words twice, an end on "a".

    bad_endings: (V,) bool, the words no caption may end on
    """

    def __init__(self, bad_endings: Tensor) -> None:
        self.bad_endings = bad_endings

    @classmethod
    def of(cls, vocabulary: Vocabulary, device: torch.device) -> "Rules":
        """The rules for a vocabulary's words."""
        return cls(torch.tensor([token in BAD_ENDINGS for token in vocabulary.tokens], device=device))

    def forbid(self, scores: Tensor, tokens: Tensor) -> None:
        """Set to -inf, in `scores` (M, V), what may not follow `tokens` (M, t)."""
        if not tokens.shape[1]:
            return
        last = tokens[:, -1:]
        scores[:, END_ID] = scores[:, END_ID].masked_fill(self.bad_endings[last[:, 0]], -torch.inf)
        blocked = last  # <pad> is forbidden anyway, so it stands for nothing to block
        if tokens.shape[1] > 2:
            again = (tokens[:, :-2] == tokens[:, -2:-1]) & (tokens[:, 1:-1] == last)
            blocked = torch.cat([last, tokens[:, 2:].masked_fill(~again, PAD_ID)], 1)
        scores.scatter_(1, blocked, -torch.inf)


@torch.inference_mode()
def beam_search(
    first: Tensor,
    state: State,
    step: Step,
    *,
    beam: int,
    max_words: int,
    length_penalty: float = 0.0,
    predict_bos: bool = False,
    rules: Rules | None = None,
    groups: int = 1,
    diversity: float = 0.0,
) -> Beams:
    """Find each image's most probable captions, the whole batch at once; beam 1 is greedy search.

    first:   (N, V) logits of the first token; state: the state after the image
    step:    maps (tokens (M,) int64, state) to (logits (M, V), state)
    predict_bos: the first token may be <start>, which is no word but counts towards max_words
    groups, diversity: the beam in equal groups, each of which pays `diversity` for a word as often as earlier
                 groups have it in the same place (Vijayakumar et al. 2016, Hamming diversity). What they pay
                 is not part of the scores

    Each round extends every live caption by every word and keeps the best `beam` that have not ended. A
    caption that ends among the best `beam` is set aside; an image is done when `beam` have been. When fewer
    have ended within max_words, the live ones follow them: a picture is never left without a caption. <pad>,
    <unk> and an empty caption are never generated. A beam wider than the vocabulary is taken as wide as that.
    """
    settings = (min(beam // groups, first.shape[1]), max_words, length_penalty, predict_bos, rules)
    searches = [_Search(first, state, step, *settings) for _ in range(groups)]
    for _ in range(max_words):
        chosen = torch.zeros_like(first) if groups > 1 else None
        for search in searches:
            search.advance(None if chosen is None or search is searches[0] else diversity * chosen)
            if chosen is not None:
                search.count(chosen)
    return ordered(*(search.result() for search in searches))


def log_probabilities(logits: Tensor, tokens: Tensor, rules: Rules | None, start: bool) -> Tensor:
    """Log-probabilities (M, V), -inf for what may not follow `tokens` (M, t). start: whether <start> may."""
    scores = torch.log_softmax(logits.float(), -1)
    scores[:, [PAD_ID, UNKNOWN_ID] if start else [PAD_ID, UNKNOWN_ID, START_ID]] = -torch.inf
    bare = (tokens == START_ID).all(-1)  # without a word so far: it may not end
    scores[:, END_ID] = scores[:, END_ID].masked_fill(bare, -torch.inf)
    if rules is not None:
        rules.forbid(scores, tokens)
    return scores


def ordered(*parts: Beams) -> Beams:
    """All captions of each image: those that ended by score, then the others."""
    tokens, scores, logprob, ended = (
        torch.cat([getattr(part, name) for part in parts], 1) for name in Beams.__slots__
    )
    by_score = scores.argsort(dim=1, descending=True, stable=True)
    order = by_score.gather(
        1, ended.gather(1, by_score).to(torch.int8).argsort(dim=1, descending=True, stable=True)
    )
    return Beams(
        tokens.gather(1, order.unsqueeze(-1).expand_as(tokens)),
        scores.gather(1, order),
        logprob.gather(1, order),
        ended.gather(1, order),
    )


class _Search:
    """The books of one beam search: live captions (A, B, t) of the A images still open, ended ones (N, B, T)
    of all N.

    scores: (A, B) what the live captions are ranked by
    paid:   (A, B) what of it they paid for words of other groups
    """

    def __init__(
        self,
        first: Tensor,
        state: State,
        step: Step,
        beam: int,
        max_words: int,
        length_penalty: float,
        predict_bos: bool,
        rules: Rules | None,
    ) -> None:
        images, device = len(first), first.device
        self.first, self.state, self.step, self.rules = first, state, step, rules
        self.beam, self.penalty = beam, length_penalty
        self.may_start = predict_bos and max_words > 1  # <start> alone would be an empty caption
        self.open_images = torch.arange(images, device=device)
        self.tokens = torch.empty((images, 1, 0), dtype=torch.long, device=device)
        self.scores = torch.zeros((images, 1), device=device)
        self.paid = torch.zeros((images, 1), device=device)
        self.done_tokens = torch.full((images, beam, max_words), END_ID, device=device)
        self.done_scores = torch.full((images, beam), -torch.inf, device=device)
        self.done_logprob = torch.full((images, beam), -torch.inf, device=device)
        self.done_ended = torch.zeros((images, beam), dtype=torch.bool, device=device)
        self.done_count = torch.zeros(images, dtype=torch.long, device=device)

    def advance(self, price: Tensor | None) -> None:
        """Extend every live caption by one token. price: (N, V) what each token costs each image, or None."""
        if not len(self.open_images):
            return
        length = self.tokens.shape[-1]
        logits, state = (
            (self.first, self.state)
            if not length
            else self.step(self.tokens[:, :, -1].reshape(-1), self.state)
        )
        logprob = log_probabilities(
            logits, self.tokens.flatten(0, 1), self.rules, start=self.may_start and not length
        )
        rows, images = self._extend(logprob, price)
        if len(rows):
            self.state = state.pick(rows, images)

    def count(self, chosen: Tensor) -> None:
        """Add to `chosen` (N, V) how many of each image's live captions have taken each word just now."""
        going = self.done_count[self.open_images] < self.beam
        live = self.scores.isfinite() & going.unsqueeze(1)
        images = self.open_images.unsqueeze(1).expand_as(live)[live]
        chosen.index_put_((images, self.tokens[:, :, -1][live]), chosen.new_ones(()), accumulate=True)

    def _extend(self, logprob: Tensor, price: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """logprob: (A*B, V). Returns the state rows to go on from, and images where some are done."""
        count, live = self.scores.shape
        if price is not None:
            price = price[self.open_images].repeat_interleave(live, 0)
            logprob = logprob - price
        # at most `beam` of them can end, so `beam` are left that go on
        width = min(2 * self.beam, logprob.shape[-1])
        best, words = largest(logprob, width)  # (A*B, W): two steps are much cheaper than one over B*V
        total = (self.scores.reshape(-1, 1) + best).reshape(count, live * width)
        total, where = largest(total, min(2 * self.beam, live * width))
        source, word = where // width, words.reshape(count, live * width).gather(1, where)
        paid = self.paid.gather(1, source)
        if price is not None:
            paid = paid + price.reshape(count, -1).gather(1, source * price.shape[-1] + word)
        ends = word == END_ID
        beam = self.beam
        self._set_aside(total[:, :beam] + paid[:, :beam], source[:, :beam], ends[:, :beam])
        order = ends.to(torch.int8).argsort(dim=1, stable=True)[:, :beam]  # those that go on, best first
        self.scores = total.gather(1, order).masked_fill(ends.gather(1, order), -torch.inf)
        source, word, self.paid = source.gather(1, order), word.gather(1, order), paid.gather(1, order)
        past = self.tokens.gather(1, source.unsqueeze(-1).expand(-1, -1, self.tokens.shape[-1]))
        self.tokens = torch.cat([past, word.unsqueeze(-1)], -1)
        return self._close(source + live * torch.arange(count, device=source.device).unsqueeze(1))

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
        """Drop the images that are done, so that the rest of the batch costs only what is left of it. A few
        stay, for nothing more of them is set aside: dropping copies what is remembered of all others."""
        going = self.done_count[self.open_images] < self.beam
        left = int(going.sum())
        if left and left > KEPT * len(going):
            return rows.reshape(-1), None
        self.open_images, self.tokens, self.scores = (
            self.open_images[going],
            self.tokens[going],
            self.scores[going],
        )
        self.paid = self.paid[going]
        return rows[going].reshape(-1), going.nonzero().flatten()

    def result(self) -> Beams:
        """Ended captions, and live ones where an image has fewer than `beam`."""
        place = self.done_count[self.open_images].unsqueeze(1) + torch.arange(
            self.scores.shape[1], device=self.scores.device
        )
        image, source = (self.scores.isfinite() & (place < self.beam)).nonzero(as_tuple=True)
        logprob = self.scores[image, source] + self.paid[image, source]
        self._record(image, place[image, source], source, logprob, ended=False)
        return Beams(self.done_tokens, self.done_scores, self.done_logprob, self.done_ended)


def largest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The largest `count` of each row, the largest first, and where they are. Of long rows it first finds the
    stretches that hold them, by the largest number of each: most of a row is looked at only once."""
    if count == 1:
        return values.max(-1, keepdim=True)
    rows, size = values.shape
    stretches = size // STRETCH
    if stretches < 2 * count:
        return values.topk(count)
    cut = values[:, : stretches * STRETCH].unflatten(1, (stretches, STRETCH))
    found = cut.amax(-1).topk(count, sorted=False).indices  # (M, count)
    rest = values[:, stretches * STRETCH :]
    row = torch.arange(rows, device=values.device).unsqueeze(1)
    best, where = torch.cat([cut[row, found].flatten(1), rest], 1).topk(count)
    inside = found.gather(1, (where // STRETCH).clamp_(max=count - 1)) * STRETCH + where % STRETCH
    behind = where + (stretches - count) * STRETCH
    return best, torch.where(where < count * STRETCH, inside, behind)
