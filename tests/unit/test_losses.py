"""Each loss of the embedding spaces against loops written out, pair by pair."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from captionret.errors import BadSetting
from captionret.models.embedding.losses import (
    cosine_loss,
    drawn,
    hardest_negative,
    hinge_rank,
    info_nce,
    label_softmax,
    sampled_hinges,
    semi_hard_negative,
    sum_of_hinges,
    triple_loss,
)

# who owns the sentences of a batch: square as in the papers, several of one image, an order of its own, one
# image alone
OWNERS = [[0, 1, 2, 3, 4, 5], [0, 0, 1, 2, 2, 2, 3], [3, 1, 0, 2, 1, 0, 3, 3], [0, 0, 0]]
MARGIN = 0.2


def batch(owner: list[int], seed: int = 0) -> tuple[Tensor, Tensor]:
    """Scores (N, M) in float64 that violate some margins and not others."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(max(owner) + 1, len(owner), generator=generator, dtype=torch.float64)
    return scores, torch.tensor(owner)


def negatives(owner: list[int], m: int) -> tuple[list[int], list[int]]:
    """The sentences and the images that are negatives of pair m."""
    images = sorted(set(owner))
    return [other for other in range(len(owner)) if owner[other] != owner[m]], [
        n for n in images if n != owner[m]
    ]


def pairs(owner: list[int], scores: Tensor) -> list[tuple[float, list[float], list[float]]]:
    """Of every pair: its own score, those of its image with other sentences, those of its sentence with other
    images."""
    found = []
    for m, n in enumerate(owner):
        sentences, images = negatives(owner, m)
        found.append(
            (
                scores[n, m].item(),
                [scores[n, other].item() for other in sentences],
                [scores[other, m].item() for other in images],
            )
        )
    return found


def hinge(own: float, other: float, margin: float = MARGIN) -> float:
    return max(0.0, margin - own + other)


@pytest.mark.parametrize("owner", OWNERS, ids=str)
def test_sum_of_hinges_is_the_sum_over_all_negatives_of_both_directions(owner: list[int]) -> None:
    scores, owners = batch(owner)
    expected = sum(
        hinge(own, other)
        for own, sentences, images in pairs(owner, scores)
        for other in (*sentences, *images)
    )
    assert sum_of_hinges(scores, owners, MARGIN).item() == pytest.approx(expected)


@pytest.mark.parametrize("owner", OWNERS, ids=str)
def test_hardest_negative_keeps_one_of_each_pair_and_direction(owner: list[int]) -> None:
    scores, owners = batch(owner)
    expected = sum(
        max((hinge(own, other) for other in others), default=0.0)
        for own, sentences, images in pairs(owner, scores)
        for others in (sentences, images)
    )
    assert hardest_negative(scores, owners, MARGIN).item() == pytest.approx(expected)


@pytest.mark.parametrize("owner", OWNERS, ids=str)
def test_semi_hard_negative_is_the_hardest_below_the_pair_or_else_the_easiest(owner: list[int]) -> None:
    scores, owners = batch(owner)
    expected = 0.0
    for own, sentences, images in pairs(owner, scores):
        for others in (sentences, images):
            below = [other for other in others if other < own]
            if others:
                expected += hinge(own, max(below) if below else min(others))
    assert semi_hard_negative(scores, owners, MARGIN).item() == pytest.approx(expected)


@pytest.mark.parametrize("owner", OWNERS, ids=str)
def test_sampled_hinges_with_room_for_all_are_the_sum_of_hinges(owner: list[int]) -> None:
    scores, owners = batch(owner)
    assert sampled_hinges(scores, owners, MARGIN, 50).item() == pytest.approx(
        sum_of_hinges(scores, owners, MARGIN).item()
    )


@pytest.mark.parametrize("count", [1, 2, 3])
def test_sampled_hinges_compare_each_pair_with_so_many_negatives_and_never_with_its_own(count: int) -> None:
    """Every negative violates the margin by 1, the pairs and their siblings would by more: the loss counts
    what was drawn."""
    owner = torch.tensor([0, 0, 1, 2, 2, 3, 4])
    own = owner[None, :] == torch.arange(5)[:, None]
    scores = torch.where(own, 100.0, 101.0 - MARGIN)
    for seed in range(20):
        torch.manual_seed(seed)
        assert sampled_hinges(scores, owner, MARGIN, count).item() == pytest.approx(
            2 * count * len(owner), rel=1e-5
        )


def test_negatives_are_drawn_evenly_and_only_among_those_allowed() -> None:
    allowed = torch.tensor([[True, False, True, True, True], [False, False, True, False, False], [False] * 5])
    torch.manual_seed(0)
    draws = torch.stack([drawn(allowed, 2) for _ in range(4000)])
    assert not (draws & ~allowed).any()
    assert draws.sum(2).unique(dim=0).tolist() == [[2, 1, 0]]
    assert draws[:, 0].double().mean(0).tolist() == pytest.approx([0.5, 0, 0.5, 0.5, 0.5], abs=0.03)


@pytest.mark.parametrize("owner", OWNERS[:3], ids=str)
def test_triples_with_the_hardest_image_are_the_mean_of_their_hinges(owner: list[int]) -> None:
    scores, owners = batch(owner)
    hinges = [hinge(own, max(images)) for own, _, images in pairs(owner, scores) if images]
    assert triple_loss(scores, owners, MARGIN, hard=True).item() == pytest.approx(sum(hinges) / len(hinges))


def test_triples_with_a_drawn_image_are_on_average_the_mean_over_all_of_them() -> None:
    scores, owners = batch(OWNERS[1])
    torch.manual_seed(0)
    found = [triple_loss(scores, owners, MARGIN, hard=False).item() for _ in range(3000)]
    each = [
        sum(hinge(own, other) for other in images) / len(images)
        for own, _, images in pairs(OWNERS[1], scores)
    ]
    assert sum(found) / len(found) == pytest.approx(sum(each) / len(each), rel=0.02)


@pytest.mark.parametrize("owner", OWNERS, ids=str)
@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_info_nce_is_the_mean_of_both_choices_without_the_images_other_captions(
    owner: list[int], temperature: float
) -> None:
    scores, owners = batch(owner)
    expected = 0.0
    for own, sentences, images in pairs(owner, scores):
        for others in (sentences, images):
            total = sum(math.exp(other / temperature) for other in (own, *others))
            expected += -math.log(math.exp(own / temperature) / total) / 2 / len(owner)
    assert info_nce(scores, owners, temperature).item() == pytest.approx(expected, abs=1e-12)


def test_label_softmax_chooses_among_the_positive_and_the_wrong_labels() -> None:
    scores = torch.tensor([[0.9, 0.1, -0.3, 0.4], [0.2, 0.8, 0.5, -0.1]])
    positive, others = [0, 2], torch.tensor([[False, True, True, False], [True, False, False, True]])
    expected = 0.0
    for image, label in enumerate(positive):
        rivals = [math.exp(scores[image, j] / 0.5) for j in range(4) if others[image, j]]
        own = math.exp(scores[image, label] / 0.5)
        expected -= math.log(own / (own + sum(rivals)))
    assert label_softmax(scores, torch.tensor(positive), others, 0.5).item() == pytest.approx(expected / 2)


def test_hinge_rank_sums_over_the_wrong_labels_and_no_others() -> None:
    generator = torch.Generator().manual_seed(1)
    scores = torch.rand(4, 6, generator=generator, dtype=torch.float64)
    positive, right = [0, 5, 2, 2], [{0, 3}, {5}, {2}, {1, 2, 4}]
    others = torch.tensor([[label not in own for label in range(6)] for own in right])
    expected = sum(
        hinge(scores[n, positive[n]].item(), scores[n, label].item(), 0.1)
        for n in range(4)
        for label in range(6)
        if label not in right[n]
    )
    assert hinge_rank(scores, torch.tensor(positive), others, 0.1).item() == pytest.approx(expected / 4)


def test_cosine_loss_is_minus_the_mean_cosine_whatever_the_lengths() -> None:
    vectors = torch.tensor([[3.0, 0.0], [1.0, 1.0], [0.0, -2.0]])
    targets = torch.tensor([[0.5, 0.0], [0.0, 7.0], [0.0, 1.0]])
    assert cosine_loss(vectors, targets).item() == pytest.approx(-(1 + math.sqrt(0.5) - 1) / 3)


Loss = Callable[[Tensor, Tensor, float], Tensor]
WITH_MARGIN: dict[str, Loss] = {
    "sum": sum_of_hinges,
    "sampled": lambda scores, owner, margin: sampled_hinges(scores, owner, margin, 2),
    "hardest": hardest_negative,
    "semi-hard": semi_hard_negative,
    "triples": lambda scores, owner, margin: triple_loss(scores, owner, margin, hard=False),
    "labels": lambda scores, owner, margin: hinge_rank(
        scores.T, owner, torch.ones_like(scores.T, dtype=torch.bool), margin
    ),
}


@pytest.mark.parametrize("name", WITH_MARGIN)
def test_margins_of_nothing_or_less_are_refused(name: str) -> None:
    for margin in (0.0, -0.2, math.nan, math.inf):
        with pytest.raises(BadSetting, match="The margin must be a number above 0"):
            WITH_MARGIN[name](*batch(OWNERS[0]), margin)


def test_sampling_no_negatives_is_refused() -> None:
    with pytest.raises(BadSetting, match="At least one negative"):
        sampled_hinges(*batch(OWNERS[0]), MARGIN, 0)


@pytest.mark.parametrize("owner", OWNERS, ids=str)
@pytest.mark.parametrize("name", [*(name for name in WITH_MARGIN if name != "labels"), "info-nce"])
def test_gradients_are_finite_whoever_owns_the_sentences(name: str, owner: list[int]) -> None:
    """Also where an image has no negative at all, which makes rows of nothing but -infinity."""
    scores, owners = batch(owner)
    scores.requires_grad_()
    loss = info_nce(scores, owners, 0.05) if name == "info-nce" else WITH_MARGIN[name](scores, owners, MARGIN)
    loss.backward()
    assert math.isfinite(loss.item()) and scores.grad is not None and torch.isfinite(scores.grad).all()
    if len(set(owner)) == 1:
        assert loss.item() == pytest.approx(0) and not scores.grad.any()


def test_learned_temperature_gets_a_gradient() -> None:
    scores, owners = batch(OWNERS[0])
    temperature = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    info_nce(scores, owners, temperature).backward()
    assert temperature.grad is not None and temperature.grad != 0
