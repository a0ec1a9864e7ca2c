"""A mode is one way to compare a query with a gallery. A new mode is one entry in MODES, and one small class
where none fits.

captionret search --list-modes
"""

from ...config import Registry
from .. import corpus
from ..index.soft_jaccard import SoftJaccardIndex, by_meaning, by_spelling
from ..protocols import Mode
from .auto import AutoMode
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

__all__ = ["MODES", "find_mode"]


def find_mode(name: str) -> Mode:
    """The mode of that name. errors: UnknownName, which lists the known ones"""
    return MODES[name]


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
        "the best that the gallery allows: words, space and classes for a text, hybrid for a picture",
        EMBEDDING,
        WORDS,
        JACCARD_IDF,
        HYBRID,
    ),
    HybridMode(
        "hybrid-rrf", "several modes' rankings put together by reciprocal rank", find_mode, by_rank=True
    ),
)
