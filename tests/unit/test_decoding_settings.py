"""The ways of decoding as rows of settings: what they refuse, and what a library remembers of them."""

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from captionret.decoding import (
    DECODINGS,
    BeamSearch,
    Consensus,
    Decoding,
    DiverseBeamSearch,
    NucleusSampling,
    Reference,
    Rerank,
    Sampling,
    decoding_from_json,
    decoding_way,
)
from captionret.errors import BadSetting, UnknownName

SPACE = Reference("/home/me/project/checkpoints/photos-space", "ab" * 32)
CAPTIONS = Reference("/home/me/project/data/indexes/flickr8k-0123.npz")
RERANK = Rerank(spaces=(SPACE,), captions_from=(CAPTIONS,), match_weight=3.0, captions=2)
# what release 0.5.0 wrote into libraries; fingerprints and libraries depend on the very text
WRITTEN_BY_0_5_0 = [
    (BeamSearch(), '{"beam": 3}'),
    (
        BeamSearch(5, 0.7, captions=3, constraints=True),
        '{"beam": 5, "length_penalty": 0.7, "captions": 3, "constraints": true}',
    ),
    (
        DiverseBeamSearch(6, groups=3),
        '{"method": "diverse-beam", "beam": 6, "groups": 3, "diversity": 0.5}',
    ),
    (
        Sampling(captions=30),
        '{"method": "sample", "temperature": 1.0, "seed": 0, "captions": 30}',
    ),
    (
        NucleusSampling(0.8, 20, 1, top_p=0.9),
        '{"method": "nucleus", "temperature": 0.8, "top_k": 20, "seed": 1, "top_p": 0.9}',
    ),
    (Consensus(10), '{"method": "consensus", "beam": 10, "sharpness": 3.0}'),
    (
        Consensus(10, drawn=5, top_k=7, captions=2, constraints=False),
        '{"method": "consensus", "beam": 10, "sharpness": 3.0, "drawn": 5, "temperature": 1.0, "top_k": 7, '
        '"seed": 0, "captions": 2, "constraints": false}',
    ),
]


@pytest.mark.parametrize(("decoding", "text"), WRITTEN_BY_0_5_0)
def test_decoding_is_written_byte_for_byte_as_by_release_0_5_0(decoding: Decoding, text: str) -> None:
    assert json.dumps(decoding.to_json()) == text
    assert decoding_from_json(json.loads(text)) == decoding


def test_all_nineteen_fields_of_release_0_5_0_are_read() -> None:
    written = {
        **{"method": "sample", "beam": 3, "captions": 30, "length_penalty": None, "constraints": None},
        **{"groups": 3, "diversity": 0.5, "temperature": 0.5, "top_k": 0, "top_p": 0.9, "seed": 4},
        **{"drawn": 0, "sharpness": 3.0, "spaces": [], "spaces_sha256": [], "match": 2.0, "corpora": []},
        **{"neighbours": 100, "agree": 12.0},
    }
    assert decoding_from_json(written) == Sampling(0.5, seed=4, captions=30)


def test_matched_captions_of_release_0_5_0_are_a_rerank_wherever_the_project_lies_now() -> None:
    written = {
        **{"method": "matched", "beam": 20, "match": 3.0, "captions": 2},
        **{"spaces": ["/old/place/photos-space"], "spaces_sha256": ["ab" * 32]},
        **{"corpora": ["/old/place/data/indexes/flickr8k-0123.npz"], "neighbours": 100, "agree": 12.0},
    }
    assert decoding_from_json(written) == RERANK
    other = written | {"spaces_sha256": ["cd" * 32]}
    assert decoding_from_json(other) != RERANK, "of the same name, but another fingerprint"


def test_rerank_names_its_spaces_without_their_places() -> None:
    facts = RERANK.to_json()
    assert (facts["spaces"], facts["captions_from"]) == (["photos-space"], ["flickr8k-0123.npz"])
    assert facts["spaces_sha256"] == ["ab" * 32] and "/home" not in json.dumps(facts)
    assert RERANK.summary == (
        "rerank, beam 20, match weight 3.0, spaces photos-space, captions from flickr8k-0123.npz, "
        "neighbours 100, agree weight 12.0, captions 2"
    )


def test_library_that_moves_with_its_project_finds_the_spaces_again(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    decoding = Rerank(spaces=(Reference(str(before / "spaces" / "mine"), "ab" * 32),))
    written = json.loads(json.dumps(decoding.to_json(before / "data" / "library")))
    assert written["spaces"] == ["../../spaces/mine"]
    found = decoding_from_json(written, after / "data" / "library")
    assert isinstance(found, Rerank) and found == decoding
    assert Path(found.spaces[0].place) == after / "spaces" / "mine"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: BeamSearch(0), "beam must be at least 1, not 0"),
        (lambda: BeamSearch(2_000_000_000), "beam may be at most 1,000, not 2,000,000,000"),
        (lambda: BeamSearch(3, captions=4), "A beam of 3 gives 1 to 3 captions, not 4"),
        (
            lambda: BeamSearch(3, captions=0),
            "kept of a picture must be at least 1",
        ),
        (lambda: BeamSearch(3, -1.0), "length penalty must be a number of at least 0"),
        (lambda: BeamSearch(3, math.nan), "length penalty must be a number of at least 0"),
        (lambda: DiverseBeamSearch(4, groups=3), "A beam of 4 cannot be parted into 3 equal groups"),
        (lambda: DiverseBeamSearch(diversity=-1.0), "diversity must be a number of at least 0"),
        (lambda: Sampling(captions=10**15), "drawn captions may be at most 1,000"),
        (lambda: Sampling(0.0), "temperature must be a number above 0"),
        (lambda: Sampling(top_k=-1), "top_k"),
        (lambda: Sampling(seed=-1), "The seed must be at least 0"),
        (lambda: NucleusSampling(top_p=0.0), "top_p must be above 0"),
        (lambda: Consensus(3, drawn=10**12), "drawn beside the beam may be at most 1,000"),
        (lambda: Rerank(), "Name its directory"),
        (lambda: Rerank(spaces=(SPACE, SPACE), captions_from=(CAPTIONS,)), "Each of the 2 spaces"),
        (lambda: Rerank(spaces=(SPACE,), neighbours=0), "neighbours must be at least 1"),
        (lambda: decoding_from_json({"beam": "3"}), "beam must be a whole number"),
        (lambda: decoding_from_json({"beam": 3, "width": 4}), "No way of decoding has fields width"),
        (lambda: decoding_from_json({"method": "rerank", "spaces": 3}), "spaces is a list of names"),
    ],
)
def test_decoding_that_cannot_be_is_refused_with_a_sentence(
    make: Callable[[], Decoding], reason: str
) -> None:
    with pytest.raises(BadSetting, match=reason):
        make()


def test_old_name_of_a_way_is_taken_with_a_notice(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "captionret"):
        assert decoding_way("matched") is Rerank
    assert "now called 'rerank'" in caplog.text
    with pytest.raises(UnknownName, match="Did you mean 'consensus'"):
        decoding_way("concensus")
    assert set(DECODINGS) == {"beam", "diverse-beam", "sample", "nucleus", "consensus", "rerank"}


def test_spaces_are_the_same_by_fingerprint_or_else_by_name() -> None:
    here, there = Reference("/here/space", "a" * 64), Reference("/there/renamed", "a" * 64)
    assert here == there and len({here, there}) == 1
    assert Reference("/here/space") == Reference("elsewhere/space") != Reference("other")
    assert here != Reference("/here/space", "b" * 64) and here != "/here/space"


def test_wrong_values_in_a_record_are_refused_by_name() -> None:
    with pytest.raises(BadSetting, match="constraints must be true, false or none, not 'no'"):
        BeamSearch(constraints="no")  # type: ignore[arg-type]
