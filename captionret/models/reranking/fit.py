"""Of several captions of one picture the one that fits it best, as an embedding space of pictures and
sentences sees it.

The captioner proposes, the space chooses, as in Fang et al. 2015 (https://arxiv.org/abs/1411.4952): it was
trained to tell a picture's captions from those of others, which no captioner is asked for.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import BadCheckpoint, BadSetting
from ...records import Caption, Decoding
from .reference_captions import Corpus

if TYPE_CHECKING:  # it imports the captioner
    from ..embedding.model import EmbeddingModel

LENGTH_PENALTY = 1.0  # chosen on Flickr8k val, like Decoding.match


def matched(
    images: Sequence[Sequence[Caption]],
    pooled: np.ndarray,
    spaces: Sequence["EmbeddingModel"],
    decoding: Decoding,
    length_penalty: float,
    corpora: Sequence[Corpus] = (),
) -> list[list[Caption]]:
    """Each image's captions, the best first, by log-probability / words**length_penalty + match * cosine +
    agree * agreement.

    pooled: (N, D) float32, the images' pooled features
    spaces: cosine and agreement are the mean of what they give
    corpora: what the captions shall agree with, by the vectors of each space; none: they need not
    A caption that a space cannot read, without a word for one, fits like none: its cosine is -1.
    """
    captions = [caption for image in images for caption in image]
    owner = np.repeat(np.arange(len(images)), [len(image) for image in images])
    scores = np.array(
        [caption.logprob / max(len(caption.tokens), 1) ** length_penalty for caption in captions]
    )
    for index, space in enumerate(spaces):
        # as libraries and the feature cache keep them
        pictures = space.encode_features(pooled.astype(np.float16))
        readable = np.flatnonzero([not space.read.missing_reason(caption.text) for caption in captions])
        sentences = space.encode_texts([captions[place].text for place in readable])
        cosines = np.full(len(captions), -1.0)
        cosines[readable] = (pictures[owner[readable]] * sentences).sum(1)
        scores = scores + decoding.match / len(spaces) * cosines
        if corpora and captions:
            agreement = corpora[index].agreement(
                [[caption.tokens for caption in image] for image in images], pictures, decoding.neighbours
            )
            scores = scores + decoding.agree / len(spaces) * np.concatenate(agreement)
    ranked, start = [], 0
    for image in images:
        order = np.argsort(-scores[start : start + len(image)], kind="stable")
        ranked.append([image[place] for place in order.tolist()])
        start += len(image)
    return ranked


@lru_cache(maxsize=16)
def space_of(place: str, sha256: str | None, device: str) -> "EmbeddingModel":
    """The space at `place`, loaded once.

    sha256: the fingerprint that it must have; None: any
    errors: BadCheckpoint where it is another one, see EmbeddingModel.load; BadSetting where it cannot read
            captions
    """
    from ..embedding.model import EmbeddingModel

    model = EmbeddingModel.load(Path(place), device)
    if sha256 is not None and model.fingerprint != sha256:
        raise BadCheckpoint(
            f"{place} is another space ({model.fingerprint[:12]}) than the one that chose these captions "
            f"({sha256[:12]}). Put that one back, or caption again (--recaption)."
        )
    if model.config.frozen_words:
        raise BadSetting(
            f"{place} is a space of words ({model.mode}), captions are matched in one of sentences. Give "
            "--embedding another."
        )
    return model
