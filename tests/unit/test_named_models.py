"""A library's models are found where they lay, else by name, and only the very same are taken."""

from dataclasses import replace
from pathlib import Path, PureWindowsPath

import pytest
from shapes import Trained

from captionret.app.loading.named import captioner_of, predictor_of
from captionret.app.models import Library, waiting_captioner
from captionret.decoding import BeamSearch
from captionret.errors import BadCheckpoint, BadLibrary, BadSetting
from captionret.library import Captioning, MadeBy
from captionret.library.captions.made_by import described_from
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.config import VARIANTS
from captionret.models.captioning.ensemble import Ensemble
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.lexical.head import LexicalHead
from captionret.models.lexical.predictor import WordPredictor
from captionret.models.sentence.skipthought.encoder import SkipThought
from captionret.retrieval import MODES, Gallery

HEAD = Path(__file__).resolve().parents[2] / "checkpoints" / "words-lite"


@pytest.fixture(scope="module")
def record() -> dict[str, object]:
    return WordPredictor.load(HEAD, "cpu").describe()


def test_without_a_name_the_shipped_model_is_loaded_and_where_none_is_shipped_that_is_said() -> None:
    """`Captioner.load()` was a TypeError about an argument `path`."""
    assert Captioner.load(device="cpu").name == "photos-lite"
    assert EmbeddingModel.load(device="cpu").name == "photos-space"
    assert LexicalHead.load(device="cpu").name == "words-lite"
    with pytest.raises(BadSetting, match=r'Say which to load: SkipThought\.load\("NAME"\)'):
        SkipThought.load()


def test_the_shipped_head_is_named_and_any_other_by_its_place(
    record: dict[str, object], lexical_head: Path
) -> None:
    """A library then finds it wherever captionret is installed, and tells nobody the folders of a machine."""
    assert record["head"] == "words-lite"
    found = predictor_of(record, "cpu").path
    assert found is not None and found.resolve() == HEAD
    assert WordPredictor.load(lexical_head, "cpu").describe()["head"] == str(lexical_head.resolve())


def test_a_library_names_the_shipped_captioner_and_any_other_by_its_place(
    tmp_path: Path, trained: Trained
) -> None:
    shipped, own = HEAD.with_name("photos-lite"), trained.checkpoint
    for place, kept in ((shipped, "photos-lite"), (own, str(own))):
        described = described_from(tmp_path, {"checkpoint": str(place)})
        again = described_from(tmp_path / "moved", described)
        assert described["checkpoint"] == again["checkpoint"] == kept
        for one in (described, again):
            found = MadeBy("name", "f" * 64, BeamSearch(), one, tmp_path).checkpoint
            assert found is not None and found.resolve() == place.resolve()


@pytest.mark.parametrize(
    "place", ["/another/machine/checkpoints/words-lite", str(PureWindowsPath("D:/checkpoints/words-lite"))]
)
def test_a_predictor_of_another_machine_is_found_by_its_name(record: dict[str, object], place: str) -> None:
    found = predictor_of({**record, "head": place}, "cpu")
    assert found.fingerprint == record["fingerprint"]


def test_a_predictor_that_is_another_one_now_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(BadCheckpoint, match="has changed since"):
        predictor_of({**record, "fingerprint": "0" * 64}, "cpu")
    with pytest.raises(BadCheckpoint, match=r"no checkpoint grannys-head: it lay in /attic/grannys-head"):
        predictor_of({**record, "head": "/attic/grannys-head"}, "cpu")


def test_a_captioner_of_another_machine_is_found_by_its_name_and_checked() -> None:
    shipped = Captioner.load(HEAD.with_name("photos-lite"), "cpu")
    described = {**shipped.describe(), "checkpoint": "/another/machine/photos-lite"}
    made_by = MadeBy(shipped.name, shipped.fingerprint, BeamSearch(), described)
    assert captioner_of(made_by, "cpu").fingerprint == shipped.fingerprint
    with pytest.raises(BadLibrary, match="their words don't compare"):
        captioner_of(replace(made_by, fingerprint="0" * 64), "cpu")
    with pytest.raises(BadSetting, match="does not say where"):
        captioner_of(replace(made_by, described={}), "cpu")


def test_models_say_what_they_are() -> None:
    captioner = Captioner.load(HEAD.with_name("photos-lite"), "cpu")
    words = f"{len(captioner.vocabulary):,} words"
    assert repr(captioner) == f"<Captioner 'photos-lite': transformer-lite, {words}, {str(captioner.path)!r}>"
    predictor = WordPredictor.load(HEAD, "cpu")
    assert repr(predictor).startswith(f"<WordPredictor {predictor.name!r}: ")
    assert predictor.path == HEAD
    assert repr(MODES).startswith("Registry('mode': jaccard, ")
    assert repr(Gallery(["a.jpg"], ["a dog"])) == "<Gallery of 1 picture with captions>"


def test_captioners_that_are_none_or_read_other_features_make_no_ensemble() -> None:
    with pytest.raises(BadSetting, match="at least one captioner"):
        Ensemble([])
    first, other = (Captioner.load(HEAD.with_name("photos-lite"), "cpu") for _ in range(2))
    other.checkpoint = replace(other.checkpoint, backbone={"name": "vgg16", "sha256": "0" * 64})
    with pytest.raises(BadSetting, match="another CNN's features"):
        Ensemble([first, other])
    other.checkpoint, other.config = first.checkpoint, VARIANTS["model2-lite"]
    with pytest.raises(BadSetting, match="does not begin as"):
        Ensemble([first, other])


def test_captioner_of_a_library_is_loaded_when_there_is_a_picture_to_caption(library: Path) -> None:
    def load() -> Captioning:
        raise AssertionError("it was loaded")

    with Library.open(library) as opened:
        made_by = opened.made_by
        assert made_by is not None
        waiting = waiting_captioner(opened, None, "auto", None, load)
        assert (waiting.name, waiting.fingerprint) == (made_by.name, made_by.fingerprint)
        assert list(waiting.caption_stream([], decoding=made_by.decoding, batch_size=1)) == []
        with pytest.raises(AssertionError, match="it was loaded"):
            waiting_captioner(opened, None, "auto", "bfloat16", load)
