"""Run files and qrels, read back by ir_measures: what it computes is what is computed here."""

from pathlib import Path

import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, R, Rprec, nDCG

from captionret.evaluation.label_search import measure_labels
from captionret.evaluation.run_files import distinct, trec_name, write_qrels, write_run
from captionret.evaluation.semantic import ndcg_linear
from captionret.evaluation.text_search import measure_text

QUERIES = [f"picture {number}.jpg#0" for number in range(12)]
PICTURES = [f"a b/{number:02}.jpg" for number in range(40)]


def computed(folder: Path, measures: list[ir_measures.Measure]) -> dict[str, float]:
    found = ir_measures.calc_aggregate(
        measures,
        list(ir_measures.read_trec_qrels(str(folder / "qrels"))),
        list(ir_measures.read_trec_run(str(folder / "run"))),
    )
    return {str(measure): value for measure, value in found.items()}


def scores(seed: int, distinct_scores: bool = True) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = random.permuted(np.tile(np.arange(len(PICTURES)), (len(QUERIES), 1)), axis=1)
    return (values if distinct_scores else values // 8).astype(np.float32)


def test_text_search_is_what_ir_measures_computes(tmp_path: Path) -> None:
    values = scores(0)
    owner = np.random.default_rng(1).integers(len(PICTURES), size=len(QUERIES))
    write_run(tmp_path / "run", "mode", QUERIES, PICTURES, list(values))
    relevant = [(query, {PICTURES[row]: 1}) for query, row in zip(QUERIES, owner, strict=True)]
    write_qrels(tmp_path / "qrels", relevant)
    found = measure_text("mode", list(values), owner, len(PICTURES))
    other = computed(tmp_path, [R @ 1, R @ 5, R @ 10, RR])
    assert [found.r1, found.r5, found.r10] == pytest.approx([100 * other[f"R@{k}"] for k in (1, 5, 10)])
    assert found.mrr == pytest.approx(other["RR"])


def test_label_search_is_what_ir_measures_computes(tmp_path: Path) -> None:
    values, right = scores(2), np.random.default_rng(3).random((len(QUERIES), len(PICTURES))) < 0.2
    right[:, 0] = True
    write_run(tmp_path / "run", "mode", QUERIES, PICTURES, list(values))
    write_qrels(
        tmp_path / "qrels",
        [
            (query, {PICTURES[row]: 1 for row in np.flatnonzero(own).tolist()})
            for query, own in zip(QUERIES, right, strict=True)
        ],
    )
    found = measure_labels("mode", list(values), right)
    other = computed(tmp_path, [Rprec, RR, AP])
    assert found.values()[:3] == pytest.approx([other["Rprec"], other["RR"], other["AP"]])


def test_image_search_is_what_ir_measures_computes(tmp_path: Path) -> None:
    """Linear gain, log2(rank + 1), the query itself left out; grades as whole numbers."""
    values = scores(4)[:, : len(QUERIES)]
    grades = np.random.default_rng(5).integers(0, 9, size=(len(QUERIES), len(QUERIES)))
    left_out = values.copy()
    np.fill_diagonal(left_out, -np.inf)
    documents = PICTURES[: len(QUERIES)]
    write_run(tmp_path / "run", "mode", QUERIES, documents, list(left_out))
    assert len((tmp_path / "run").read_text().splitlines()) == len(QUERIES) * (len(QUERIES) - 1)
    write_qrels(
        tmp_path / "qrels",
        [
            (
                query,
                {documents[other]: int(grades[row, other]) for other in range(len(QUERIES)) if other != row},
            )
            for row, query in enumerate(QUERIES)
        ],
    )
    assert ndcg_linear(values, grades, 10)[:, -1].mean() == pytest.approx(
        computed(tmp_path, [nDCG @ 10])["nDCG@10"]
    )


def test_ties_are_written_in_our_order_and_read_in_it(tmp_path: Path) -> None:
    values = scores(6, distinct_scores=False)
    write_run(tmp_path / "run", "a mode", QUERIES, PICTURES, list(values))
    lines = [line.split(" ") for line in (tmp_path / "run").read_text().splitlines()]
    assert {len(line) for line in lines} == {6} and {line[5] for line in lines} == {"a%20mode"}
    ours = [line[2] for line in lines if line[0] == "picture%200.jpg#0"]
    order = np.lexsort((np.arange(len(PICTURES)), -values[0]))
    assert ours == [trec_name(PICTURES[row]) for row in order.tolist()]
    written = np.array([line[4] for line in lines[: len(PICTURES)]]).astype(np.float32)
    assert (np.diff(written) < 0).all() and np.allclose(written, values[0][order], rtol=1e-5)
    owner = np.zeros(len(QUERIES), np.int64)
    write_qrels(tmp_path / "qrels", [(query, {PICTURES[0]: 1}) for query in QUERIES])
    strict = values - np.arange(len(PICTURES), dtype=np.float32) / 100  # our order, without ties
    found = measure_text("mode", list(strict), owner, len(PICTURES))
    assert found.mrr == pytest.approx(computed(tmp_path, [RR])["RR"])


def test_a_query_without_an_answer_has_no_line_and_a_run_ends_at_its_depth(tmp_path: Path) -> None:
    values = scores(7)
    answers = [None if row % 2 else one for row, one in enumerate(values)]
    write_run(tmp_path / "run", "mode", QUERIES, PICTURES, answers, depth=3)
    assert len((tmp_path / "run").read_text().splitlines()) == 3 * len(QUERIES) // 2


def test_equal_scores_are_a_hair_apart() -> None:
    found = distinct(np.array([1, 1, 1, 0.5, 0, 0], np.float32))
    assert (np.diff(found) < 0).all()
    assert found == pytest.approx([1, 1, 1, 0.5, 0, 0])
    assert [trec_name(name) for name in ("a b%.jpg", "Müller/ß.png", "x\u00a0y")] == [
        "a%20b%25.jpg",
        "Müller/ß.png",
        "x%C2%A0y",
    ]
