"""The caption metrics against figures of the reference scorers, which are Java and Python of other people."""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from captionret.evaluation.captions import java_metrics, ptb
from captionret.evaluation.captions.bleu import bleu
from captionret.evaluation.captions.cider import CiderD
from captionret.evaluation.captions.rouge import rouge_l
from captionret.evaluation.captions.scorer import score

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parent / "caption_metrics.json").read_text(encoding="utf-8")
)
REFERENCES = list(GOLDEN["references"].values())
EXACT = 1e-6

needs_meteor = pytest.mark.skipif(
    shutil.which("java") is None or importlib.util.find_spec("pycocoevalcap") is None,
    reason="needs Java and pycocoevalcap",
)


@pytest.mark.parametrize(("text", "tokens"), GOLDEN["tokens"])
def test_tokens_are_those_of_the_java_tokenizer(text: str, tokens: str) -> None:
    assert " ".join(ptb.tokenize(text)) == tokens


def test_whole_sentences_are_tokenized_as_the_reference_scorers_do() -> None:
    for image, captions in GOLDEN["references"].items():
        assert [" ".join(tokens) for tokens in ptb.tokenize_many(captions)] == GOLDEN["tokenized_references"][
            image
        ]


def test_every_figure_of_the_reference_scorers_is_reproduced_from_raw_text() -> None:
    scores = score(GOLDEN["captions"], GOLDEN["references"])
    assert (scores.bleu1, scores.bleu2, scores.bleu3, scores.bleu4) == pytest.approx(
        [100 * x for x in GOLDEN["bleu"]], abs=EXACT
    )
    assert scores.rouge_l == pytest.approx(100 * GOLDEN["rouge_l"], abs=EXACT)
    assert scores.cider_d == pytest.approx(100 * GOLDEN["cider_d"], abs=EXACT)
    assert scores.cider_d_each == pytest.approx([100 * x for x in GOLDEN["cider_d_each"]], abs=EXACT)


def test_rouge_of_each_image_is_that_of_the_reference_scorer() -> None:
    assert rouge_l(list(GOLDEN["captions"].values()), REFERENCES)[1] == pytest.approx(
        GOLDEN["rouge_l_each"], abs=EXACT
    )


def test_captions_of_one_or_two_words_get_the_reference_scores() -> None:
    short = GOLDEN["short"]
    # Relative: BLEU-4 is 2e-5 here, made by the scorer's constants alone.
    assert bleu(short["captions"], REFERENCES) == pytest.approx(short["bleu"], rel=EXACT)
    assert rouge_l(short["captions"], REFERENCES)[0] == pytest.approx(short["rouge_l"], abs=EXACT)
    assert CiderD(REFERENCES).score(short["captions"])[0] == pytest.approx(short["cider_d"], abs=EXACT)


def test_a_reference_as_caption_gets_the_reference_cider() -> None:
    mean, each = CiderD(REFERENCES).score([captions[0] for captions in REFERENCES])
    assert mean == pytest.approx(GOLDEN["first_reference"]["cider_d"], abs=EXACT)
    assert each == pytest.approx(GOLDEN["first_reference"]["cider_d_each"], abs=EXACT)


@needs_meteor
@pytest.mark.slow
def test_meteor_is_that_of_the_jar() -> None:
    captions = ptb.tokenize_many(GOLDEN["captions"].values())
    assert java_metrics.meteor(captions, [ptb.tokenize_many(texts) for texts in REFERENCES]) == pytest.approx(
        GOLDEN["meteor"], abs=EXACT
    )
