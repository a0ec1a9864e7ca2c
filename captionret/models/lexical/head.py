"""The lexical head: a trained network that predicts word probabilities. It cannot generate captions.

head = LexicalHead.load("words-lite")
head.predict_words(head.features(pixels))  # (N, V)
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...images import DecodedBatch, Picture
from ..trained import PictureModel
from ..vision.backbones import Backbone
from ..vision.last_blocks import before, with_own_blocks
from .config import LEXICAL, LexicalConfig
from .network import make_network


class LexicalHead(PictureModel[LexicalConfig]):
    """A trained head, its vocabulary and (loaded when first needed) its backbone."""

    kind = LEXICAL
    shipped = "words-lite"
    _seeing: tuple[Backbone, Backbone] | None = None

    def _build(self) -> None:
        self.network = self.ready(lambda: make_network(self.config, len(self.vocabulary)))

    @property
    def seeing(self) -> Backbone:
        """Its backbone; with the head's own last blocks beside it, where it has such."""
        return self.seeing_with(self.backbone)

    def seeing_with(self, backbone: Backbone) -> Backbone:
        """The same with a backbone that is at work already; for the same one again the same."""
        if self.network.own is None:
            return backbone
        if self._seeing is None or self._seeing[0] is not backbone:
            self._seeing = backbone, with_own_blocks(backbone, self.network.own, self.config.own_blocks)
        return self._seeing[1]

    @property
    def learns_from(self) -> Backbone:
        """Whose features, of kind `config.feature`, its network is trained on."""
        return before(self.backbone, self.config.own_blocks) if self.config.own_blocks else self.backbone

    def batches(
        self, pictures: Sequence[Picture], batch_size: int, doing: str, progress: bool | None = None
    ) -> Iterator[DecodedBatch]:
        """As PictureModel.batches."""
        self.seeing.expect(len(pictures))
        return super().batches(pictures, batch_size, doing, progress)

    def features(self, pixels: NDArray[np.uint8]) -> Tensor:
        """pixels (N, S, S, 3) uint8 -> what `predict_words` reads, (N, D) float32."""
        pooled, own, _ = self.seeing.read_all(pixels)
        return (own if self.config.own_blocks else pooled).to(self.device)

    @torch.inference_mode()
    def predict_words(self, features: Tensor | np.ndarray) -> np.ndarray:
        """For each row of features (N, D), or of what own blocks read (N, cells, depth), the probability
        that a caption holds each word: (N, V) float32, V as in `vocabulary`; 0 for tokens that are no
        words."""
        rows = torch.as_tensor(features, dtype=torch.float32, device=self.device)
        predicted: np.ndarray = torch.sigmoid(self.network(rows)).cpu().numpy()
        predicted[:, self.vocabulary.no_words] = 0
        return predicted
