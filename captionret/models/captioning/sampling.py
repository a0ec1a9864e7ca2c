"""Drawing captions from what a captioner predicts, for a whole batch at once: by temperature, from the top k
words, from the nucleus."""

import numpy as np
import torch
from torch import Tensor

from ...text import END_ID
from .beam_search import Beams, Rules, State, Step, log_probabilities


def uniforms(seed: int, picture: str, captions: int, max_words: int) -> np.ndarray:
    """The chance of one picture: (captions, max_words) float32 from 0 to 1, the same whatever else is in its
    batch.

    picture: the hex digits of its content hash
    """
    return np.random.default_rng([seed, int(picture[:16], 16)]).random(
        (captions, max_words), dtype=np.float32
    )


@torch.inference_mode()
def sample(
    first: Tensor,
    state: State,
    step: Step,
    chance: Tensor,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    predict_bos: bool = False,
    rules: Rules | None = None,
) -> Beams:
    """Draw captions of each image; `first`, `state` and `step` as in beam_search.

    chance: (N, K, T) float32 uniform in [0, 1): one number for each of T words of K captions of N images
    top_k:  draw from the k most probable words only, 0: from all
    top_p:  draw from the fewest words that hold this share of the probability (Holtzman et al. 2020)
    returns: tokens (N, K, T) in the order they were drawn; scores and logprob are the captioner's own
             log-probabilities, without temperature and limits
    """
    images, count, longest = chance.shape
    rows = torch.arange(images, device=first.device).repeat_interleave(count)
    logits, state = first[rows], state.pick(rows)
    tokens = torch.full(chance.shape, END_ID, device=first.device)
    logprob, ended = (
        first.new_zeros(images, count),
        torch.zeros(images, count, dtype=torch.bool, device=first.device),
    )
    live = torch.arange(images, device=first.device)  # the images with a caption that goes on
    for position in range(longest):
        may_start = predict_bos and not position and longest > 1
        scores = log_probabilities(logits, tokens[live, :, :position].flatten(0, 1), rules, may_start)
        chosen = _draw(_limited(scores, temperature, top_k, top_p), chance[live, :, position].flatten())
        chosen = chosen.masked_fill(ended[live].flatten(), END_ID)
        more = scores.gather(1, chosen.unsqueeze(1)).view(-1, count)
        logprob[live] += more.masked_fill(ended[live], 0.0)
        tokens[live, :, position] = chosen.view(-1, count)
        ended[live] |= chosen.view(-1, count) == END_ID
        going = ~ended[live].all(1)
        if position == longest - 1 or not bool(going.any()):
            break
        if not bool(going.all()):
            live, state = (
                live[going],
                state.pick(going.repeat_interleave(count).nonzero().flatten(), going.nonzero().flatten()),
            )
        logits, state = step(tokens[live, :, position].flatten(), state)
    return Beams(tokens, logprob, logprob, ended)


def _limited(scores: Tensor, temperature: float, top_k: int, top_p: float) -> Tensor:
    """Probabilities (M, V), not normalised, of the words that may be drawn. scores: (M, V)
    log-probabilities."""
    probabilities = torch.softmax(scores / temperature, -1)
    if top_k and top_k < scores.shape[1]:
        least = probabilities.topk(top_k, -1).values[:, -1:]
        probabilities = probabilities.masked_fill(probabilities < least, 0.0)
    if top_p < 1:
        ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
        before = ordered.cumsum(-1) - ordered  # what the more probable words hold
        kept = ordered.masked_fill(before >= top_p * ordered.sum(-1, keepdim=True), 0.0)
        probabilities = torch.zeros_like(probabilities).scatter_(1, order, kept)
    return probabilities


def _draw(probabilities: Tensor, chance: Tensor) -> Tensor:
    """One word per row, (M,) int64: where the running sum of probabilities passes the row's chance."""
    running = probabilities.cumsum(-1)
    drawn = torch.searchsorted(running, (chance.unsqueeze(1) * running[:, -1:]), right=True).squeeze(1)
    # Rounding may pass the end; the last word with any probability is meant then, never one with none.
    last = running.shape[1] - 1 - (probabilities > 0).flip(-1).to(torch.int8).argmax(-1)
    return torch.minimum(drawn, last)
