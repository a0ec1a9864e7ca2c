"""Where a captioner looked for each word of a caption.

looked = looked_at(captioner, "q.jpg", caption)
looked.words[1], looked.weights[1]          # "dog", (9, 9)
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ...images import ImageInput, Picture, as_picture, load_views
from ...records import Caption
from ...text import END_ID, START_ID, UNKNOWN_ID
from .attention import AttentionDecoder
from .captioner import Captioner
from .transformer import TransformerDecoder


@dataclass(frozen=True, eq=False)
class Looked:
    """Where was looked for each word.

    words:   of the caption
    weights: (words, side, side) float32, of the cells of the picture from its upper left corner on, in rows;
             they sum to 1 for a word, or to less where it was taken from the words before it
    """

    words: tuple[str, ...]
    weights: NDArray[np.float32]


@torch.inference_mode()
def looked_at(captioner: Captioner, image: ImageInput | Picture, caption: Caption) -> Looked | None:
    """Where it looked when it gave this picture this caption; None for a decoder without attention.

    errors: BadImage
    """
    decoder = captioner.decoder
    if not isinstance(decoder, AttentionDecoder | TransformerDecoder) or not caption.tokens:
        return None
    _, pixels = load_views(as_picture(image), captioner.backbone.config.preprocessing.size)
    features, _ = captioner.features(pixels)
    known = captioner.vocabulary.ids
    ids = [START_ID, *(known.get(word, UNKNOWN_ID) for word in caption.tokens), END_ID]
    tokens = torch.tensor([[ids]], device=features.device)
    weights = decoder.looks(features, tokens)[0, 0, :-1].float().cpu().numpy()
    side = round(weights.shape[1] ** 0.5)
    return Looked(caption.tokens, weights.reshape(-1, side, side))
