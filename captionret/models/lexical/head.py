"""The lexical head: a trained network that predicts word probabilities. It cannot generate captions.

head = LexicalHead.load("words-lite")
head.predict_words(features)  # (N, V)
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..checkpoint import Checkpoint
from ..trained import PictureModel
from ..vision.backbones import Backbone
from ..vision.engines.rows import AUTO, Compute
from .config import LEXICAL, LexicalConfig
from .network import make_network


class LexicalHead(PictureModel[LexicalConfig]):
    """A trained head, its vocabulary and (loaded when first needed) its backbone."""

    kind = LEXICAL

    def __init__(
        self,
        checkpoint: Checkpoint[LexicalConfig],
        name: str,
        path: Path | None = None,
        device: str | torch.device = "cpu",
        backbone: Backbone | None = None,
        compute: Compute = AUTO,
    ) -> None:
        super().__init__(checkpoint, name, path, device, backbone, compute)
        self.network = self.ready(lambda: make_network(self.config, len(self.vocabulary)))

    @torch.inference_mode()
    def predict_words(self, features: Tensor | np.ndarray) -> np.ndarray:
        """For each row of pooled features (N, D) the probability that a caption holds each word: (N, V)
        float32, V as in `vocabulary`; 0 for tokens that are no words."""
        rows = torch.as_tensor(features, dtype=torch.float32, device=self.device)
        predicted: np.ndarray = torch.sigmoid(self.network(rows)).cpu().numpy()
        predicted[:, self.vocabulary.no_words] = 0
        return predicted
