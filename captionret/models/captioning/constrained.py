"""Constrained beam search (Anderson et al. 2017, https://arxiv.org/abs/1612.00576): a picture's best caption
that holds one of several names.

The search keeps two beams for each picture, captions without a name so far and captions with one, and only
the latter may end. A decoder has no word for many a name; it reads and predicts known words in its place, its
stand-ins: where it would write "coffee", it may write "espresso".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log

import torch
from torch import Tensor

from ...text import END_ID, START_ID
from .beam_search import Rules, State, Step, log_probabilities


@dataclass(frozen=True, slots=True)
class Name:
    """What a caption shall hold.

    words:     "tiger", "shark"
    stand_ins: the ids of known words that a decoder may read in its place
    share:     how much it counts beside the picture's other names, above 0 up to 1
    """

    words: tuple[str, ...]
    stand_ins: tuple[int, ...]
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class NamedCaption:
    """A caption with a name in it.

    ids:     the decoder's tokens, with a stand-in where the name stands, without <end>
    place:   of the name among them
    name:    which of the picture's names it is
    logprob: natural log of its probability, as if the name were as probable as its stand-ins are in the mean
    ended:   False where max_words came first
    """

    ids: tuple[int, ...]
    place: int
    name: Name
    logprob: float
    ended: bool


@torch.inference_mode()
def named_search(
    first: Tensor,
    state: State,
    step: Step,
    names: Sequence[Sequence[Name]],
    *,
    beam: int,
    max_words: int,
    length_penalty: float = 0.0,
    predict_bos: bool = False,
    rules: Rules | None = None,
) -> list[NamedCaption | None]:
    """For each of N pictures the best caption that holds one of its names, once; None where there is none.

    names: for each picture one or more
    All else is as beam_search takes it.
    """
    search = _Search(first, state, step, names, beam, length_penalty)
    for length in range(max_words):
        search.advance(rules, start=predict_bos and not length and max_words > 1)
        if search.done:
            break
    return search.result()


class _Search:
    """The books of one search. Of L = 2 * beam live captions a picture the first half hold no name.

    tokens: (N, L, t) int64, stand-ins for names
    scores: (N, L) log-probabilities, -inf for a free place
    place:  (N, L) int64, where the name stands
    which:  (N, L) int64, which of the picture's names it is
    """

    def __init__(
        self,
        first: Tensor,
        state: State,
        step: Step,
        names: Sequence[Sequence[Name]],
        beam: int,
        penalty: float,
    ) -> None:
        self.step, self.names, self.penalty = step, names, penalty
        self.beam = beam = min(beam, first.shape[1])
        count, live, device = len(first), 2 * beam, first.device
        rows = torch.arange(count, device=device).repeat_interleave(live)
        self.logits, self.state = first[rows], state.pick(rows)
        self.tokens = torch.empty((count, live, 0), dtype=torch.long, device=device)
        self.scores = torch.full((count, live), -torch.inf, device=device)
        self.scores[:, 0] = 0
        self.place = torch.zeros((count, live), dtype=torch.long, device=device)
        self.which = torch.zeros_like(self.place)
        self.stand_ins, self.shares = _stand_ins(names, device)
        self.best: list[NamedCaption | None] = [None] * count
        self.best_score = [-inf] * count
        self.ended = [0] * count

    @property
    def done(self) -> bool:
        """Whether of every picture as many captions have ended as its beam is wide."""
        return min(self.ended, default=self.beam) >= self.beam

    def advance(self, rules: Rules | None, start: bool) -> None:
        """Extend every live caption by one token. start: whether it may be <start>."""
        count, live = self.scores.shape
        if self.tokens.shape[-1]:
            self.logits, self.state = self.step(self.tokens[:, :, -1].reshape(-1), self.state)
        words = log_probabilities(self.logits, self.tokens.flatten(0, 1), rules, start)
        words = words.reshape(count, live, -1) + self.scores.unsqueeze(-1)  # (N, L, V)
        size = words.shape[-1]
        names, read = self._names(words)
        words[:, : self.beam, END_ID] = -torch.inf
        bare, bare_at = words[:, : self.beam].flatten(1).topk(self.beam)  # (N, B)
        wide = torch.cat([words, names], -1)  # (N, L, V + K)
        wide[:, : self.beam, :size] = -torch.inf
        wide[:, self.beam :, size:] = -torch.inf
        named, at = wide.flatten(1).topk(live)  # at most half of them can end
        source, column = at // wide.shape[-1], at % wide.shape[-1]
        now = column >= size  # named just here
        which = torch.where(now, column - size, self.which.gather(1, source))
        place = torch.where(now, self.tokens.shape[-1], self.place.gather(1, source))
        spelt = read.flatten(1).gather(1, source * names.shape[-1] + which)
        word = torch.where(now, spelt, column)
        ends = word == END_ID
        self._set_aside(named[:, : self.beam], source[:, : self.beam], ends[:, : self.beam])
        on = ends.to(torch.int8).argsort(dim=1, stable=True)[:, : self.beam]  # those that go on, best first
        self.scores = torch.cat([bare, named.gather(1, on).masked_fill(ends.gather(1, on), -torch.inf)], 1)
        source = torch.cat([bare_at // size, source.gather(1, on)], 1)
        word = torch.cat([bare_at % size, word.gather(1, on)], 1)
        self.place = torch.cat([torch.zeros_like(bare_at), place.gather(1, on)], 1)
        self.which = torch.cat([torch.zeros_like(bare_at), which.gather(1, on)], 1)
        past = self.tokens.gather(1, source.unsqueeze(-1).expand(-1, -1, self.tokens.shape[-1]))
        self.tokens = torch.cat([past, word.unsqueeze(-1)], -1)
        first = live * torch.arange(count, device=source.device).unsqueeze(1)
        self.state = self.state.pick((source + first).reshape(-1))

    def _names(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Of each live caption and name the log-probability (N, L, K), the mean of its stand-ins', and the
        stand-in that a decoder reads there, the likeliest (N, L, K) int64."""
        count, kinds, most = self.stand_ins.shape
        ids = self.stand_ins.reshape(count, 1, -1).expand(-1, words.shape[1], -1)
        each = words.gather(2, ids).reshape(count, -1, kinds, most) + self.shares.unsqueeze(1)
        likeliest = each.argmax(-1, keepdim=True)
        read = self.stand_ins.unsqueeze(1).expand_as(each).gather(-1, likeliest)
        return each.logsumexp(-1), read.squeeze(-1)

    def _set_aside(self, scores: Tensor, source: Tensor, ends: Tensor) -> None:
        """Note the captions that end here; all arguments (N, B)."""
        for image, column in (ends & scores.isfinite()).nonzero().tolist():
            if self.ended[image] >= self.beam:  # others of the batch go on; this picture is done
                continue
            self.ended[image] += 1
            self._note(image, int(source[image, column]), float(scores[image, column]), ended=True)

    def _note(self, image: int, row: int, logprob: float, ended: bool) -> None:
        """Keep a caption where it is a picture's best so far."""
        ids = tuple(self.tokens[image, row].tolist())
        score = logprob / max(1, sum(one != START_ID for one in ids)) ** self.penalty
        if score > self.best_score[image]:
            name = self.names[image][int(self.which[image, row])]
            self.best_score[image] = score
            self.best[image] = NamedCaption(ids, int(self.place[image, row]), name, logprob, ended)

    def result(self) -> list[NamedCaption | None]:
        """The best caption of each picture that ended, else the best that did not."""
        for image in range(len(self.best)):
            if not self.ended[image] and bool(self.scores[image, self.beam].isfinite()):
                self._note(image, self.beam, float(self.scores[image, self.beam]), ended=False)
        return self.best


def _stand_ins(names: Sequence[Sequence[Name]], device: torch.device) -> tuple[Tensor, Tensor]:
    """The stand-ins of every picture's names (N, K, S) int64, and the logarithm of what each one counts, -inf
    where there is none (N, K, S)."""
    kinds = max(len(image) for image in names)
    most = max(len(name.stand_ins) for image in names for name in image)
    ids = torch.zeros((len(names), kinds, most), dtype=torch.long)
    shares = torch.full((len(names), kinds, most), -torch.inf)
    for row, image in enumerate(names):
        for column, name in enumerate(image):
            ids[row, column, : len(name.stand_ins)] = torch.tensor(name.stand_ins)
            shares[row, column, : len(name.stand_ins)] = log(name.share / len(name.stand_ins))
    return ids.to(device), shares.to(device)
