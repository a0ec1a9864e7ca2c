"""Self-critical sequence training (Rennie et al. 2017): a captioner learns from the CIDEr-D of the captions
that it generates.

    captionret train-captioner --self-critical checkpoints/mine --data flickr8k:data/flickr8k --out NAME

Captions are drawn from the captioner; those better than a baseline become more probable, the others less.
<end> is a word of the reward, too: without it captioners learn to stop at "a man in a", which costs no
n-gram.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..config import Checked, setting
from ..counting import counted
from ..errors import BadDataset
from ..evaluation.captions.cider import CiderD
from ..models.captioning.beam_search import Beams
from ..models.captioning.sampling import sample
from ..text import END, END_ID, PAD_ID, START_ID, UNKNOWN_ID, Vocabulary, is_word, tokenize
from .teacher_forcing import CaptioningTask, greedy_beams

BASELINES = ("mean", "greedy")
LEARNS = ("all", "biases")
MOST_SAMPLES = 1000  # a batch of a hundred images is then of 100,000 captions
# What a training for the reward changes in a variant's row.
CHANGES: dict[str, Any] = {
    "epochs": 5,
    # at 1e-4 the captions of val got worse within an epoch: the gradient is mostly noise
    "learning_rate": 2e-5,
    "schedule": "cosine",
    "warmup": 0.0,
    "batch_size": 160,
    "captions_together": True,
    "label_smoothing": 0.0,
    "scheduled_sampling": 0.0,
    "attention_penalty": 0.0,
    "average": 0.0,
}


@dataclass(frozen=True)
class SelfCritical(Checked):
    """How a captioner is compared with itself.

    baseline: "mean", of the image's other samples (Luo 2020, https://arxiv.org/abs/2003.09971), or "greedy",
              the greedy caption (Rennie)
    samples:  captions drawn of each image
    learns:   "all" weights, or "biases": only what has one dimension, biases and the gains of norms. So
              little learns fewer pictures by heart, and can learn how captions are to be worded
    """

    baseline: str = setting("mean", choices=BASELINES)
    samples: int = setting(5, at_least=1)
    learns: str = setting("all", choices=LEARNS)

    def rules(self) -> Iterator[tuple[bool, str]]:
        """See Checked.rules."""
        yield (
            self.baseline == "mean" and self.samples < 2,
            f"The mean of an image's other samples needs at least 2 samples, not {self.samples}.",
        )
        yield (
            self.samples > MOST_SAMPLES,
            f"{self.samples:,} samples of an image are more than any memory holds; at most {MOST_SAMPLES:,} "
            "are drawn. Five are usual.",
        )


class Reward:
    """CIDEr-D of sampled tokens against the human captions, <end> included; document frequencies are those of
    these captions.

    captions: the human captions of each training image
    errors:   BadDataset where no n-gram is rarer than another (a single image, or equal captions): every
              reward would be 0
    """

    def __init__(self, captions: Sequence[Sequence[str]], vocabulary: Vocabulary) -> None:
        def words(caption: str) -> list[str]:
            return [*(token for token in tokenize(caption) if vocabulary.punctuation or is_word(token)), END]

        self.vocabulary = vocabulary
        self.cider = CiderD([[words(caption) for caption in image] for image in captions])
        if not self.cider.informative:
            raise BadDataset(
                "The reward has no document frequencies: all n-grams stand in the captions of each of the "
                f"{counted(len(captions), 'images')}, so that CIDEr-D is 0 whatever is generated. Train on "
                "more images."
            )

    def __call__(self, tokens: Tensor, ended: Tensor, images: np.ndarray) -> np.ndarray:
        """tokens (N, K, T) and ended (N, K) as the search gives them, images (N,) of the training captions ->
        (N, K) float32, 0 to 10."""
        candidates = [
            [*self.vocabulary.decode(ids), *([END] if over else [])]
            for image, image_ended in zip(tokens.tolist(), ended.tolist(), strict=True)
            for ids, over in zip(image, image_ended, strict=True)
        ]
        _, scores = self.cider.score(candidates, np.repeat(images, tokens.shape[1]).tolist())
        return scores.reshape(ended.shape).astype(np.float32)


class SelfCriticalTask(CaptioningTask):
    """The fit loop's task: its loss is what Rennie et al. 2017 give in eq. 7, a mean per token."""

    def __init__(self, *arguments: Any, how: SelfCritical) -> None:
        super().__init__(*arguments)
        self.how = how
        if how.learns == "biases":
            for parameter in self.module.parameters():
                parameter.requires_grad_(parameter.requires_grad and parameter.ndim == 1)
        self.reward = Reward(self.train.captions, self.vocabulary)
        self.random = torch.Generator(device=self.device)
        self.rewards: list[float] = []

    def whole_epoch(self, random: np.random.Generator) -> Sequence[Any]:
        """(images (B,) in random order, the seed of what is drawn, a view of each image (B,))."""
        self.rewards = []
        size = max(1, self.config.batch_size // self.how.samples)
        order = random.permutation(len(self.train))
        parts = [order[start : start + size] for start in range(0, len(order), size)]
        return [
            (part, int(random.integers(2**31)), random.integers(0, self.config.views, len(part)))
            for part in parts
        ]

    def loss(self, batch: Any) -> Tensor:
        """Draw, reward, and weigh the log-probability of each drawn token by how much better its caption is
        than the baseline."""
        images, seed, views = batch
        self.module.eval()  # drawn without dropout; learned from with it, for there are few pictures
        features = self.train.features.of(images, views, self.device)
        drawn = self._draw(features, seed)
        rewards = self.reward(drawn.tokens, drawn.ended, images)
        self.rewards.append(float(rewards.mean()))
        advantage = torch.from_numpy(rewards - self._baseline(features, rewards, images)).to(
            self.device
        )  # (N, K)
        tokens = self._read(drawn)
        for part in self.module.modules():
            # not the batch norm, whose statistics are those of the training before
            if isinstance(part, nn.Dropout | nn.RNNBase):
                part.train()
        logits, targets = self.module(features, tokens)
        # (M,)
        logprob = self._drawable(logits, tokens).log_softmax(-1).gather(1, targets.unsqueeze(1)).squeeze(1)
        words = self._predicted(tokens).sum(-1).flatten()
        return -(logprob * advantage.flatten().repeat_interleave(words)).mean()

    def validate(self, module: Any) -> dict[str, float]:
        """As for cross-entropy, and the mean reward x100 of the epoch's samples."""
        return {
            **super().validate(module),
            "reward": 100 * float(np.mean(self.rewards)) if self.rewards else 0.0,
        }

    def _draw(self, features: Tensor, seed: int) -> Beams:
        self.random.manual_seed(seed)
        shape = (len(features), self.how.samples, self.config.max_words)
        with torch.inference_mode():
            first, state = self.module.begin(features)
            chance = torch.rand(shape, generator=self.random, device=self.device)
            return sample(first, state, self.module.step, chance, predict_bos=self.config.predict_bos)

    def _baseline(self, features: Tensor, rewards: np.ndarray, images: np.ndarray) -> np.ndarray:
        """(N, K) for the mean, (N, 1) for the greedy caption."""
        if self.how.baseline == "mean":
            others: np.ndarray = (rewards.sum(1, keepdims=True) - rewards) / (self.how.samples - 1)
            return others
        with torch.inference_mode():
            greedy = greedy_beams(self.module, features, self.config)
        return self.reward(greedy.tokens, greedy.ended, images)

    def _predicted(self, tokens: Tensor) -> Tensor:
        """Which of the tokens (N, K, T) the captioner predicts; bool."""
        return (tokens != PAD_ID) & (self.config.predict_bos | (tokens != START_ID))

    def _drawable(self, logits: Tensor, tokens: Tensor) -> Tensor:
        """Logits (M, V) with what is never drawn at -inf. Left in, it would swallow what is taken from bad
        captions, unpunished."""
        predicted = self._predicted(tokens)
        words_before = (tokens > UNKNOWN_ID).cumsum(-1) - (tokens > UNKNOWN_ID).to(torch.int64)
        bare = (words_before == 0)[predicted]
        first = torch.zeros_like(predicted)
        first[:, :, 0] = True
        logits = logits.float().clone()
        logits[:, [PAD_ID, UNKNOWN_ID]] = -torch.inf
        logits[~first[predicted], START_ID] = -torch.inf
        logits[bare, END_ID] = -torch.inf
        return logits

    def _read(self, drawn: Beams) -> Tensor:
        """The drawn captions as the decoder reads them in training: (N, K, T), one <end>, then padding."""
        tokens = drawn.tokens.clone()
        # behind the first <end>
        over = (tokens == END_ID).cumsum(-1) - (tokens == END_ID).to(torch.int64) > 0
        tokens[over] = PAD_ID
        if self.config.predict_bos:
            return tokens
        return torch.cat([torch.full_like(tokens[:, :, :1], START_ID), tokens], -1)
