"""The losses of the embedding spaces, one function each.

    scores: (N, M) similarities of N different images and M sentences, s(n, m)
    owner:  (M,) int64, the image that sentence m describes: a positive pair for each sentence
    own:    s(owner(m), m)

Negatives of a pair are the sentences of other images, and the other images: another caption of the same image
never is one. With N = M and owner = 0, 1, 2, ... these are the square batches of the papers. [x]+ is max(0,
x).
"""

from math import inf

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import BadSetting


def checked_margin(margin: float) -> float:
    """The margin, if it is one: with 0 or less, scores that are all equal would be a perfect answer."""
    if not 0 < margin < inf:  # also refuses nan
        raise BadSetting(f"The margin must be a number above 0, not {margin}.")
    return margin


def sum_of_hinges(scores: Tensor, owner: Tensor, margin: float) -> Tensor:
    """All negatives of all pairs, both directions (Kiros, Salakhutdinov, Zemel 2014, eq. 7).

    sum over m of  sum over m' of another image [margin - own + s(owner(m), m')]+  +  sum over n' != owner(m)
    [margin - own + s(n', m)]+
    """
    sentences, images = _hinges(scores, owner, margin)
    return sentences.sum() + images.sum()


def sampled_hinges(scores: Tensor, owner: Tensor, margin: float, count: int) -> Tensor:
    """As sum_of_hinges, over `count` negatives of each pair and direction, drawn anew (the ranking of
    skip-thoughts, Kiros et al. 2015).

    Where a pair has fewer negatives than that, all of them.
    """
    if count < 1:
        raise BadSetting(f"At least one negative is needed, not {count}.")
    sentences, images = _hinges(scores, owner, margin)
    own = _own(scores, owner)
    return (sentences * drawn(~own[owner], count)).sum() + (images * drawn(~own.T, count)).sum()


def hardest_negative(scores: Tensor, owner: Tensor, margin: float) -> Tensor:
    """Only the negative that violates most, of each pair and direction: max_violation (VSE++, Faghri et al.
    2018, eq. 6).

    sum over m of  max over m' [margin - own + s(owner(m), m')]+  +  max over n' [margin - own + s(n', m)]+
    """
    sentences, images = _hinges(scores, owner, margin)
    return sentences.amax(1).sum() + images.amax(1).sum()


def semi_hard_negative(scores: Tensor, owner: Tensor, margin: float) -> Tensor:
    """As hardest_negative, but the hardest of the negatives that score below the pair itself (FaceNet,
    Schroff et al. 2015, sec. 3.2).

    Where all score above it, the easiest of them: a pair that is far from right would otherwise never be
    learned from.
    """
    checked_margin(margin)
    own = _own(scores, owner)
    pair = _pair(scores, owner)[:, None]
    total = scores.new_zeros(())
    for rivals, allowed in ((scores[owner], ~own[owner]), (scores.T, ~own.T)):  # (M, M), (M, N)
        below = allowed & (rivals < pair)
        hardest = rivals.masked_fill(~below, -inf).amax(1)
        easiest = rivals.masked_fill(~allowed, inf).amin(1)
        chosen = torch.where(below.any(1), hardest, easiest)
        total = total + (margin - pair[:, 0] + chosen)[allowed.any(1)].clamp(min=0).sum()
    return total


def hinge_rank(scores: Tensor, positive: Tensor, others: Tensor, margin: float) -> Tensor:
    """Images against labels (DeViSE, Frome et al. 2013, eq. 1); the mean over images.

    sum over labels j of `others` [margin - s(n, positive(n)) + s(n, j)]+

    scores:   (N, L) similarities of images and labels
    positive: (N,) int64, the label that is learned
    others:   (N, L) bool, the labels that are wrong for the image
    """
    right = scores.gather(1, positive[:, None])
    return ((checked_margin(margin) - right + scores).clamp(min=0) * others).sum(1).mean()


def label_softmax(scores: Tensor, positive: Tensor, others: Tensor, temperature: float) -> Tensor:
    """Which label is the image's, as one choice among it and the wrong ones; the mean over images of -log
    e(p) / (e(p) + sum of e(j)).

    p = positive(n), j of `others`, e(j) = exp(s(n, j) / temperature): hinge_rank's arguments, and the softmax
    that Frome et al. 2013 (sec. 3) train their visual model with
    """
    logits = scores / temperature
    right = logits.gather(1, positive[:, None])
    return (
        logits.masked_fill(~others, -inf).scatter(1, positive[:, None], right).logsumexp(1) - right[:, 0]
    ).mean()


def cosine_loss(vectors: Tensor, targets: Tensor) -> Tensor:
    """Minus the mean cosine of vectors and their targets, (N, D) each: the loss of DeViSE's
    re-implementations."""
    return -F.cosine_similarity(vectors, targets, dim=1).mean()


def triple_loss(scores: Tensor, owner: Tensor, margin: float, hard: bool) -> Tensor:
    """Triples of a text, its image and a bad one: the mean of [margin - (s(good) - s(bad))]+.

    hard: the bad image is the batch's most similar to the text; otherwise it is drawn
    """
    checked_margin(margin)
    allowed = ~_own(scores, owner).T  # (M, N)
    some = allowed.any(1)
    chosen = scores.T.masked_fill(~allowed, -inf).argmax(1) if hard else drawn(allowed, 1).float().argmax(1)
    bad = scores.T.gather(1, chosen[:, None])[:, 0]
    return (margin - (_pair(scores, owner) - bad))[some].clamp(min=0).sum() / some.sum().clamp(min=1)


def info_nce(scores: Tensor, owner: Tensor, temperature: Tensor | float) -> Tensor:
    """Which sentence is the image's, and which image the sentence's, as two choices among the batch (Radford
    et al. 2021, fig. 3).

    mean over m of  1/2 (-log e(owner(m), m) / sum over n' of e(n', m)  -  log e(owner(m), m) / (e(owner(m),
    m) + sum over m' of another image e(owner(m), m'))),  e = exp(s / temperature)
    """
    logits = scores / temperature
    siblings = _own(scores, owner)[owner].fill_diagonal_(False)  # (M, M)
    to_sentences = logits[owner].masked_fill(siblings, -inf).logsumexp(1)
    return (0.5 * (to_sentences + logits.logsumexp(0)) - _pair(logits, owner)).mean()


def drawn(allowed: Tensor, count: int) -> Tensor:
    """Which to compare with: `count` of each row's allowed columns at random (or all, where there are fewer);
    (A, B) bool."""
    chance = torch.rand(allowed.shape, device=allowed.device).masked_fill(~allowed, -1.0)
    chosen = chance.topk(min(count, allowed.shape[1]), 1).indices
    return torch.zeros_like(allowed).scatter_(1, chosen, True) & allowed


def _own(scores: Tensor, owner: Tensor) -> Tensor:
    """(N, M) bool: whether sentence m describes image n."""
    return owner[None, :] == torch.arange(len(scores), device=owner.device)[:, None]


def _pair(scores: Tensor, owner: Tensor) -> Tensor:
    """(M,): every sentence's score with its own image."""
    return scores.gather(0, owner[None, :])[0]


def _hinges(scores: Tensor, owner: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """How much each negative violates the margin, 0 where it is none: sentences (M, M') and images (M, N)
    against pair m."""
    own = _own(scores, owner)
    least = checked_margin(margin) - _pair(scores, owner)[:, None]
    sentences = (least + scores[owner]).clamp(min=0).masked_fill(own[owner], 0.0)
    return sentences, (least + scores.T).clamp(min=0).masked_fill(own.T, 0.0)
