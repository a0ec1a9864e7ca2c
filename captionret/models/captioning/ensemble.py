"""Several captioners that find one caption together: at every word their probabilities are averaged.

    Ensemble.load(["checkpoints/a", "checkpoints/b"]).caption("q.jpg")

They must read the same feature of the same backbone. Their vocabularies may differ; then only the words that
all of them know are used.
"""

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property

import torch

from ...errors import BadSetting
from ...text import Vocabulary
from ..vision.backbones import Backbone
from .captioner import Captioner
from .ensemble_decoder import EnsembleDecoder


class Ensemble(Captioner):
    """A captioner made of captioners. Its decoding settings are those of the first.

    errors: BadSetting for captioners that cannot caption together
    """

    def __init__(self, members: Sequence[Captioner]) -> None:
        if not members:
            raise BadSetting("An ensemble takes at least one captioner.")
        first = members[0]
        for other in members[1:]:
            _check_together(first, other)
        name = "+".join(member.name for member in members)
        self.members, self.reranker = list(members), first.reranker
        super().__init__(first.checkpoint, name, None, first.device, compute=first.compute)

    def _build(self) -> None:
        known = [member.vocabulary for member in self.members]
        shared = [token for token in self.vocabulary.tokens if all(token in one for one in known)]
        self.vocabulary = Vocabulary(shared, self.vocabulary.punctuation)
        ids = [torch.tensor([one.ids[token] for token in shared], device=self.device) for one in known]
        self.decoder = EnsembleDecoder([member.decoder for member in self.members], ids)

    @classmethod
    def load(  # type: ignore[override]  # several, where a captioner has one
        cls,
        paths: Sequence[str | os.PathLike[str]],
        device: str = "auto",
        *,
        engine: str = "auto",
        precision: str = "float32",
    ) -> "Ensemble":
        """Open several checkpoints: directories, or names.

        errors: BadSetting where they cannot caption together; BadCheckpoint, see Captioner.load
        """
        return cls([Captioner.load(path, device, engine=engine, precision=precision) for path in paths])

    @cached_property
    def backbone(self) -> Backbone:
        """The first captioner's, which may lie beside its checkpoint."""
        return self.members[0].backbone

    def describe(self) -> dict[str, object]:
        """As Captioner.describe; an ensemble lies in no single directory."""
        return {**super().describe(), "checkpoint": None, "variant": "ensemble"}

    @cached_property
    def fingerprint(self) -> str:
        """A hash over what changes a caption: the members, in their order."""
        return hashlib.sha256("\n".join(member.fingerprint for member in self.members).encode()).hexdigest()


def _check_together(first: Captioner, other: Captioner) -> None:
    """BadSetting for two captioners that cannot caption together."""
    if other.checkpoint.backbone["sha256"] != first.checkpoint.backbone["sha256"]:
        raise BadSetting(
            f"{other.name} reads another CNN's features than {first.name}. An ensemble's captioners share "
            "one CNN."
        )
    ours, theirs = ((one.config.feature, one.config.predict_bos) for one in (first, other))
    if ours != theirs:
        raise BadSetting(
            f"{other.name} does not begin as {first.name} ({first.config.feature} feature). They cannot "
            "caption together."
        )
