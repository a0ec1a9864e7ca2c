"""What every mode promises, and the one ranking under all of them. A new mode is tested here without an
edit."""

import hashlib
import random
import zlib
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from captionret.errors import BadSetting, UnknownName
from captionret.retrieval import MODES, EncodedQuery, Gallery, TableSource, WordMatrix, corpus, rank, search
from captionret.retrieval.search import towards_first
from captionret.text import word_set, words

CAPTIONS = [
    "a dog runs on the beach",
    "a brown dog runs along the beach",
    "two dogs play on the sand by water",
    "a cat sleeps on a bed",
    "a red car on a road",
    "a dog runs on the beach",
    "",
]
PATHS = [f"{letter}.jpg" for letter in "gfedcba"]
HASHES = [f"{number:064x}" for number in range(len(PATHS))]

SPACES = sorted(name for name, mode in MODES.items() if mode.in_space)
every_mode = pytest.mark.parametrize("mode", sorted(MODES))


def known_of(captions: dict[str, str]) -> Gallery:
    """A gallery of which everything is known: further captions, word probabilities and features follow from
    each image's
    caption."""
    return gallery_of(
        list(captions), list(captions.values()), [sha_of(caption) for caption in captions.values()]
    )


def sha_of(caption: str) -> str:
    return hashlib.sha256(caption.encode()).hexdigest()


def probabilities_of(caption: str) -> dict[str, float]:
    return {word: (2 + len(word) % 7) / 10 for word in word_set(caption)}


def feature_of(caption: str) -> np.ndarray:
    values = np.zeros(16)
    for word in words(caption):
        values[zlib.crc32(word.encode()) % 16] += 1
    return (values + 0.25).astype(np.float16)


def vectors_of(text: str) -> dict[str, np.ndarray]:
    """Where pictures of this caption, and sentences alike, stand in the space of each mode that compares in
    one."""
    vector = feature_of(text).astype(np.float32)
    return dict.fromkeys(SPACES, vector / np.linalg.norm(vector))


def text_query(text: str) -> EncodedQuery:
    return EncodedQuery(text=text, vectors=vectors_of(text))


def gallery_of(
    paths: Sequence[str] = PATHS, captions: Sequence[str] = CAPTIONS, hashes: Sequence[str] = HASHES
) -> Gallery:
    known = dict(zip(hashes, captions, strict=True))
    own = list(known.values())
    vectors = [vectors_of(caption) for caption in own]
    source = TableSource(
        list(known),
        captions=[(caption, f"{caption} outside") for caption in own],
        features=np.array([feature_of(caption) for caption in own], np.float16).reshape(len(own), 16),
        word_probabilities=WordMatrix.of_rows([probabilities_of(caption) for caption in own]),
        vectors={
            mode: np.array([one[mode] for one in vectors], np.float32).reshape(len(own), 16)
            for mode in SPACES
        },
    )
    return Gallery(paths, captions, hashes, source=source)


def shuffled(order: list[int]) -> Gallery:
    return gallery_of([PATHS[i] for i in order], [CAPTIONS[i] for i in order], [HASHES[i] for i in order])


def asked(caption: str, sha256: str | None = None) -> EncodedQuery:
    """A picture with this caption."""
    return EncodedQuery(
        caption,
        None,
        sha256,
        captions=(caption, f"{caption} outside"),
        word_probabilities=probabilities_of(caption),
        feature=feature_of(caption),
        vectors=vectors_of(caption),
    )


def query_for(mode: str) -> EncodedQuery:
    """The first picture; every mode takes one."""
    assert "image" in MODES[mode].accepts
    return asked(CAPTIONS[0], HASHES[0])


@every_mode
def test_mode_says_what_it_is_and_what_it_accepts(mode: str) -> None:
    assert MODES[mode].name == mode
    assert MODES[mode].about
    assert MODES[mode].accepts and MODES[mode].accepts <= {"image", "text"}


@every_mode
def test_scores_are_one_finite_float32_per_image(mode: str) -> None:
    gallery = gallery_of()
    scores = MODES[mode].prepare(gallery).scores(query_for(mode))
    assert scores.shape == (len(gallery),) and scores.dtype == np.float32
    assert np.isfinite(scores).all()


@every_mode
def test_gallery_order_never_changes_the_ranking(mode: str) -> None:
    expected = search(gallery_of(), query_for(mode), mode, top=None)
    order = list(range(len(PATHS)))
    for seed in range(10):
        random.Random(seed).shuffle(order)
        assert search(shuffled(order), query_for(mode), mode, top=None) == expected


@every_mode
def test_hits_agree_with_a_naive_sort_of_the_scores(mode: str) -> None:
    gallery = gallery_of()
    scores = MODES[mode].prepare(gallery).scores(query_for(mode))
    naive = sorted(
        (-score, name)
        for score, name, sha256 in zip(scores, gallery.ids, gallery.hashes, strict=True)
        if (score > 0 or MODES[mode].relative) and sha256 != HASHES[0]
    )
    hits = search(gallery, query_for(mode), mode, top=None)
    assert [(hit.id, hit.rank) for hit in hits] == [
        (name, place) for place, (_, name) in enumerate(naive, start=1)
    ]


@every_mode
def test_first_hits_do_not_depend_on_how_many_are_asked_for(mode: str) -> None:
    everything = search(gallery_of(), query_for(mode), mode, top=None)
    for top in range(1, len(PATHS) + 3):
        assert search(gallery_of(), query_for(mode), mode, top=top) == everything[:top]


@every_mode
def test_query_is_left_out_even_under_another_name(mode: str) -> None:
    copied = gallery_of([*PATHS, "copy.jpg"], [*CAPTIONS, CAPTIONS[0]], [*HASHES, HASHES[0]])
    shown = {
        path for hit in search(copied, query_for(mode), mode, top=None) for path in (hit.path, *hit.copies)
    }
    assert shown.isdisjoint({PATHS[0], "copy.jpg"})
    kept = search(copied, query_for(mode), mode, top=None, keep_self=True)
    assert ("copy.jpg", (PATHS[0],)) in [(hit.path, hit.copies) for hit in kept]


@every_mode
def test_leaving_the_query_out_once_does_not_leave_it_out_for_ever(mode: str) -> None:
    gallery = gallery_of()
    search(gallery, query_for(mode), mode)
    assert PATHS[0] in [hit.path for hit in search(gallery, query_for(mode), mode, keep_self=True)]


@every_mode
def test_one_image_fills_one_place(mode: str) -> None:
    copied = gallery_of(
        [*PATHS, "y.jpg", "x.jpg"], [*CAPTIONS, CAPTIONS[1], CAPTIONS[1]], [*HASHES, HASHES[1], HASHES[1]]
    )
    (hit,) = [hit for hit in search(copied, query_for(mode), mode, top=None) if hit.path == PATHS[1]]
    assert hit.copies == ("x.jpg", "y.jpg")


@every_mode
def test_images_of_equal_captions_are_all_found(mode: str) -> None:
    hits = search(gallery_of(), query_for(mode), mode, keep_self=True, top=2)
    assert {hit.path for hit in hits} == {"b.jpg", "g.jpg"}


@every_mode
def test_an_equal_image_scores_one_and_no_image_more(mode: str) -> None:
    scores = MODES[mode].prepare(gallery_of()).scores(query_for(mode))
    if not MODES[mode].bounded:
        pytest.skip(f"{mode} has scores without a bound")
    assert scores.max() <= 1
    equal = [gallery_of().ids.index(path) for path in ("g.jpg", "b.jpg")]
    np.testing.assert_allclose(scores[equal], 1, atol=2e-6)


@every_mode
def test_two_images_are_as_similar_either_way_round(mode: str) -> None:
    if not MODES[mode].symmetric:
        pytest.skip(f"{mode} is not meant to be symmetric")
    gallery = known_of(
        {f"{number}.jpg": caption for number, caption in enumerate(dict.fromkeys(CAPTIONS)) if caption}
    )
    prepared = MODES[mode].prepare(gallery)
    matrix = np.stack([prepared.scores(gallery.query(row)) for row in range(len(gallery))])
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)


@every_mode
def test_one_image_alone_is_found(mode: str) -> None:
    gallery = known_of({"only.jpg": CAPTIONS[1]})
    hits = search(gallery, asked(CAPTIONS[0]), mode)
    assert [hit.path for hit in hits] == ["only.jpg"]
    assert np.isfinite(MODES[mode].prepare(gallery).scores(asked(CAPTIONS[0]))).all()


@every_mode
def test_empty_captions_among_others_are_scored_with_numbers(mode: str) -> None:
    gallery = known_of({"a.jpg": "", "b.jpg": "a dog", "c.jpg": "the of and"})
    assert np.isfinite(MODES[mode].prepare(gallery).scores(asked("a dog runs"))).all()


def best_pair(ours: tuple[str, ...], theirs: tuple[str, ...]) -> float:
    best = 0.0
    for one in ours:
        for other in theirs:
            either = set(words(one)) | set(words(other))
            best = max(
                best,
                sum(word in words(one) and word in words(other) for word in either) / len(either)
                if either
                else 0.0,
            )
    return best


def all_together(ours: tuple[str, ...], theirs: tuple[str, ...]) -> float:
    mine, other = (set(words(" ".join(captions))) for captions in (ours, theirs))
    shared, either = (sum(corpus.weight(word) for word in found) for found in (mine & other, mine | other))
    return shared / either


@pytest.mark.parametrize(
    ("mode", "naive"), [("multi-caption", best_pair), ("multi-caption-union", all_together)]
)
def test_several_captions_are_compared_as_a_loop_over_them_does(
    mode: str, naive: Callable[[tuple[str, ...], tuple[str, ...]], float]
) -> None:
    gallery = gallery_of()
    prepared = MODES[mode].prepare(gallery)
    for query in [
        query_for(mode),
        asked("a red cat sleeps on the sand"),
        asked(""),
        EncodedQuery(text="two dogs outside"),
    ]:
        ours = query.captions or (query.text or "",)
        expected = [naive(ours, theirs) for theirs in gallery.all_captions]
        assert prepared.scores(query).tolist() == pytest.approx(expected, abs=1e-6)


def test_whitened_features_are_compared_by_the_inverse_of_their_covariance() -> None:
    gallery = gallery_of()
    rows = [feature.astype(float) for feature in gallery.features]
    centre = sum(rows) / len(rows)
    covariance = sum(np.outer(row - centre, row - centre) for row in rows) / len(rows)
    # ten mean variances more in every direction
    steady = covariance + 10 * np.trace(covariance) / 16 * np.eye(16)

    def product(one: np.ndarray, other: np.ndarray) -> float:
        return float((one - centre) @ np.linalg.solve(steady, other - centre))

    query = query_for("cnn-whitened")
    ours = feature_of(CAPTIONS[0]).astype(float)
    expected = [product(ours, row) / (product(ours, ours) * product(row, row)) ** 0.5 for row in rows]
    assert MODES["cnn-whitened"].prepare(gallery).scores(query).tolist() == pytest.approx(expected, abs=1e-5)
    assert MODES["cnn-centred"].prepare(gallery).scores(query).tolist() != pytest.approx(expected, abs=1e-3)


@every_mode
def test_an_explanation_adds_up_to_the_score(mode: str) -> None:
    gallery = gallery_of()
    prepared = MODES[mode].prepare(gallery)
    scores = prepared.scores(query_for(mode))
    for row in range(len(gallery)):
        assert prepared.explain(query_for(mode), row).score == pytest.approx(float(scores[row]), abs=2e-5)


@every_mode
def test_a_text_is_answered_or_refused_with_a_reason(mode: str) -> None:
    text = text_query("a dog on the beach")
    if "text" in MODES[mode].accepts:
        best = search(gallery_of(), text, mode)[0]
        assert "dog" in best.caption
    else:
        with pytest.raises(BadSetting, match="compares by image; the query holds text"):
            search(gallery_of(), text, mode)


@every_mode
def test_hits_below_the_least_score_are_left_out(mode: str) -> None:
    everything = search(gallery_of(), query_for(mode), mode, top=None)
    least = everything[1].score
    assert search(gallery_of(), query_for(mode), mode, top=None, min_score=least) == [
        hit for hit in everything if hit.score >= least
    ]
    assert search(gallery_of(), query_for(mode), mode, min_score=1e9) == []


@every_mode
def test_limits_that_cannot_work_are_refused(mode: str) -> None:
    for top in (0, -1):
        with pytest.raises(BadSetting, match="at least 1"):
            search(gallery_of(), query_for(mode), mode, top=top)
    with pytest.raises(BadSetting, match="is nan"):
        search(gallery_of(), query_for(mode), mode, min_score=float("nan"))


@every_mode
def test_query_with_nothing_in_it_is_refused(mode: str) -> None:
    with pytest.raises(BadSetting, match="the query holds nothing"):
        search(gallery_of(), EncodedQuery(), mode)


@every_mode
def test_empty_gallery_has_no_hits(mode: str) -> None:
    assert search(gallery_of([], [], []), query_for(mode), mode) == []


@pytest.mark.parametrize("mode", SPACES)
def test_a_space_compares_texts_with_pictures_by_their_cosine(mode: str) -> None:
    gallery, text = gallery_of(), text_query("a cat on a bed")
    found = MODES[mode].prepare(gallery).scores(text)
    expected = [float(np.dot(vectors_of(caption)[mode], text.vectors[mode])) for caption in gallery.captions]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_gallery_or_query_without_vectors_is_told_what_is_missing() -> None:
    with pytest.raises(BadSetting, match="no vectors for mode 'devise'"):
        search(Gallery(["a.jpg"], ["a dog"]), text_query("a dog"), "devise")
    with pytest.raises(BadSetting, match="the query has none"):
        search(gallery_of(), EncodedQuery(text="a dog"), "vse")
    other = EncodedQuery(text="a dog", vectors={"vse": np.ones(3, np.float32)})
    with pytest.raises(BadSetting, match="two networks"):
        search(gallery_of(), other, "vse")


def test_reranking_asks_with_the_mean_of_the_first_hits() -> None:
    gallery, query = gallery_of(), text_query("a cat on a bed")
    first = [hit.id for hit in search(gallery, query, "vse", top=2)]
    moved = towards_first(gallery, query, "vse", 2)
    mean = np.mean([gallery.vectors("vse")[gallery.ids.index(name)] for name in first], axis=0)
    np.testing.assert_allclose(moved.vectors["vse"], mean / np.linalg.norm(mean), atol=1e-6)
    assert query.vectors["vse"] is not moved.vectors["vse"]


def test_unknown_mode_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'jaccard'"):
        search(gallery_of(), EncodedQuery(text="dog"), "jacard")


def test_jaccard_gives_the_shared_words_rarest_first_and_stop_words_last() -> None:
    hits = search(gallery_of(), EncodedQuery(text="A brown dog on the beach!"))
    by_path = {hit.path: hit for hit in hits}
    assert by_path["f.jpg"].why == ("brown", "beach", "dog", "the", "a")
    assert by_path["d.jpg"].why == ("a", "on")  # equally rare: by spelling


def test_words_that_no_caption_holds_find_nothing() -> None:
    assert search(gallery_of(), EncodedQuery(text="zeppelin")) == []


@pytest.mark.parametrize("text", ["", "   ", "?!..."])
def test_text_without_a_word_is_refused(text: str) -> None:
    with pytest.raises(BadSetting, match="no word to compare by"):
        search(gallery_of(), EncodedQuery(text=text))


def test_score_is_shown_as_the_shortest_decimal() -> None:
    gallery = Gallery(["x"], ["one two three four five six seven"])
    query = EncodedQuery(text="one two three four five six seven eight nine ten")
    assert [hit.score for hit in search(gallery, query, min_score=0.7)] == [0.7]


def test_duplicate_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="stands twice"):
        Gallery(["a.jpg", "b.jpg"], ["x", "y"], ids=["1", "1"])


def test_gallery_without_hashes_keeps_every_row() -> None:
    assert [hit.path for hit in search(Gallery(["b", "a"], ["dog", "dog"]), EncodedQuery(text="dog"))] == [
        "a",
        "b",
    ]


SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, -1.0]), max_size=40)


@given(
    SCORES, st.none() | st.integers(1, 50), st.none() | st.sampled_from([-1.0, 0.25, 0.3, 2.0]), st.randoms()
)
def test_rank_sorts_by_score_then_id(
    scores: list[float], top: int | None, least: float | None, source: random.Random
) -> None:
    ids = [f"{number:03d}" for number in range(len(scores))]
    source.shuffle(ids)
    naive = sorted(
        (-score, name) for score, name in zip(scores, ids, strict=True) if least is None or score >= least
    )[:top]
    found = rank(np.array(scores, np.float32), ids, top, least)
    assert [(-scores[place], ids[place]) for place in found] == naive


@pytest.mark.parametrize(
    "make_ids", [lambda n: range(n), lambda n: [f"{i:05d}" for i in range(n)]], ids=["rows", "names"]
)
def test_ties_at_the_cut_are_settled_by_id(make_ids: Callable[[int], range | list[str]]) -> None:
    scores = np.full(1000, 0.5, np.float32)
    scores[700] = 1
    assert rank(scores, make_ids(1000), 4).tolist() == [700, 0, 1, 2]


def test_nan_is_never_ranked() -> None:
    with pytest.raises(ValueError, match="NaN"):
        rank(np.array([0.5, np.nan], np.float32), range(2))
