"""A mode is one way to compare a query with a gallery. A new mode is one entry in MODES, and one small class
where none fits.

captionret search --list-modes
"""

import logging
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from ...config import Registry
from ...errors import BadSetting
from .. import corpus
from ..index.soft_jaccard import SoftJaccardIndex, by_meaning, by_spelling
from ..predicted import NAMED_IN_AUTO
from ..protocols import Mode
from .auto import PICTURES, AutoMode
from .captions import MultiCaptionMode
from .fusion import HybridMode
from .lexical import ExpectedCosine, ExpectedProduct, LexicalMode, stored_jaccard
from .likelihood import LikelihoodMode
from .vectors import FeatureMode, SpaceMode
from .words import (
    JaccardWords,
    TfIdf,
    WordMode,
    bm25,
    content,
    counted,
    distinct,
    jaccard_by_idf,
    lemmas,
    stored_idf,
    stored_okapi,
    stored_sets,
    stored_tfidf,
)

__all__ = ["MODES", "every_mode", "find_mode"]

log = logging.getLogger(__name__)


PLUGINS = "captionret.modes"  # the group of entry points
_HAS = ("about", "accepts", "name", "prepare", "required_parts")  # see Mode


def find_mode(name: str) -> Mode:
    """The mode of that name, perhaps a plug-in's. errors: UnknownName, which lists the known ones; BadSetting
    for a plug-in that cannot be loaded"""
    if name not in MODES and name in _plugins():
        _add_plugin(_plugins()[name])
    return MODES[name]


def every_mode() -> Mapping[str, Mode]:
    """All modes by name, those of plug-ins too. One that cannot be loaded is left out, which is logged."""
    for name, entry in _plugins().items():
        try:
            if name not in MODES:
                _add_plugin(entry)
        except BadSetting as error:
            log.warning(error.message)
    return MODES


@cache
def _plugins() -> dict[str, EntryPoint]:
    return {one.name: one for one in entry_points(group=PLUGINS)}


def _add_plugin(entry: EntryPoint) -> None:
    """Register the mode that an installed package brings: an object, or what makes one without arguments."""
    try:
        loaded = entry.load()
        mode: Mode = loaded() if callable(loaded) else loaded
        missing = [name for name in _HAS if not hasattr(mode, name)]
        if missing or mode.name != entry.name:
            raise TypeError(f"it has no {', '.join(missing)}" if missing else f"its name is {mode.name!r}")
    except Exception as error:  # whatever a package raises when it is imported
        what = f"The mode {entry.name} of a plug-in ({entry.value})"
        raise BadSetting(f"{what} cannot be loaded: {error!r}.") from error
    MODES.add(entry.name, mode)


def _table(*modes: Mode) -> Registry[Mode]:
    return Registry("mode", {mode.name: mode for mode in modes})


EXPECTED_COSINE = LexicalMode(
    "expected-cosine",
    "the same word probabilities by the cosine of what sets each image apart from the mean one",
    ExpectedCosine,
    ExpectedCosine.of_stored,
)
WORDS = LikelihoodMode(
    "words",
    "a text's likelihood under the words, and ImageNet's classes, that are predicted of each image",
    LexicalMode(
        "words",
        "pictures by the words in which each differs from the mean one",
        ExpectedProduct,
        ExpectedProduct.of_stored,
    ),
)
EMBEDDING = SpaceMode(
    "embedding",
    "the cosine in a space of images and a frozen sentence encoder's sentences, such as the shipped one",
)
JACCARD_IDF = WordMode(
    "jaccard-idf",
    f"the same with rare words counting more (idf from {corpus.NAME})",
    distinct,
    jaccard_by_idf,
    stored_idf,
)
HYBRID = HybridMode(
    "hybrid", "a weighted sum of several modes' standardised scores", find_mode, by_rank=False
)
MODES: Registry[Mode] = _table(
    WordMode(
        "jaccard",
        "the share of words that the two captions have in common, all words alike, as published",
        distinct,
        JaccardWords,
        stored_sets("distinct"),
    ),
    WordMode("jaccard-content", "the same without stop words", content, JaccardWords, stored_sets("content")),
    JACCARD_IDF,
    WordMode(
        "jaccard-lemma",
        "the same on base forms, so that 'dogs' is 'dog', without stop words",
        lemmas,
        JaccardWords,
        stored_sets("lemmas"),
    ),
    WordMode(
        "soft-jaccard",
        "words that are spelt nearly alike are matched, one to one",
        content,
        lambda rows: SoftJaccardIndex(rows, by_spelling(0.75)),
    ),
    WordMode(
        "vector-jaccard",
        "words whose GloVe vectors are near are matched, one to one",
        content,
        lambda rows: SoftJaccardIndex(rows, by_meaning(0.6)),
    ),
    MultiCaptionMode(
        "multi-caption",
        "several captions of each image: the share of words of the most similar pair",
        union=False,
    ),
    MultiCaptionMode(
        "multi-caption-union",
        "several captions of each image: the words of all of them together, by idf",
        union=True,
    ),
    WordMode(
        "tfidf",
        "the cosine of the captions' words, counted and weighted by idf",
        counted,
        TfIdf,
        stored_tfidf,
    ),
    WordMode(
        "bm25",
        "Okapi BM25, the caption being the document",
        counted,
        bm25,
        stored_okapi,
        symmetric=False,
        bounded=False,
    ),
    LexicalMode(
        "expected-jaccard",
        "the words a caption is likely to hold, by probability and idf: minima over maxima",
        jaccard_by_idf,
        stored_jaccard,
    ),
    EXPECTED_COSINE,
    WORDS,
    FeatureMode("cnn", "the cosine of the CNN's features, no words"),
    FeatureMode("cnn-centred", "the same less the gallery's mean feature", centred=True),
    FeatureMode(
        "cnn-whitened",
        "the same with every direction of the features counting alike",
        centred=True,
        whitened=True,
    ),
    EMBEDDING,
    SpaceMode(
        "vse",
        "the cosine in a space of images and sentences that were learned together (Kiros et al. 2014, VSE++)",
    ),
    SpaceMode(
        "devise", "the cosine in a space of word vectors, into which images were mapped by their labels"
    ),
    SpaceMode("glove-map", "the cosine of an image mapped into weighted word vectors and a sentence's own"),
    SpaceMode(
        "skip-thoughts",
        "the cosine of an image and a sentence's skip-thought code, both mapped into one space",
    ),
    SpaceMode(
        "clip",
        "the cosine in the space of an encoder of pictures and texts that you choose, such as CLIP or SigLIP",
    ),
    HYBRID,
    AutoMode(
        "auto",
        "the best that the gallery allows: words, space and classes for a text; words, space and captions "
        "for a picture",
        EMBEDDING,
        LikelihoodMode(WORDS.name, WORDS.about, WORDS.pictures, NAMED_IN_AUTO),
        JACCARD_IDF,
        HybridMode("pictures", "pictures by several modes", find_mode, by_rank=False, weights=PICTURES),
    ),
    HybridMode(
        "hybrid-rrf", "several modes' rankings put together by reciprocal rank", find_mode, by_rank=True
    ),
)
