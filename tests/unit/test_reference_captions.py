"""Captions of other pictures to compare with: which are near, how likeness is measured, and the file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from captionret.errors import BadCheckpoint, BadDataset, BadSetting
from captionret.evaluation.captions.cider import CiderD
from captionret.models.reranking.reference_captions import ReferenceCaptions

CAPTIONS = [
    ("a dog runs on sand", "a brown dog runs"),
    ("two dogs play on the beach", "dogs on a beach"),
    ("a man rides a horse", "the man on a brown horse on sand"),
    ("a cat sleeps in a bed", "a cat on a bed"),
]


class Letters:
    """A space of two directions: the first for sentences with a dog."""

    def __init__(self, fingerprint: str = "letters") -> None:
        self.name = self.fingerprint = fingerprint

    def missing_reason(self, text: str) -> str:
        return "" if text else "holds no word"

    def encode_texts(self, sentences: Sequence[str], *, progress: bool | None = False) -> np.ndarray:
        return np.array([[1.0, 0.0] if "dog" in text else [0.0, 1.0] for text in sentences], np.float32)


def made() -> ReferenceCaptions:
    return ReferenceCaptions.make([*CAPTIONS, ("",)], Letters())


def test_the_nearest_captions_are_those_with_the_largest_products_the_first_of_equals() -> None:
    corpus = made()
    assert corpus.nearest(np.array([[1, 0], [0, 1]], np.float32), 3).tolist() == [[0, 1, 2], [4, 5, 6]]
    random = np.random.default_rng(0)
    corpus = ReferenceCaptions(
        corpus.texts, corpus.images, random.normal(size=(8, 5)).astype(np.float16), "letters"
    )
    pictures = random.normal(size=(3, 5)).astype(np.float32)
    scores = pictures @ corpus.vectors.astype(np.float32).T
    assert [set(row) for row in corpus.nearest(pictures, 4).tolist()] == [
        set(np.argsort(-row)[:4].tolist()) for row in scores
    ]


def test_agreement_is_the_mean_of_cider_d_with_the_nearest_over_the_corpus_frequencies() -> None:
    corpus = made()
    said = [["a brown dog on sand", "two dogs", "an owl"], ["a a cat", "the man on a horse on sand"]]
    found = corpus.agreement(
        [[one.split() for one in image] for image in said], np.array([[1, 0], [0, 1]], np.float32), 4
    )
    near = [[text for image in CAPTIONS for text in image if ("dog" in text) == dog] for dog in (True, False)]
    whole = CiderD([[text.split() for text in image] for image in CAPTIONS])
    for captions, references, agreement in zip(said, near, found, strict=True):
        alone = CiderD([[text.split()] for text in references])
        alone._idf, alone._idf_unseen = whole._idf, whole._idf_unseen
        alone._images = [alone._image([count]) for count in map(_counts, references)]
        for caption, value in zip(captions, agreement, strict=True):
            _, each = alone.score([caption.split()] * 4, range(4))
            assert value == pytest.approx(each.mean() / 10, abs=1e-9)
    assert found[0][2] == 0 < found[0][1] < found[0][0]


def _counts(text: str) -> Counter[tuple[str, ...]]:
    from captionret.evaluation.captions.ngrams import count_ngrams

    return count_ngrams(text.split())


def test_an_images_agreement_does_not_depend_on_the_others() -> None:
    corpus, said = made(), [[["a", "brown", "dog"], ["dogs"]], [["a", "cat", "on", "sand"]], []]
    pictures = np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)
    together = corpus.agreement(said, pictures, 3)
    for index in range(3):
        assert np.array_equal(
            corpus.agreement(said[index : index + 1], pictures[index : index + 1], 3)[0], together[index]
        )
    assert len(corpus.agreement(said[:1], pictures[:1], 100)[0]) == 2, (
        "a corpus smaller than asked for is compared with as a whole"
    )


def test_the_file_gives_it_back_and_a_damaged_one_or_another_spaces_is_refused(tmp_path: Path) -> None:
    corpus, file = made(), tmp_path / "c.npz"
    corpus.save(file)
    again = ReferenceCaptions.load(file)
    again.check(Letters())
    assert again.texts == corpus.texts and again.idf == corpus.idf and len(again.texts) == 8
    assert np.array_equal(again.images, corpus.images) and np.array_equal(again.vectors, corpus.vectors)
    with pytest.raises(BadSetting, match="encoded by another space"):
        again.check(Letters("other"))
    for content in (b"", file.read_bytes()[:-40], b"nonsense"):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(BadCheckpoint, match="cannot be read"):
            ReferenceCaptions.load(tmp_path / "bad.npz")
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        ReferenceCaptions.load(tmp_path / "none.npz")
    ReferenceCaptions(corpus.texts, corpus.images[1:], corpus.vectors, "letters").save(file)
    with pytest.raises(BadCheckpoint, match="is damaged"):
        ReferenceCaptions.load(file)


def test_a_collection_without_captions_is_refused() -> None:
    with pytest.raises(BadDataset, match="no caption to compare with"):
        ReferenceCaptions.make([("",), ()], Letters())
