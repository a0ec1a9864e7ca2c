"""Of several captions of one picture the one that fits it best, as an embedding space of pictures and
sentences sees it.

The captioner proposes, the space chooses, as in Fang et al. 2015 (https://arxiv.org/abs/1411.4952): it was
trained to tell a picture's captions from those of others, which no captioner is asked for.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from ...decoding import Rerank
from ...errors import BadSetting
from ...records import Caption
from ..embedding.model import EmbeddingModel
from .reference_captions import ReferenceCaptions, SentenceSpace


class PictureSpace(SentenceSpace, Protocol):
    """A space of pictures and sentences: an EmbeddingModel, or one that a test makes up."""

    def check(self, backbone: Mapping[str, object] | None) -> None:
        """BadSetting where features of this backbone are not what it reads."""
        ...

    def encode_features(self, features: np.ndarray) -> np.ndarray:
        """(N, D_image) features of pictures -> (N, D) float32 unit rows."""
        ...


class Reranker:
    """Chooses among a picture's captions by one or more spaces.

    spaces:     their mean counts
    references: for each space captions of other pictures that a caption should be like; none: it need not
    errors:     BadSetting for a space that reads no sentences, or references that another space encoded

        space = EmbeddingModel.load("photos-space")
        captioner.caption("q.jpg", decoding=Rerank(spaces=(space.reference,)), reranker=Reranker([space]))
    """

    def __init__(self, spaces: Sequence[PictureSpace], references: Sequence[ReferenceCaptions] = ()) -> None:
        for space in spaces:
            if isinstance(space, EmbeddingModel) and space.config.frozen_words:
                raise BadSetting(
                    f"{space.name} is a space of words ({space.mode}); captions are chosen in one of "
                    "sentences. Choose another space."
                )
        for space, captions in zip(spaces, references, strict=bool(references)):
            captions.check(space)
        self.spaces, self.references = tuple(spaces), tuple(references)

    def check(self, backbone: Mapping[str, object] | None) -> None:
        """BadSetting where features of this backbone ({"name", "sha256"}; None: unknown) are not what its
        spaces read."""
        for space in self.spaces:
            space.check(backbone)

    def is_named_by(self, decoding: Rerank) -> bool:
        """Whether these are the spaces that a decoding names, as far as it gives their fingerprints."""
        return len(self.spaces) == len(decoding.spaces) and all(
            reference.sha256 in (None, space.fingerprint)
            for reference, space in zip(decoding.spaces, self.spaces, strict=True)
        )

    def rank(
        self,
        images: Sequence[Sequence[Caption]],
        pooled: np.ndarray,
        decoding: Rerank,
        length_penalty: float,
    ) -> list[list[Caption]]:
        """Each image's captions, the best first, by log-probability / words**length_penalty + match_weight *
        cosine + agree_weight * agreement.

        pooled: (N, D_image) float32, the images' pooled features
        errors: BadSetting for a decoding that names other spaces than these
        A caption that a space cannot read, without a word for one, fits like none: its cosine is -1.
        """
        if not self.is_named_by(decoding):
            ours = ", ".join(f"{space.name} ({space.fingerprint[:12]})" for space in self.spaces)
            theirs = ", ".join(f"{one.name} ({str(one.sha256)[:12]})" for one in decoding.spaces)
            raise BadSetting(
                f"The decoding chooses captions by {theirs}, the re-ranker by {ours}. Give one that goes "
                "with the other."
            )
        captions = [caption for image in images for caption in image]
        scores = np.array(
            [caption.logprob / max(len(caption.tokens), 1) ** length_penalty for caption in captions]
        )
        for index, space in enumerate(self.spaces):
            # as libraries and the feature cache keep them
            pictures = space.encode_features(pooled.astype(np.float16))
            cosines = _cosines(space, pictures, images)
            scores = scores + decoding.match_weight / len(self.spaces) * cosines
            if self.references and captions:
                agreement = self.references[index].agreement(
                    [[caption.tokens for caption in image] for image in images], pictures, decoding.neighbours
                )
                scores = scores + decoding.agree_weight / len(self.spaces) * np.concatenate(agreement)
        ends = np.cumsum([len(image) for image in images])
        ranked = []
        for image, end in zip(images, ends.tolist(), strict=True):
            order = np.argsort(-scores[end - len(image) : end], kind="stable")
            ranked.append([image[place] for place in order.tolist()])
        return ranked


def _cosines(space: PictureSpace, pictures: np.ndarray, images: Sequence[Sequence[Caption]]) -> np.ndarray:
    """(M,) float64: of every caption the cosine with its picture. pictures: (N, D)."""
    texts = [caption.text for image in images for caption in image]
    owner = np.repeat(np.arange(len(images)), [len(image) for image in images])  # (M,)
    readable = np.flatnonzero([not space.missing_reason(text) for text in texts])
    sentences = space.encode_texts([texts[place] for place in readable])
    cosines = np.full(len(texts), -1.0)
    cosines[readable] = (pictures[owner[readable]] * sentences).sum(1)
    return cosines
