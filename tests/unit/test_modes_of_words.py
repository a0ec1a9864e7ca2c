"""What single modes compute, each against its definition written out, and what stands beside them: lemmas,
corpus, hybrids."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captionret.errors import BadSetting, NoWords
from captionret.evaluation import modes as measuring
from captionret.retrieval import MODES, EncodedQuery, Gallery, TableSource, WordMatrix, corpus
from captionret.retrieval.index.cosine import BM25Index, CosineIndex
from captionret.retrieval.index.soft_jaccard import SoftJaccardIndex, by_spelling
from captionret.retrieval.lemmas import lemma
from captionret.retrieval.modes.fusion import reciprocal_ranks, standardised
from captionret.retrieval.modes.lexical import ExpectedCosine

WORDS = st.dictionaries(
    st.sampled_from("dog cat man beach red two".split()), st.floats(0.125, 5, width=32), max_size=5
)


@settings(deadline=None)  # the first example imports what compares words
@given(st.lists(WORDS, min_size=1, max_size=6), WORDS, WORDS, st.sampled_from([1.0, 0.6]))
def test_a_centred_cosine_is_the_cosine_of_dense_vectors(
    rows: list[dict[str, float]], query: dict[str, float], centre: dict[str, float], power: float
) -> None:
    """With another power of the rows' lengths, the product by these."""
    names = sorted({word for row in [*rows, query, centre] for word in row})

    def dense(row: dict[str, float]) -> np.ndarray:
        return np.array([row.get(name, 0.0) - centre.get(name, 0.0) for name in names])

    index = CosineIndex(WordMatrix.of_rows(rows), centre, power=power)
    for score, row in zip(index.scores(query), rows, strict=True):
        product = np.linalg.norm(dense(row)) ** power * np.linalg.norm(dense(query))
        if np.linalg.norm(dense(row)) > 1e-1 and np.linalg.norm(dense(query)) > 1e-1:
            assert score == pytest.approx(float(dense(row) @ dense(query) / product), abs=1e-3)


def test_bm25_is_its_equation() -> None:
    rows = [{"dog": 1.0, "runs": 2.0}, {"cat": 1.0}, {"dog": 1.0, "on": 1.0, "grass": 1.0}]
    index = BM25Index(WordMatrix.of_rows(rows), {"dog": 2.0, "runs": 3.0}, 5.0)
    mean = (3 + 1 + 3) / 3
    for row, score in zip(rows, index.scores({"dog": 1.0, "runs": 1.0}), strict=True):
        length = sum(row.values())
        expected = sum(
            idf * row[word] * 2.2 / (row[word] + 1.2 * (0.25 + 0.75 * length / mean))
            for word, idf in (("dog", 2.0), ("runs", 3.0))
            if word in row
        )
        assert score == pytest.approx(expected, rel=1e-5)


@settings(deadline=None)  # the first example imports what compares words
@given(
    st.lists(st.sampled_from("dog dogs dig cat cats coat man men".split()), max_size=4),
    st.sets(st.sampled_from("dog dogs cat coats men".split())),
)
def test_soft_jaccard_is_the_best_of_all_matchings(ours: list[str], theirs: set[str]) -> None:
    query = sorted(set(ours))
    if not query:
        return
    similarity = by_spelling(0.6)
    row = sorted(theirs)
    (found,) = SoftJaccardIndex(WordMatrix.of_sets([theirs]), similarity).scores(dict.fromkeys(query, 1.0))
    best = 0.0
    if row:
        table = similarity(query, row)
        padded = [*row, *([None] * len(query))]
        for chosen in itertools.permutations(range(len(padded)), len(query)):
            best = max(best, sum(float(table[a, b]) for a, b in enumerate(chosen) if b < len(row)))
    assert found == pytest.approx(best / (len(query) + len(row) - best), abs=1e-5)


def test_soft_jaccard_does_not_call_a_part_the_whole() -> None:
    gallery = Gallery(["part.jpg", "plural.jpg"], ["a dog on the beach with a man", "dogs"])
    part, plural = MODES["soft-jaccard"].prepare(gallery).scores(EncodedQuery(text="a dog"))
    assert plural > 0.7 > 0.4 > part > 0


def test_words_of_like_meaning_are_matched_by_their_vectors() -> None:
    gallery = Gallery(["a.jpg", "b.jpg"], ["a puppy", "a truck"])
    puppy, truck = MODES["vector-jaccard"].prepare(gallery).scores(EncodedQuery(text="dog"))
    assert puppy > 0 == truck


def test_stop_words_do_not_decide_among_contents() -> None:
    gallery = Gallery(["cat.jpg", "dog.jpg"], ["cat sleeping in bed", "a dog on a road"])
    query = EncodedQuery(text="a cat on a bed .")
    by_all, by_stop_words = MODES["jaccard"].prepare(gallery).scores(query)
    assert by_all == by_stop_words, "as published, a shared 'a' and 'on' are worth a shared 'cat' and 'bed'"
    for mode in ("jaccard-content", "jaccard-idf", "jaccard-lemma", "tfidf", "bm25"):
        assert np.argmax(MODES[mode].prepare(gallery).scores(query)) == 0, mode


@pytest.mark.parametrize(
    "forms",
    ["dog dogs", "run runs running ran", "man men", "child children", "stand standing stood", "woman women"],
)
def test_forms_of_a_word_have_one_lemma(forms: str) -> None:
    assert len({lemma(form) for form in forms.split()}) == 1


def test_the_corpus_is_what_it_says() -> None:
    assert corpus.rates()["a"] == pytest.approx(0.8786, abs=1e-3)
    assert corpus.idf()["dog"] == pytest.approx(-math.log(corpus.rates()["dog"]))
    assert corpus.rarest() == pytest.approx(math.log(414_113 / 3))


def test_a_query_of_stop_words_only_is_refused_where_they_do_not_count() -> None:
    gallery = Gallery(["a.jpg"], ["a dog"])
    with pytest.raises(NoWords, match="no word to compare by"):
        MODES["jaccard-content"].prepare(gallery).scores(EncodedQuery(text="with the"))


def test_what_is_predicted_of_every_image_tells_nothing() -> None:
    rows = [{"man": 0.9, "dog": 0.8}, {"man": 0.9, "cat": 0.8}] * 60 + [{"man": 0.1, "dog": 0.8}]
    scores = ExpectedCosine(WordMatrix.of_rows(rows)).scores({"man": 0.9, "dog": 0.8})
    assert scores[0] == pytest.approx(1, abs=1e-6)
    assert scores[-1] > scores[1], "a shared dog says more than a shared man"


def test_the_mean_image_is_steadied_by_fifty_of_the_corpus() -> None:
    rows = [{"dog": 0.9, "beach": 0.3}, {"cat": 0.8}, {"dog": 0.2, "man": 0.7}]
    query = {"dog": 0.8, "man": 0.1}
    names = sorted({word for row in rows for word in row})

    def roots(row: dict[str, float]) -> np.ndarray:
        return np.array([math.sqrt(row.get(name, 0.0) * corpus.weight(name)) for name in names])

    usual = np.array([math.sqrt(corpus.rates()[name] * corpus.weight(name)) for name in names])
    mean = (sum(roots(row) for row in rows) + 50 * usual) / (len(rows) + 50)
    ours = roots(query) - mean
    expected = [
        float(ours @ (roots(row) - mean) / np.linalg.norm(ours) / np.linalg.norm(roots(row) - mean))
        for row in rows
    ]
    assert ExpectedCosine(WordMatrix.of_rows(rows)).scores(query).tolist() == pytest.approx(
        expected, abs=1e-5
    )


def test_a_mode_without_what_it_compares_says_what_makes_it() -> None:
    gallery = Gallery(["a.jpg"], ["a dog"])
    with pytest.raises(BadSetting, match=r"library\.predict_words") as refused:
        MODES["expected-jaccard"].prepare(gallery)
    assert "captionret predict-words" in refused.value.in_shell()
    with pytest.raises(BadSetting, match="no features"):
        MODES["cnn"].prepare(gallery)


def test_standardised_scores_leave_the_query_itself_out() -> None:
    scores = np.array([100, 1, 2, 3], np.float32)
    assert standardised(scores, own=0)[1:] == pytest.approx([-1.2247449, 0, 1.2247449])
    assert not standardised(np.full(4, 0.5, np.float32)).any()


def test_reciprocal_ranks_share_the_places_of_a_tie() -> None:
    assert reciprocal_ranks(np.array([3, 1, 1, 0], np.float32)).tolist() == pytest.approx(
        [1 / 61, 1 / 62.5, 1 / 62.5, 1 / 64]
    )


def test_a_hybrid_of_nothing_or_of_hybrids_is_refused() -> None:
    for weights in ({"hybrid-rrf": 1.0}, {"jaccard": -1.0}, {"jaccard": math.nan}):
        with pytest.raises(BadSetting, match="hybrid"):
            MODES["hybrid"].prepare(Gallery(["a.jpg"], ["a dog"], hybrid=weights))


def test_a_hybrid_is_learnt_only_from_what_helps() -> None:
    random = np.random.default_rng(0)
    half = random.random((60, 60))
    truth = (half + half.T) / 2
    matrices = {
        name: truth + noise * random.standard_normal((60, 60))
        for name, noise in (("good", 0.3), ("also", 0.4))
    }
    matrices["noise"] = random.standard_normal((60, 60))
    weights = measuring.learn_hybrid(matrices, truth)
    assert weights["good"] == 1.0 and weights["also"] > 0 and weights.get("noise", 0) <= 0.1
    right = np.eye(60) * 2
    answers = {
        name: right + noise * random.standard_normal((60, 60))
        for name, noise in (("good", 0.6), ("also", 0.9), ("noise", 9.0))
    }
    weights = measuring.learn_text_hybrid(answers, range(60))
    assert weights["good"] == 1.0 and weights["also"] > 0 and "noise" not in weights


def test_a_hybrid_has_weights_of_its_own_for_texts() -> None:
    words = WordMatrix.of_rows([{"dog": 0.9}, {"cat": 0.9}])
    source = TableSource(["1", "2"], word_probabilities=words, features=np.eye(2, dtype=np.float32))
    weights = {"cnn": 1.0, "text:jaccard": 1.0, "text:words": 0.5}
    held = Gallery(["a.jpg", "b.jpg"], ["a dog", "a cat"], ["1", "2"], source=source, hybrid=weights)
    hybrid = MODES["hybrid"].prepare(held)
    assert [name for name, _ in hybrid.explain(held.query(0), 1).parts] == ["cnn"]
    assert [name for name, _ in hybrid.explain(EncodedQuery(text="dog"), 0).parts] == ["jaccard", "words"]
    one = Gallery(["a.jpg"], ["a dog"], hybrid={"jaccard": 1.0})
    assert [name for name, _ in MODES["hybrid"].prepare(one).explain(EncodedQuery(text="dog"), 0).parts] == [
        "jaccard"
    ], "weights without any for texts are for both"


def test_agreement_counts_shared_first_images() -> None:
    scores = np.arange(16, dtype=np.float32).reshape(4, 4)
    shared = measuring.agreement({"a": scores, "b": scores, "c": -scores}, k=1)
    assert shared[0, 1] == 1 and shared[0, 2] == 0


def test_a_word_that_finds_images_is_told_from_one_that_misleads(tmp_path: Path) -> None:
    captions = ["a red ball", "a red ball", "the blue ball", "the blue ball"]
    relevance = np.array([[1.0 if i // 2 == j // 2 else 0.0 for j in range(4)] for i in range(4)], np.float32)
    gallery = Gallery(list("abcd"), captions)
    found = {word: loss for word, _, loss in measuring.word_importance(gallery, relevance, MODES["jaccard"])}
    assert found["ball"] == pytest.approx(0)
    mistakes = measuring.costly_mistakes(
        gallery,
        [("a red thing",), ("a red ball",), ("the blue ball",), ("the blue ball",)],
        np.array([0.1, 1, 1, 1]),
        least=1,
    )
    assert mistakes[0][:2] == ("ball", 1) and mistakes[0][2] > 0.5


def test_hybrid_weights_of_an_older_release_mean_the_shipped_space() -> None:
    weights = {"jaccard": 1.0, "vse": 0.7}
    assert MODES["hybrid"].required_parts(Gallery(["a.jpg"], ["a dog"], hybrid=weights)) == {"embedding"}
    source = TableSource(["a"], vectors={"vse": np.ones((1, 2), np.float32)})
    with_vse = Gallery(["a.jpg"], ["a dog"], ["a"], source=source, hybrid=weights)
    assert MODES["hybrid"].required_parts(with_vse) == {"vse"}, "where there is a space of that kind"
