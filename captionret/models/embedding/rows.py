"""Every embedding space of images and sentences, one row each. A new one is one line here and no other edit.

    captionret train-embedding --list
    captionret train-embedding --variant vse++ --set dim=512

vse, vse++, vse-bow and vse-lstm are Kiros, Salakhutdinov, Zemel 2014 and Faghri et al. 2018; devise is Frome
et al. 2013, devise-cosine its re-implementations; glove-map is the linear map from images into weighted word
vectors; skipthought-rank is the ranking of Kiros et al. 2015 on a skip-thought encoder that was trained
before (captionret train-skipthought).
"""

from typing import Any

from ...config import Registry
from ..sentence import MINILM_DIM
from .config import FROZEN_CODES, EmbeddingConfig

# as published: Adam 2e-4, batches of 128, clip norm 2, margin 0.2
_RANKING: dict[str, Any] = {"validate_every": 100}
_WORDS: dict[str, Any] = {
    "sentence_tower": "glove",
    "word_vectors": "glove-50",
    "word_dim": 50,
    "dim": 50,
    "targets": "nouns",
}

# Chosen on Flickr8k's validation split: all pairs of large batches compared, much dropout, annealed,
# averaged, mirrored pictures too.
_REGULARISED: dict[str, Any] = {
    "features_as": "root",
    "image_dropout": 0.5,
    "learning_rate": 1e-3,
    "weight_decay": 0.01,
    "schedule": "cosine",
    "warmup": 0.05,
    "average": 0.99,
    "views": 2,
}
_INFO_NCE: dict[str, Any] = {
    **_REGULARISED,
    "sentence_dropout": 0.3,
    "loss": "info-nce",
    "epochs": 12,
    "batch_size": 512,
}

# Rows that end in -tuned are published architectures with settings that learn more from 6,000 pictures;
# chosen on Flickr8k val.
_GLOVE_TUNED: dict[str, Any] = {
    "image_bias": False,
    "sentence_tower": "glove-idf",
    "word_vectors": "glove-50",
    "word_dim": 50,
    "dim": 50,
    "margin": 0.25,
    "batch_size": 32,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "schedule": "cosine",
    "views": 2,
}

EMBEDDING_MODELS: Registry[EmbeddingConfig] = Registry(
    "embedding model",
    {
        "vse": EmbeddingConfig(unit_in_training=False, **_RANKING),
        "vse++": EmbeddingConfig(loss="hardest", **_RANKING),
        "vse-bow": EmbeddingConfig(sentence_tower="bow", dim=300, unit_in_training=False, **_RANKING),
        "vse-lstm": EmbeddingConfig(sentence_tower="lstm", unit_in_training=False, **_RANKING),
        "devise": EmbeddingConfig(
            image_bias=False, loss="hinge-rank", margin=0.1, epochs=30, learning_rate=1e-3, **_WORDS
        ),
        "devise-cosine": EmbeddingConfig(
            image_tower="dense",
            image_dropout=0.5,
            loss="cosine",
            epochs=30,
            batch_size=32,
            optimizer="nesterov",
            learning_rate=0.01,
            **_WORDS,
        ),
        "glove-map": EmbeddingConfig(
            image_bias=False,
            sentence_tower="glove-idf",
            word_vectors="glove-50",
            word_dim=50,
            dim=50,
            loss="triples",
            margin=0.25,
            batch_size=32,
            optimizer="sgd",
            learning_rate=1e-3,
        ),
        "vse-bow-tuned": EmbeddingConfig(
            sentence_tower="bow",
            sentence_dropout=0.3,
            word_dropout=0.1,
            dim=512,
            word_dim=512,
            min_count=2,
            **_REGULARISED,
        ),
        # the hardest negative only once the towers tell pictures apart; it overfits soon, the best epoch is
        # kept
        "vse++-tuned": EmbeddingConfig(
            sentence_tower="gru",
            word_states="mean",
            sentence_dropout=0.4,
            word_dropout=0.1,
            dim=512,
            min_count=2,
            loss="hardest",
            first_loss="info-nce",
            first_epochs=10,
            epochs=18,
            batch_size=512,
            **_REGULARISED,
        ),
        # the paper's margin is of image vectors that are not brought to length 1
        "devise-tuned": EmbeddingConfig(
            features_as="root",
            image_bias=False,
            image_dropout=0.5,
            loss="hinge-rank",
            margin=0.3,
            epochs=30,
            learning_rate=3e-4,
            **_WORDS,
        ),
        "devise-sentence": EmbeddingConfig(  # a word's place by a sentence encoder in place of GloVe
            features_as="root",
            image_dropout=0.5,
            sentence_tower=FROZEN_CODES,
            dim=MINILM_DIM,
            loss="label-softmax",
            targets="nouns",
            epochs=8,
            learning_rate=1e-3,
            weight_decay=0.02,
            schedule="cosine",
            views=2,
        ),
        "glove-map-tuned": EmbeddingConfig(loss="triples", epochs=40, image_dropout=0.3, **_GLOVE_TUNED),
        "glove-map-hard": EmbeddingConfig(loss="triples-hard", epochs=20, **_GLOVE_TUNED),
        "skipthought-rank": EmbeddingConfig(
            sentence_tower="skipthought", code_dim=4800, dim=1000, loss="sampled-hinges", batch_size=100
        ),
        "sentence-map": EmbeddingConfig(sentence_tower="minilm", dim=512, **_INFO_NCE),
        "sentence-words": EmbeddingConfig(
            sentence_tower="minilm+bow",
            dim=512,
            word_dim=512,
            word_dropout=0.1,
            min_count=4,
            **{**_INFO_NCE, "epochs": 18, "sentence_dropout": 0.4},
        ),
    },
)
