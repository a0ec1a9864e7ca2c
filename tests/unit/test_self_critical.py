"""Self-critical training: what is rewarded, what the loss is, and that a captioner gets better by it."""

from typing import Any

import numpy as np
import pytest
import torch

from captionret.errors import BadDataset, BadSetting, UnknownName
from captionret.evaluation.captions.cider import CiderD
from captionret.models.captioning.beam_search import Beams
from captionret.models.captioning.config import CaptionerConfig
from captionret.models.captioning.decoders import new_decoder
from captionret.text import END_ID, PAD_ID, START_ID, UNKNOWN_ID, Vocabulary
from captionret.training.features import Features
from captionret.training.self_critical import Reward, SelfCritical, SelfCriticalTask
from captionret.training.teacher_forcing import CaptionData, encode_captions

CAPTIONS = [
    ("a red dog runs", "a dog runs on sand"),
    ("a blue bird sits", "the bird sits on a branch"),
    ("two cats sleep", "two cats sleep in a bed"),
    ("a man rides a horse", "a man on a brown horse"),
]
VOCABULARY = Vocabulary.build((one for image in CAPTIONS for one in image), 1, punctuation=False)
CONFIGS = {
    "lstm that says start": CaptionerConfig("resnet18", embed_dim=12, hidden_dim=16, max_words=7),
    "lstm": CaptionerConfig("resnet18", embed_dim=12, hidden_dim=16, max_words=7, predict_bos=False),
    "adaptive": CaptionerConfig(
        "resnet18", decoder="adaptive", embed_dim=12, hidden_dim=16, max_words=7, predict_bos=False
    ),
    "transformer": CaptionerConfig(
        "resnet18",
        decoder="transformer",
        embed_dim=16,
        hidden_dim=16,
        heads=2,
        max_words=7,
        predict_bos=False,
    ),
}


def task_of(name: str, **how: Any) -> SelfCriticalTask:
    config = CONFIGS[name]
    shape = (len(CAPTIONS), 4, 8) if config.feature == "grid" else (len(CAPTIONS), 8)
    values = np.random.default_rng(0).normal(size=shape).astype(np.float16)
    features = Features(
        np.arange(len(CAPTIONS))[None], [values], ["0" * 64] * len(CAPTIONS), np.arange(len(CAPTIONS))
    )
    data = CaptionData(features, encode_captions(CAPTIONS, VOCABULARY), list(CAPTIONS))
    torch.manual_seed(0)
    module = new_decoder(config, 8, 4, len(VOCABULARY))
    return SelfCriticalTask(module, config, data, data, 0, VOCABULARY, how=SelfCritical(**how))


def ids(*texts: str, longest: int = 7) -> torch.Tensor:
    rows = [[VOCABULARY.ids[word] for word in text.split()] for text in texts]
    return torch.tensor([[row + [END_ID] * (longest - len(row)) for row in rows]])


def test_the_reward_is_cider_d_of_the_words_and_of_the_end() -> None:
    reward = Reward(CAPTIONS, VOCABULARY)
    said = ids("a dog runs on sand", "a dog runs on")
    found = reward(said, torch.tensor([[True, True]]), np.array([0]))
    expected, each = CiderD([[[*one.split(), "<end>"] for one in image] for image in CAPTIONS]).score(
        [["a", "dog", "runs", "on", "sand", "<end>"], ["a", "dog", "runs", "on", "<end>"]], [0, 0]
    )
    assert found[0] == pytest.approx(each) and found[0].mean() == pytest.approx(expected)
    assert found[0, 0] > found[0, 1] > 0
    cut = reward(said, torch.tensor([[False, True]]), np.array([0]))
    assert cut[0, 0] < found[0, 0], "a caption that max_words cut off has not said <end>"


@pytest.mark.parametrize("captions", [CAPTIONS[:1], [CAPTIONS[0]] * 3])
def test_a_reward_without_document_frequencies_is_refused(captions: list[tuple[str, ...]]) -> None:
    with pytest.raises(BadDataset, match="no document frequencies"):
        Reward(captions, VOCABULARY)


def test_a_baseline_that_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownName, match="greedy, mean"):
        SelfCritical(baseline="median")
    with pytest.raises(UnknownName, match="all, biases"):
        SelfCritical(learns="some")
    with pytest.raises(BadSetting, match="at least 2 samples"):
        SelfCritical(samples=1)
    assert SelfCritical(baseline="greedy", samples=1).samples == 1


@pytest.mark.parametrize("baseline", ["mean", "greedy"])
@pytest.mark.parametrize("name", CONFIGS)
def test_the_loss_is_the_papers_written_out(
    name: str, baseline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(name, baseline=baseline, samples=2)
    config = task.config
    said = ["a dog runs", "two cats sleep on sand"]
    tokens = ids(*said)
    if config.predict_bos:
        tokens = torch.cat([torch.full((1, 2, 1), START_ID), tokens[:, :, :-1]], -1)
    drawn = Beams(tokens, torch.zeros(1, 2), torch.zeros(1, 2), torch.ones(1, 2, dtype=torch.bool))
    monkeypatch.setattr(task, "_draw", lambda features, seed: drawn)
    loss = float(task.loss((np.array([0]), 0, np.array([0]))).detach())

    features = task.train.features.of(np.array([0]))
    rewards = task.reward(tokens, drawn.ended, np.array([0]))[0]
    greedy = task._baseline(features, rewards[None], np.array([0]))[0]
    bases = [rewards[1], rewards[0]] if baseline == "mean" else [greedy[0], greedy[0]]
    total, count = 0.0, 0
    for text, reward, base in zip(said, rewards, bases, strict=True):
        sequence = torch.tensor([[[START_ID, *(VOCABULARY.ids[word] for word in text.split()), END_ID]]])
        with torch.no_grad():
            logits, targets = task.module(features, sequence)
        for position, (row, target) in enumerate(zip(logits, targets, strict=True)):
            never = [PAD_ID, UNKNOWN_ID]
            if not config.predict_bos or position:
                never.append(START_ID)
            if position < 1 + config.predict_bos:
                never.append(END_ID)  # no caption without a word
            row = torch.log_softmax(row.index_fill(0, torch.tensor(never), -torch.inf), -1)
            total += float(row[target]) * float(reward - base)
            count += 1
    assert loss == pytest.approx(-total / count, rel=1e-4, abs=1e-6)
    assert loss != 0


@pytest.mark.parametrize("name", CONFIGS)
def test_it_learns_with_dropout_and_draws_without(name: str) -> None:
    task = task_of(name)
    batch = task.batches(0)[0]
    plain = [float(task.loss(batch).detach()) for _ in range(2)]
    assert plain[0] == plain[1]
    for part in task.module.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.5
    drawn = [
        task._draw(task.train.features.of(batch[0], batch[2]), batch[1]).tokens
        for _ in range(2)
        if task.module.eval()
    ]
    assert torch.equal(*drawn)
    losses = [float(task.loss(batch).detach()) for _ in range(2)]
    assert losses[0] != losses[1] and plain[0] not in losses
    assert all(
        part.training == isinstance(part, torch.nn.Dropout | torch.nn.RNNBase)
        for part in task.module.modules()
    ), "batch statistics stay as they were"


@pytest.mark.parametrize("name", CONFIGS)
def test_where_only_biases_learn_no_matrix_changes(name: str) -> None:
    task = task_of(name, learns="biases")
    before = {key: value.clone() for key, value in task.module.named_parameters()}
    optimizer = torch.optim.Adam(
        [value for value in task.module.parameters() if value.requires_grad], lr=1e-2
    )
    for batch in task.batches(0):
        task.loss(batch).backward()
        optimizer.step()
    changed = {key for key, value in task.module.named_parameters() if not torch.equal(value, before[key])}
    assert changed and changed <= {key for key, value in before.items() if value.ndim == 1}
    assert any("bias" in key for key in changed)


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_drawn_is_read_back_with_one_end_and_padding(name: str) -> None:
    task = task_of(name)
    drawn = task._draw(task.train.features.of(np.arange(4)), 1)
    read = task._read(drawn)
    for row, tokens, ended in zip(
        read.flatten(0, 1).tolist(), drawn.tokens.flatten(0, 1).tolist(), drawn.ended.flatten(), strict=True
    ):
        said = tokens[: tokens.index(END_ID)] if END_ID in tokens else tokens
        whole = [*([] if task.config.predict_bos else [START_ID]), *said, *([END_ID] if ended else [])]
        assert row == whole + [PAD_ID] * (len(row) - len(whole))


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_a_captioner_gets_better_by_its_own_captions(name: str) -> None:
    task = task_of(name, samples=8)
    optimizer = torch.optim.Adam(task.module.parameters(), lr=1e-2)
    for epoch in range(120):
        for batch in task.batches(epoch):
            optimizer.zero_grad()
            task.loss(batch).backward()
            optimizer.step()
        if epoch == 0:
            first = task.rewards[0]
    assert task.rewards[-1] > 3 * first
    logits, _ = task.module(
        task.train.features.of(np.arange(4)), torch.from_numpy(task.train.tokens.astype(np.int64))
    )
    never = torch.log_softmax(logits, -1)[:, [PAD_ID, UNKNOWN_ID, START_ID]].exp()
    assert never.max() < 0.2, "what is taken from bad captions does not go to what is never said"
