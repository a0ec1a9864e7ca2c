"""Modes as people use them: listed, explained, predicted, measured; what is wrong is said."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from shapes import Trained
from typed import Call

from captionret.app.measuring import comparisons, measured_words
from captionret.app.searcher import Searcher
from captionret.app.searching import search
from captionret.cli import compare_variants, evaluate_retrieval, hubness, index, predict_words
from captionret.cli import search as search_command
from captionret.datasets import open_dataset
from captionret.errors import BadSetting
from captionret.evaluation.modes import score_matrix
from captionret.evaluation.relevance import load_relevance
from captionret.evaluation.semantic import measure
from captionret.library import Library
from captionret.library.words.word_files import MANIFEST, PredictedWords, part_of, written
from captionret.retrieval import MODES

ROOT = Path(__file__).resolve().parents[2]


def held_by(trained: Trained, library: Path) -> tuple[object, ...]:
    """A library that holds the pictures of a collection, measured by its captions."""
    return ("--data", trained.spec, "--library", library, "--relevance", "tfidf")


def table(file: Path) -> list[dict[str, str]]:
    with open(file, encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def captioned(trained: Trained, lexical_head: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CaptionResult and predicted once; nothing may change it."""
    path = tmp_path_factory.mktemp("library") / "shapes"
    arguments = [
        str(trained.pictures),
        "--library",
        str(path),
        "--checkpoint",
        str(trained.checkpoint),
        "--captions-per-image",
        "3",
    ]
    assert index.main(arguments) == 0
    assert predict_words.main(["--library", str(path), "--head", str(lexical_head)]) == 0
    return path


@pytest.fixture
def library(captioned: Path, tmp_path: Path) -> Path:
    """A copy to do with as one likes."""
    return Path(shutil.copytree(captioned, tmp_path / "shapes"))


def test_modes_are_listed_with_a_sentence_each(call: Call) -> None:
    code, out, _ = call(search_command, "--list-modes")
    assert code == 0
    for mode in MODES.values():
        assert mode.name in out and mode.about in out


@pytest.mark.parametrize("mode", sorted(MODES))
def test_every_mode_answers_a_picture_from_a_library(
    call: Call, library: Path, trained: Trained, spaces: dict[str, Path], mode: str
) -> None:
    with Library.open(library) as opened:
        needed = MODES[mode].required_parts(opened.gallery()) - {"word_probabilities", "features"}
    given = [word for name in sorted(needed) for word in ("--embedding", str(spaces[name]))]
    asked = (
        "--image",
        trained.pictures / "red-circle-0.png",
        "--library",
        library,
        "--mode",
        mode,
        "--top",
        1,
        *given,
    )
    code, out, err = call(search_command, *asked)
    assert code == 0, err
    with Searcher(library, spaces=[spaces[name] for name in sorted(needed)]) as searcher:
        (hit,) = searcher.search(trained.pictures / "red-circle-0.png", mode=mode, top=1)
    assert hit.path in out and f"{hit.score:.2f}" in out, "from Python as from the shell"
    if not mode.startswith("multi"):  # this captioner's second and third captions are wrong
        assert "red-circle-1.png" in out, "the other picture of the same"


@pytest.mark.parametrize("mode", ["jaccard", "cnn", "expected-cosine", "devise", "hybrid"])
def test_a_space_that_the_mode_does_not_compare_in_is_refused(
    call: Call, library: Path, spaces: dict[str, Path], mode: str
) -> None:
    for command, asked in ((search_command, ("--text", "red")), (hubness, ())):
        where = ("--library", library, "--mode", mode, "--embedding", spaces["glove-map"])
        code, out, err = call(command, *asked, *where)
        assert (code, out) == (2, "") and f"ode '{mode}'" in err and "Leave --embedding out" in err
    with pytest.raises(BadSetting, match="Leave spaces out"):
        search(library, "red", mode=mode, spaces=[spaces["glove-map"]])
    with Searcher(library, spaces=[spaces["glove-map"]]) as searcher:
        assert searcher.search("red", top=1), "a searcher may hold spaces for other queries than this one"


def test_a_text_finds_by_word_probabilities(call: Call, library: Path) -> None:
    code, out, _ = call(
        search_command,
        "--text",
        "a blue square",
        "--library",
        library,
        "--mode",
        "expected-jaccard",
        "--top",
        2,
    )
    assert code == 0
    assert "blue-square-0.png" in out and "blue-square-1.png" in out


def test_a_text_finds_in_a_space_of_images_and_sentences(
    call: Call, library: Path, spaces: dict[str, Path], trained: Trained
) -> None:
    where = ("--library", library, "--mode", "vse", "--embedding", spaces["vse"], "--top", 2, "--json")
    blue = {f"blue-square-{number}.png" for number in range(2)}
    for more in ((), ("--rerank", 2)):
        code, out, err = call(search_command, "--text", "a blue square", *where, *more)
        assert code == 0, err
        assert {Path(hit["path"]).name for hit in json.loads(out)["hits"]} == blue
    asked = ("--image", trained.pictures / "red-square-0.png", "--minus", "red", "--plus", "blue", *where)
    assert {Path(hit["path"]).name for hit in json.loads(call(search_command, *asked).out)["hits"]} == blue, (
        "a red square, but blue"
    )


def test_similar_pictures_by_raw_features_or_learned_ones(
    call: Call, library: Path, spaces: dict[str, Path], trained: Trained
) -> None:
    asked = (
        "--image",
        trained.pictures / "red-circle-0.png",
        "--library",
        library,
        "--json",
        "--embedding",
        spaces["vse"],
    )
    raw = json.loads(call(search_command, *asked[:-2], "--mode", "vse", "--space", "raw").out)["hits"]
    assert raw == json.loads(call(search_command, *asked[:-2], "--mode", "cnn").out)["hits"]
    learned = json.loads(call(search_command, *asked, "--mode", "vse", "--space", "learned").out)["hits"]
    assert [hit["score"] for hit in learned] != [hit["score"] for hit in raw]


def test_what_a_space_cannot_do_is_said(
    call: Call, library: Path, spaces: dict[str, Path], trained: Trained
) -> None:
    image = ("--image", trained.pictures / "red-circle-0.png", "--library", library)
    code, _, err = call(search_command, *image, "--mode", "devise")
    assert code == 2 and "train-embedding --variant devise" in err
    code, _, err = call(search_command, *image, "--mode", "vse", "--embedding", spaces["devise"])
    assert code == 2 and "a space for mode 'devise'" in err
    code, _, err = call(search_command, *image, "--mode", "jaccard", "--minus", "red")
    assert code == 2 and "--minus goes with a mode that compares in an embedding space" in err
    code, _, err = call(
        search_command, "--text", "red", "--library", library, "--mode", "vse", "--space", "raw"
    )
    assert code == 2 and "--space raw takes --image alone" in err
    minus = ("--mode", "vse", "--embedding", spaces["vse"], "--minus", "a red circle")
    code, _, err = call(search_command, "--text", "a red circle", "--library", library, *minus)
    assert code == 2 and "cancel each other out" in err
    code, _, err = call(search_command, *image, "--mode", "vse", "--embedding", trained.checkpoint)
    assert code == 3 and "tiny" in err


def test_an_explanation_names_the_words_of_both_sides(call: Call, library: Path) -> None:
    code, out, _ = call(
        search_command,
        "--text",
        "a blue circle",
        "--library",
        library,
        "--mode",
        "jaccard-idf",
        "--top",
        20,
        "--explain",
    )
    assert code == 0
    assert "blue  (query 1.00, image 1.00, counts" in out
    assert "only in the query: " in out and "only in the image: " in out


def test_a_picture_from_elsewhere_is_predicted_like_the_library(
    call: Call, library: Path, trained: Trained, tmp_path: Path
) -> None:
    from shapes import shape

    stranger = shape(tmp_path / "stranger.png", "yellow", "circle", variation=77)
    with Library.open(library) as opened:
        hits = search(opened, image=stranger, mode="expected-cosine", top=2)
    assert {hit.path for hit in hits} == {"yellow-circle-0.png", "yellow-circle-1.png"}
    assert "yellow" in hits[0].why


def test_word_probabilities_follow_the_library(call: Call, library: Path, lexical_head: Path) -> None:
    code, out, _ = call(predict_words, "--library", library, "--head", lexical_head)
    assert (code, out.strip()) == (0, "new 0  known 16")
    code, out, err = call(predict_words, "--library", library, "--head", lexical_head, "--samples", 5)
    assert (code, out.strip()) == (0, "new 16  known 0") and "words and 5 captions of tiny" in err
    with Library.open(library) as opened:
        assert (
            opened.predicted_by is not None and opened.predicted_by["name"] == "words and 5 captions of tiny"
        )
        assert len(opened.gallery().word_probabilities) == 16
        assert opened.gallery().word_probabilities.weights.dtype == np.float16


def test_damaged_word_probabilities_are_refused_with_the_way_out(call: Call, library: Path) -> None:
    file = library / MANIFEST
    file.write_bytes(file.read_bytes()[:100])
    code, _, err = call(search_command, "--text", "red", "--library", library, "--mode", "expected-jaccard")
    assert code == 3 and "is damaged" in err and "predict-words" in err


def test_captioner_is_no_lexical_head(call: Call, library: Path, trained: Trained) -> None:
    code, _, err = call(predict_words, "--library", library, "--head", trained.checkpoint)
    assert code == 3 and "of kind 'captioner', which generates captions" in err
    code, _, err = call(predict_words, "--library", library, "--no-head")
    assert code == 2 and "--samples 30" in err


def test_every_mode_is_measured(
    call: Call, trained: Trained, lexical_head: Path, spaces: dict[str, Path], tmp_path: Path
) -> None:
    code, out, err = call(
        evaluate_retrieval,
        *(*trained.known, "--head", lexical_head),
        *("--samples", 5, "--relevance", "tfidf", "cider", "--out", "report", "--pages", 2),
        *("--embedding", *spaces.values()),
    )
    assert code == 0, err
    rows = table(tmp_path / "report/modes.csv")
    assert {"mode", "relevance", "ndcg10", "ndcg10_low", "ndcg10_high", "ndcg50", "pcc", "ties10"} <= rows[
        0
    ].keys()
    tfidf = {row["mode"]: row for row in rows if row["relevance"] == "tfidf"}
    assert set(tfidf) == {*MODES, "random", "oracle, one caption", "oracle, all captions"}
    for row in rows:
        assert float(row["ndcg10_low"]) <= float(row["ndcg10"]) <= float(row["ndcg10_high"])
    assert float(tfidf["random"]["pcc"]) == 0
    assert float(tfidf["expected-cosine"]["ndcg10"]) > float(tfidf["random"]["ndcg10"]) + 0.2
    assert "expected-cosine" in out and "R@10" in out and "misses" in out
    assert "32 captions, each asks for its picture" in err
    texts = {row["mode"]: row for row in table(tmp_path / "report/text.csv")}
    assert set(texts) == {"random", *(mode.name for mode in MODES.values() if "text" in mode.accepts)}
    assert float(texts["random"]["r1"]) == pytest.approx(100 / 16)
    assert float(texts["expected-cosine"]["r5"]) > 2 * float(texts["random"]["r5"])
    assert 0 < float(texts["jaccard"]["mrr"]) <= 1
    for name in ("modes.tex", "text.tex"):
        assert (tmp_path / "report" / name).read_text("utf-8").startswith("\\begin{table}")
    for name in ("differences", "text-differences"):
        for row in table(tmp_path / f"report/{name}.csv"):
            assert 0 < float(row["p"]) <= float(row["p_holm"]) <= 1
    assert "Text to image" in (tmp_path / "report/index.html").read_text(encoding="utf-8")
    assert {row["against"] for row in table(tmp_path / "report/differences.csv")} >= {"jaccard", "cnn"}
    for name in ("ndcg.png", "agreement.png", "ties.png"):
        assert (tmp_path / "report" / name).read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "report/index.html").read_text(encoding="utf-8")
    assert "Relevance tfidf" in page and "Words that make images found" in page
    assert sorted(path.name for path in (tmp_path / "report/queries").iterdir()) == ["001.html", "002.html"]
    linked = dict(re.findall(r'<a href="(queries/[^"]+)">([^<]+)</a>', page))
    assert list(linked) == ["queries/001.html", "queries/002.html"]
    for name, title in linked.items():
        assert title in (tmp_path / "report" / name).read_text(encoding="utf-8")


def test_labels_are_typed_as_queries_where_there_are_no_captions(
    call: Call, library: Path, trained: Trained, tmp_path: Path
) -> None:
    names = sorted(path.name for path in trained.pictures.iterdir())
    rows = [f"{name},{label}" for name in names for label in (name.split("-")[0], "xyzzy")]
    labels = trained.pictures / "labels.csv"
    labels.write_text("\n".join(["image,label", *rows]))
    asked = (
        "--data",
        f"labels:{labels}",
        "--library",
        library,
        "--modes",
        "jaccard",
        "expected-cosine",
        "cnn",
    )
    try:
        code, out, err = call(evaluate_retrieval, *asked, "--out", "report", "--runs", "runs")
    finally:
        labels.unlink()
    assert code == 0, err
    assert (
        "5 labels, each asks for its pictures among 16" in err and "R-precision" in out and "cnn" not in out
    )
    found = {row["mode"]: row for row in table(tmp_path / "report/labels.csv")}
    assert float(found["random"]["r_precision"]) == pytest.approx((4 * 4 / 16 + 1) / 5)
    assert float(found["expected-cosine"]["r_precision"]) > 0.6 and found["jaccard"]["misses"] == "1"
    each = {row["label"]: row for row in table(tmp_path / "report/each-label.csv")}
    assert set(each) == {"red", "green", "blue", "yellow", "xyzzy"} and float(each["xyzzy"]["jaccard"]) == 0
    assert "Labels as queries" in (tmp_path / "report/index.html").read_text("utf-8")
    run = (tmp_path / "runs/labels-jaccard.run").read_text("utf-8").splitlines()
    assert {line.split()[0] for line in run} == {"red", "green", "blue", "yellow"}
    assert len((tmp_path / "runs/labels.qrels").read_text("utf-8").splitlines()) == 32


def test_runs_are_written_for_other_peoples_tools(
    call: Call, library: Path, trained: Trained, tmp_path: Path
) -> None:
    import ir_measures

    where = (*held_by(trained, library), "--modes", "jaccard-idf")
    assert call(evaluate_retrieval, *where, "--runs", "runs", "--out", "report").code == 0
    names = {path.name for path in (tmp_path / "runs").iterdir()}
    assert {"image-jaccard-idf.run", "image-tfidf.qrels", "text-jaccard-idf.run", "text.qrels"} <= names
    found = ir_measures.calc_aggregate(
        [ir_measures.RR],
        list(ir_measures.read_trec_qrels(str(tmp_path / "runs/text.qrels"))),
        list(ir_measures.read_trec_run(str(tmp_path / "runs/text-jaccard-idf.run"))),
    )
    ours = {row["mode"]: float(row["mrr"]) for row in table(tmp_path / "report/text.csv")}["jaccard-idf"]
    assert found[ir_measures.RR] == pytest.approx(ours, abs=0.3), "but for the order of ties"


def test_word_probabilities_are_held_against_captions(
    call: Call, library: Path, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured_words, "ABSENT", 20)
    asked = ("--data", trained.spec, "--library", library, "--measure", "words", "--out", "report")
    code, out, err = call(evaluate_retrieval, *asked, "--modes", "jaccard", "expected-jaccard")
    assert code == 0, err
    assert "3 words held against people's captions" in err, "circle, paper, square; four pictures of a colour"
    assert "Expected calibration error 0.0" in out
    (low, high) = table(tmp_path / "report/thresholds.csv")
    assert float(low["p at least"]) == 0.5 and float(high["precision"]) == 1
    answered = {
        row["mode"]: [float(value) for value in list(row.values())[1:]]
        for row in table(tmp_path / "report/words.csv")
    }
    # one in twenty: "black", which no caption holds, is read as "blue"
    assert answered == {"jaccard": [0, 0], "expected-jaccard": [5, 0]}
    assert (tmp_path / "report/reliability.png").read_bytes().startswith(b"\x89PNG")
    assert "mean what they say" in (tmp_path / "report/words.html").read_text("utf-8")


def test_a_second_measurement_captions_nothing(
    call: Call, trained: Trained, lexical_head: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from captionret.models.captioning.captioner import Captioner

    modes = ("--modes", "jaccard", "expected-jaccard", "multi-caption")
    asked = (*trained.known, "--head", lexical_head, "--samples", 3, "--relevance", "tfidf", *modes)
    first = call(evaluate_retrieval, *asked)
    monkeypatch.setattr(Captioner, "decode", lambda *_: pytest.fail("captioned again"))
    monkeypatch.setattr(Captioner, "predict_words", lambda *_: pytest.fail("predicted again"))
    assert call(evaluate_retrieval, *asked).out == first.out


def test_a_library_is_measured_as_it_is(call: Call, library: Path, trained: Trained) -> None:
    code, out, err = call(
        evaluate_retrieval,
        *held_by(trained, library),
        "--modes",
        "cnn",
        "jaccard",
    )
    assert code == 0, err
    assert "jaccard" in out and "cnn" in out


def test_a_library_of_other_pictures_is_refused(call: Call, library: Path, trained: Trained) -> None:
    code, _, err = call(evaluate_retrieval, *held_by(trained, library), "--split", "val")
    assert code == 3 and "does not hold 24 of the split's 24 pictures" in err


def test_a_hybrid_is_learnt_and_kept_with_the_library(call: Call, library: Path, trained: Trained) -> None:
    asked = (
        *held_by(trained, library),
        "--modes",
        "jaccard",
        "expected-cosine",
        "cnn",
    )
    code, out, err = call(evaluate_retrieval, *asked, "--learn-hybrid")
    assert code == 0, err
    weights = {
        name: float(weight) for name, weight in (line.rsplit(" ", 1) for line in out.strip().splitlines())
    }
    with Library.open(library) as opened:
        assert opened.gallery().hybrid == weights
    code, out, _ = call(
        search_command,
        "--image",
        trained.pictures / "red-circle-0.png",
        "--library",
        library,
        "--mode",
        "hybrid",
        "--explain",
    )
    assert code == 0
    of_pictures = [name for name in weights if not name.startswith("text:")]
    assert of_pictures and all(name in out for name in of_pictures)
    asked_by_text = ("--text", "a red circle", "--library", library, "--mode", "hybrid", "--explain")
    code, out, _ = call(search_command, *asked_by_text)
    of_texts = [name.removeprefix("text:") for name in weights if name.startswith("text:")]
    assert code == 0 and of_texts and all(name in out for name in of_texts)


def test_a_hybrid_learns_a_weight_for_the_encoder_of_its_library(
    call: Call, library: Path, trained: Trained, spaces: dict[str, Path]
) -> None:
    assert call(index, "--library", library, "--encoder", spaces["clip"]).code == 0
    asked = (
        *held_by(trained, library),
        "--modes",
        "jaccard",
        "clip",
    )
    code, out, err = call(evaluate_retrieval, *asked, "--learn-hybrid")
    assert code == 0, err
    with Library.open(library) as opened:
        assert "clip" in (opened.gallery().hybrid or {}), out
    where = ("--image", trained.pictures / "red-circle-0.png", "--library", library)
    for mode in ("hybrid", "auto"):
        code, out, err = call(search_command, *where, "--mode", mode, "--top", 1, "--explain")
        assert code == 0 and "red-circle-1.png" in out, err
        assert "clip" in out


def test_what_cannot_be_measured_is_said(call: Call, trained: Trained) -> None:
    code, _, err = call(evaluate_retrieval, "--data", trained.spec, "--modes", "jacard")
    assert code == 2 and "Did you mean 'jaccard'" in err
    code, _, err = call(evaluate_retrieval, "--data", trained.spec, "--split", "nowhere")
    assert code != 0 and "nowhere" in err
    code, _, err = call(evaluate_retrieval, "--data", trained.spec, "--pages", "-1")
    assert code == 2 and "at least 0" in err


def test_a_text_query_needs_neither_torch_nor_nltk(library: Path) -> None:
    probe = (
        "import sys\nfrom captionret.cli import search\n"
        f"search.main(['--library', {str(library)!r}, '--text', \"a red square's corner\"])\n"
        "print(sorted({'torch', 'nltk', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "red-square" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def compared_with(trained: Trained) -> tuple[object, ...]:
    """What compare-variants takes to compare the checkpoint that the tests train."""
    made = ("--checkpoints", trained.checkpoint, "--features", trained.features)
    return ("--data", trained.spec, *made, "--out", "variants")


def test_variants_are_compared_by_what_their_captions_retrieve(
    call: Call, trained: Trained, tmp_path: Path
) -> None:
    assert call(compare_variants, *compared_with(trained)).code == 0
    (row,) = table(tmp_path / "variants/variants.csv")
    assert row["relevance"] == "tfidf"
    low, value, high = (float(row[f"ndcg10_jaccard{part}"]) for part in ("_low", "", "_high"))
    assert 0.3 < low <= value <= high <= 1
    assert float(row["ndcg10_jaccard_idf"]) > 0.3
    assert 100 / 16 < float(row["text_r1_jaccard"]) <= float(row["text_r5_jaccard"]) <= 100
    assert float(row["text_mrr_jaccard_idf"]) > 0.3


def test_variants_are_compared_at_two_cut_offs(call: Call, trained: Trained, tmp_path: Path) -> None:
    assert call(compare_variants, *compared_with(trained), "--split", "train").code == 0
    (row,) = table(tmp_path / "variants/variants.csv")
    items = {item.id: item.captions for item in open_dataset(trained.spec).split("train")}
    how = comparisons.Measuring(folder=trained.features)
    gallery = comparisons.compare_one(
        trained.checkpoint, open_dataset(trained.spec).split("train"), [], how
    ).gallery
    relevance = load_relevance("tfidf", [items[name] for name in gallery.ids], Path("data/relevance"))
    page = (tmp_path / "variants/index.html").read_text(encoding="utf-8")
    for mode in ("jaccard", "jaccard-idf"):
        measured = measure(score_matrix(MODES[mode], gallery), relevance).summary()
        assert abs(measured.ndcg10 - measured.ndcg50) > 0.001
        for cut, expected in ((10, measured.ndcg10), (50, measured.ndcg50)):
            name = f"ndcg{cut}_{mode.replace('-', '_')}"
            assert float(row[name]) == pytest.approx(expected, abs=1e-4) and name in page


def test_captions_stand_beside_spaces_in_one_table(
    call: Call, trained: Trained, spaces: dict[str, Path], tmp_path: Path
) -> None:
    given = ("--embedding", spaces["vse"], spaces["devise"], spaces["clip"])
    code, out, err = call(compare_variants, *compared_with(trained), *given)
    assert code == 0, err
    rows = table(tmp_path / "variants/modes.csv")
    assert [row["mode"] for row in rows] == [
        "jaccard",
        "jaccard-idf",
        "cnn",
        "cnn-centred",
        "vse",
        "devise",
        "clip",
    ]
    for row in rows:
        assert float(row["ndcg10_low"]) <= float(row["ndcg10"]) <= float(row["ndcg10_high"])
        assert row["mode"] in out
        assert (row["text_r10"] == "") == row["mode"].startswith("cnn"), "which takes no text"
    (variant,) = table(tmp_path / "variants/variants.csv")
    assert rows[0]["ndcg10"] == variant["ndcg10_jaccard"]
    assert rows[0]["text_r10"] == variant["text_r10_jaccard"]
    assert "Captions beside embedding spaces" in (tmp_path / "variants/index.html").read_text(
        encoding="utf-8"
    )


def test_a_program_reads_the_explanation_with_the_hits(call: Call, library: Path) -> None:
    asked = (
        "--text",
        "a blue circles",
        "--library",
        library,
        "--mode",
        "soft-jaccard",
        "--top",
        1,
        "--json",
        "--explain",
    )
    code, out, _ = call(search_command, *asked)
    assert code == 0
    (hit,) = json.loads(out)["hits"]
    told = {reason["word"]: reason for reason in hit["explanation"]["words"]}
    assert told["circles"]["partner"] == "circle" and "circle" not in told
    assert sum(reason["share"] for reason in told.values()) == pytest.approx(hit["score"], abs=1e-5)


def test_a_picture_nothing_is_predicted_of_yet_stops_only_modes_that_believe(
    call: Call, library: Path, trained: Trained
) -> None:
    with Library.open(library) as opened:
        stored = PredictedWords.read(opened.path)
        assert stored is not None
        gallery = opened.gallery()
        some = part_of(gallery.hashes[1:], gallery.word_probabilities.take(range(1, 16)), None)
        PredictedWords(stored.made_by, (written(opened.path, some),)).write(opened.path)
    image = ("--image", trained.pictures / "red-circle-0.png", "--library", library)
    measured = (*held_by(trained, library), "--modes")
    done = call(evaluate_retrieval, *measured, "cnn")
    assert done.code == 0, done.err
    assert call(search_command, *image, "--mode", "jaccard").code == 0
    code, _, err = call(
        evaluate_retrieval,
        *held_by(trained, library),
        "--modes",
        "expected-jaccard",
    )
    assert code == 3 and "no word probabilities of 1 picture" in err


def test_the_old_name_of_the_shipped_space_s_mode_is_taken_with_a_notice(
    call: Call, library: Path, spaces: dict[str, Path]
) -> None:
    asked = ("--text", "a red circle", "--library", library, "--embedding", spaces["embedding"], "--json")
    old, new = (call(search_command, *asked, "--mode", mode) for mode in ("vse", "embedding"))
    assert old.code == 0 and "mode embedding" in old.err and "mode embedding" not in new.err
    assert json.loads(old.out) == json.loads(new.out)
