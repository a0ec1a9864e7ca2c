"""Caption metrics against naive loops, against pycocoevalcap, and under bad input."""

import math
import re
import stat
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captionret.errors import BadDataset, BadSetting
from captionret.evaluation.captions import ptb
from captionret.evaluation.captions.bleu import bleu
from captionret.evaluation.captions.cider import CiderD
from captionret.evaluation.captions.rouge import rouge_l
from captionret.evaluation.captions.scorer import score
from captionret.evaluation.significance import paired_interval

# Few words, so that n-grams repeat and match.
CAPTION = st.lists(st.sampled_from(["a", "dog", "cat", "runs", "on", "grass"]), min_size=1, max_size=9)
CORPUS = st.lists(
    st.tuples(CAPTION | st.just([]), st.lists(CAPTION, min_size=1, max_size=4)), min_size=1, max_size=6
)
Corpus = list[tuple[list[str], list[list[str]]]]

CAPTIONS = {1: "a dog runs on grass", 2: "a cat sleeps", 3: "two birds"}
REFERENCES = {
    1: ["a brown dog runs on the grass", "the dog runs"],
    2: ["a cat is asleep"],
    3: ["two birds fly", "birds in the sky"],
}


def grams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def naive_cider(corpus: Corpus) -> list[float]:
    """The definition, a loop per symbol."""

    def vector(tokens: Sequence[str], n: int) -> dict[tuple[str, ...], float]:
        seen = {
            gram: sum(any(gram in grams(ref, n) for ref in refs) for _, refs in corpus)
            for gram in grams(tokens, n)
        }
        return {
            gram: tf * math.log(len(corpus) / max(1, seen[gram])) for gram, tf in grams(tokens, n).items()
        }

    def similarity(candidate: Sequence[str], reference: Sequence[str], n: int) -> float:
        c, r = vector(candidate, n), vector(reference, n)
        norms = math.hypot(*c.values()) * math.hypot(*r.values())
        dot = sum(min(c[gram], r.get(gram, 0)) * r.get(gram, 0) for gram in c)
        return dot / norms * math.exp(-((len(candidate) - len(reference)) ** 2) / 72) if norms else 0.0

    return [
        10 * float(np.mean([similarity(c, ref, n) for ref in refs for n in (1, 2, 3, 4)]))
        for c, refs in corpus
    ]


def naive_bleu(corpus: Corpus) -> list[float]:
    length = sum(len(c) for c, _ in corpus)
    closest = sum(sorted((abs(len(ref) - len(c)), len(ref)) for ref in refs)[0][1] for c, refs in corpus)
    scores, product = [], 1.0
    for n in (1, 2, 3, 4):
        right = sum(
            min(count, max(grams(ref, n)[gram] for ref in refs))
            for c, refs in corpus
            for gram, count in grams(c, n).items()
        )
        product *= (right + 1e-15) / (sum(max(0, len(c) - n + 1) for c, _ in corpus) + 1e-9)
        scores.append(
            product ** (1 / n) * min(1, math.exp(1 - (closest + 1e-9) / (length + 1e-15)) if length else 0)
        )
    return scores


def naive_lcs(a: Sequence[str], b: Sequence[str]) -> int:
    if not a or not b:
        return 0
    if a[-1] == b[-1]:
        return naive_lcs(a[:-1], b[:-1]) + 1
    return max(naive_lcs(a[:-1], b), naive_lcs(a, b[:-1]))


@given(CORPUS)
@settings(max_examples=60, deadline=None)
def test_cider_d_is_its_definition(corpus: Corpus) -> None:
    mean, each = CiderD([refs for _, refs in corpus]).score([c for c, _ in corpus])
    assert each == pytest.approx(naive_cider(corpus), abs=1e-9)
    assert mean == pytest.approx(each.mean())
    assert each.dtype == np.float64


@given(CORPUS)
@settings(max_examples=60, deadline=None)
def test_bleu_is_its_definition(corpus: Corpus) -> None:
    assert bleu([c for c, _ in corpus], [refs for _, refs in corpus]) == pytest.approx(
        naive_bleu(corpus), abs=1e-9
    )


@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.sampled_from("abc"), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_rouge_l_is_its_definition(candidate: list[str], reference: list[str]) -> None:
    common = naive_lcs(candidate, reference)
    precision, recall = common / max(1, len(candidate)), common / len(reference)
    expected = 2.44 * precision * recall / (recall + 1.44 * precision) if common else 0
    assert rouge_l([candidate], [[reference]])[0] == pytest.approx(expected)


@given(CORPUS.filter(lambda corpus: all(c for c, _ in corpus)))
@settings(max_examples=40, deadline=None)
def test_scores_are_those_of_pycocoevalcap(corpus: Corpus) -> None:
    pytest.importorskip("pycocoevalcap", reason="the reference scorers are an optional package")
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    candidates, references = [c for c, _ in corpus], [refs for _, refs in corpus]
    said = {index: [" ".join(c)] for index, c in enumerate(candidates)}
    true = {index: [" ".join(ref) for ref in refs] for index, refs in enumerate(references)}
    assert bleu(candidates, references) == pytest.approx(
        Bleu(4).compute_score(true, said, verbose=0)[0], abs=1e-12
    )
    assert rouge_l(candidates, references)[1] == pytest.approx(
        Rouge().compute_score(true, said)[1], abs=1e-12
    )
    assert CiderD(references).score(candidates)[1] == pytest.approx(
        Cider().compute_score(true, said)[1], abs=1e-9
    )


def test_the_best_precision_and_the_best_recall_may_come_from_different_references() -> None:
    # "a dog": precision 1 from the long reference, recall 1 from the one-word reference.
    assert rouge_l(["a dog"], [["a dog on green grass", "dog"]])[0] == pytest.approx(1.0)


def test_a_tie_of_reference_lengths_takes_the_shorter() -> None:
    shorter_only = bleu(["x x x x"], [["x x x"]])
    assert bleu(["x x x x"], [["x x x", "x x x x x"]])[0] == pytest.approx(1.0)
    assert shorter_only[0] < 1.0


def test_cider_d_takes_texts_and_tokens_alike() -> None:
    texts, tokens = (
        CiderD(list(REFERENCES.values())),
        CiderD([ptb.tokenize_many(refs) for refs in REFERENCES.values()]),
    )
    said = list(CAPTIONS.values())
    assert texts.score(said)[1] == pytest.approx(tokens.score(ptb.tokenize_many(said))[1])


def test_cider_d_scores_several_samples_of_some_images() -> None:
    scorer = CiderD(list(REFERENCES.values()))
    alone = [scorer.score(list(CAPTIONS.values()))[1][image] for image in (2, 0, 0)]
    assert scorer.score([CAPTIONS[3], CAPTIONS[1], CAPTIONS[1]], images=[2, 0, 0])[1] == pytest.approx(alone)


def test_cider_d_of_a_single_image_is_zero() -> None:
    assert CiderD([["a dog", "the dog"]]).score(["a dog"])[0] == 0.0


@pytest.mark.parametrize("references", [[], [[]], ["a dog"], [["a dog"], []]])
def test_cider_d_refuses_images_without_references(references: list[list[str]]) -> None:
    with pytest.raises(BadDataset, match="CIDEr-D needs"):
        CiderD(references)


def test_cider_d_refuses_another_number_of_captions_than_images() -> None:
    with pytest.raises(BadDataset, match="2 candidates for 1 image"):
        CiderD([["a dog"]]).score(["a", "b"])


def test_the_unknown_word_matches_nothing() -> None:
    references = [[["<unk>", "dog"]], [["a", "cat"]]]
    known, unknown = [["zebra", "dog"], ["a", "cat"]], [["<unk>", "dog"], ["a", "cat"]]
    assert CiderD(references).score(unknown)[1] == pytest.approx(CiderD(references).score(known)[1])
    assert bleu(unknown, references) == bleu(known, references)
    assert rouge_l(unknown, references)[0] == rouge_l(known, references)[0]


def test_an_empty_caption_scores_zero_and_does_not_crash() -> None:
    scores = score(dict.fromkeys(CAPTIONS, ""), REFERENCES)
    assert (scores.bleu1, scores.bleu4, scores.rouge_l, scores.cider_d, scores.vocabulary) == (0, 0, 0, 0, 0)
    assert score({**CAPTIONS, 3: " . "}, REFERENCES).cider_d_each[2] == 0


def test_order_of_captions_does_not_matter_and_each_follows_the_references() -> None:
    straight, turned = score(CAPTIONS, REFERENCES), score(dict(reversed(CAPTIONS.items())), REFERENCES)
    assert straight == turned
    assert straight.cider_d_each.tolist() == turned.cider_d_each.tolist()
    assert straight.cider_d == pytest.approx(straight.cider_d_each.mean())


def test_collapse_and_copying_are_shown() -> None:
    scores = score(dict.fromkeys(REFERENCES, "A dog."), REFERENCES, training=["a dog", "a cat"])
    assert (scores.images, scores.distinct, scores.vocabulary, scores.copied) == (3, 1, 2, 100.0)
    assert score(CAPTIONS, REFERENCES).copied is None


@pytest.mark.parametrize(
    ("candidates", "references", "message"),
    [
        ({}, {}, "no images"),
        ({**CAPTIONS, 9: "a dog"}, REFERENCES, r"no references: 1 \(9\)"),
        ({1: "a dog"}, REFERENCES, r"without a generated caption: 2 \(2, 3\)"),
        ([(1, "a"), (2, "b"), (3, "c"), (3, "d")], REFERENCES, r"more than one caption to score: 1 \(3\)"),
        ({**CAPTIONS, 2: None}, REFERENCES, "caption of image 2 must be a text, not None"),
        (CAPTIONS, {**REFERENCES, 3: []}, "Image 3 needs a list"),
        (CAPTIONS, {**REFERENCES, 3: "two birds"}, "Image 3 needs a list"),
        (CAPTIONS, {**REFERENCES, 3: ["two birds", float("nan")]}, "Image 3 needs a list"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    candidates: dict[int, str], references: dict[int, list[str]], message: str
) -> None:
    with pytest.raises(BadDataset, match=message):
        score(candidates, references)


def test_without_java_the_other_scores_are_given_and_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("pycocoevalcap", reason="without it another reason is given first")
    monkeypatch.setenv("PATH", str(tmp_path))
    scores = score(CAPTIONS, REFERENCES, with_java=True)
    assert scores.meteor is None
    assert scores.spice is None
    assert "no java on the PATH" in scores.reasons["meteor"]
    assert scores.cider_d == score(CAPTIONS, REFERENCES).cider_d


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'no JVM here' >&2; exit 3", r"code 3 \(no JVM here\)"),
        ("exit 0", "answered 0 of 3 captions"),
        ("while read -r line; do echo nonsense; done", "in place of a score"),
        (
            'while read -r line; do case "$line" in EVAL*) echo NaN;; *) echo 1 2;; esac; done',
            r"answered \['NaN'\] in place of a score",
        ),
    ],
)
def test_a_broken_java_is_named_and_invents_no_score(
    script: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("pycocoevalcap", reason="without it Java is never started")
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(java.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    scores = score(CAPTIONS, REFERENCES, with_java=True)
    assert scores.meteor is None
    assert re.search(reason, scores.reasons["meteor"])


def test_without_the_optional_package_the_reason_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("captionret.evaluation.captions.java_metrics.find_spec", lambda name: None)
    assert "Install captionret[java-metrics]" in score(CAPTIONS, REFERENCES, with_java=True).reasons["spice"]


def test_java_metrics_are_left_alone_unless_asked_for() -> None:
    scores = score(CAPTIONS, REFERENCES)
    assert (scores.meteor, scores.spice) == (None, None)
    assert set(scores.reasons) == {"meteor", "spice"}


@pytest.mark.parametrize(
    "motif", ["a", "a-", "a_", "_1", "a.", "1:", "'", "a'a", "-_A", "<a", "@a.", "/a", "n't", " ", ".", "a_-"]
)
def test_hostile_text_is_tokenized_in_linear_time(motif: str) -> None:
    started = time.process_time()
    ptb.tokenize(motif * (40_000 // len(motif)))
    assert time.process_time() - started < 3  # a tenth of a second; ten and more, were it quadratic


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_becomes_lower_case_tokens_without_blanks(text: str) -> None:
    for token in ptb.tokenize(text):
        assert token
        assert token == token.lower()
        assert not any(letter.isspace() for letter in token)


def test_paired_interval_holds_the_difference_and_sees_a_sure_one() -> None:
    random = np.random.default_rng(1)
    b = random.normal(size=500)
    mean, low, high = paired_interval(b + 0.2 + random.normal(scale=0.1, size=500), b, seed=3)
    assert low < mean < high
    assert mean == pytest.approx(0.2, abs=0.02)
    assert high - low == pytest.approx(2 * 1.96 * 0.1 / math.sqrt(500), rel=0.15)
    assert low > 0


def test_paired_interval_of_a_system_with_itself_is_zero_and_a_seed_repeats_it() -> None:
    scores = np.arange(10.0)
    assert paired_interval(scores, scores) == (0.0, 0.0, 0.0)
    assert paired_interval(scores, scores**2, seed=5) == paired_interval(scores, scores**2, seed=5)


@pytest.mark.parametrize(
    ("a", "b"), [([], []), ([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]]), ([1.0, math.nan], [1.0, 1.0])]
)
def test_paired_interval_refuses_what_is_not_paired(a: list[float], b: list[float]) -> None:
    with pytest.raises(BadSetting, match="paired interval needs"):
        paired_interval(a, b)
