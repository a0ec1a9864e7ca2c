"""A text query in a new process loads neither torch nor anything else that takes longer than the search."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from captionret import word_vectors
from captionret.app.galleries import gallery_library
from captionret.app.loading.waiting import WaitingCaptioner
from captionret.app.models import Library
from captionret.app.searcher import Searcher
from captionret.decoding import BeamSearch, Decoding
from captionret.files import sha256_of
from captionret.home import shipped_checkpoint
from captionret.images import Picture, as_picture
from captionret.library.words.word_files import PredictedWords
from captionret.models.captioning.captioner import Captioner
from captionret.models.record import read_record
from captionret.records import Caption, CaptionResult, Failure

CAPTIONS = ["two dogs run on a beach", "a red car on a street", "a man rides a bike", "a cat on a bed"]
HEAVY = {
    *("torch", "torchvision", "safetensors", "openvino", "pandas", "pyarrow", "scipy", "sklearn", "skimage"),
    *("matplotlib", "nltk", "PIL", "tqdm", "numba", "jinja2"),
}
ROOT = Path(__file__).resolve().parents[2]


class Told:
    """A captioner that is told its captions; its features are noise, for the shipped models to read."""

    name, fingerprint = "told", "0" * 64

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "backbone": read_record(shipped_checkpoint("photos-lite"))["backbone"]}

    def caption_stream(
        self, paths: Sequence[Path | Picture], *, decoding: Decoding, batch_size: int
    ) -> Iterator[list[CaptionResult | Failure]]:
        for picture in paths:
            path = picture if isinstance(picture, Path) else picture.path
            assert path is not None
            text = CAPTIONS[int(path.stem)]
            feature = np.random.default_rng(int(path.stem)).uniform(0, 1, 1280).astype(np.float16)
            caption = Caption(text, tuple(text.split()), 0.0)
            yield [CaptionResult(path, sha256_of(path), [caption], feature)]


class TakenFor(Told):
    """Told captions, taken for another captioner's."""

    def __init__(self, place: Path) -> None:
        self._other = WaitingCaptioner(place, lambda: self)
        self.name, self.fingerprint = self._other.name, self._other.fingerprint

    def describe(self) -> dict[str, Any]:
        return self._other.describe()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a library "photos" that is prepared for its first search."""
    home = tmp_path_factory.mktemp("home")
    (home / "photos").mkdir()
    for number in range(len(CAPTIONS)):
        Image.new("RGB", (32, 32), (60 * number, 90, 20)).save(home / "photos" / f"{number}.png")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CAPTIONRET_HOME", str(home))
        with Library.create("photos", home / "photos") as library:
            library.update(home / "photos", Told())
            word_vectors._read_package.cache_clear()  # an earlier test may have read them in another home
            Searcher(library).prepare()
    return home


def loaded(home: Path, *words: str) -> set[str]:
    """The packages that a command imports, which finds something or nothing."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "captionret", *words],
        capture_output=True,
        text=True,
        cwd=home,
        env={**os.environ, "CAPTIONRET_HOME": str(home), "PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode in (0, 1), ended.stderr
    lines = [line for line in ended.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().split(".")[0] for line in lines}


@pytest.mark.parametrize("mode", ["auto", "words", "jaccard", "embedding"])
def test_the_first_text_query_loads_nothing_heavy(home: Path, mode: str) -> None:
    packages = loaded(home, "search", "two dogs", "--library", "photos", "--mode", mode)
    assert "captionret" in packages and packages & HEAVY == set()


@pytest.mark.parametrize("text", ["an automobile", "motorcyle", "dog -cat", "a child’s dog under:."])
def test_nor_does_one_that_has_to_be_understood(home: Path, text: str) -> None:
    assert loaded(home, "search", text, "--library", "photos") & HEAVY == set()


def test_nor_does_one_in_a_folder_that_was_captioned_before(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPTIONRET_HOME", str(home))
    gallery_library(home / "photos", TakenFor(shipped_checkpoint("photos-lite"))).close()
    packages = loaded(home, "search", "two dogs", "--gallery", str(home / "photos"), "--mode", "jaccard")
    assert packages & HEAVY <= {"PIL"}  # the folder is looked through for new pictures


def test_a_waiting_captioner_is_the_one_that_it_waits_for() -> None:
    place = shipped_checkpoint("photos-lite")
    captioner = Captioner.load(place, "cpu")
    waiting = WaitingCaptioner(place, lambda: captioner)
    assert (waiting.name, waiting.fingerprint) == (captioner.name, captioner.fingerprint)
    assert waiting.describe() == captioner.describe()
    picture = Image.new("RGB", (40, 30), "red")
    (ours,), (theirs,) = (
        one.caption_stream([as_picture(picture)], decoding=BeamSearch(2), batch_size=1)
        for one in (waiting, captioner)
    )
    assert isinstance(ours[0], CaptionResult) and isinstance(theirs[0], CaptionResult)
    assert ours[0].captions == theirs[0].captions


def test_words_of_an_older_release_are_predicted_anew_once(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPTIONRET_HOME", str(home))
    library = shutil.copytree(home / "data/libraries/photos", tmp_path / "old")
    stored = PredictedWords.read(library)
    assert stored is not None
    now = stored.made_by["fingerprint"]
    PredictedWords({**stored.made_by, "fingerprint": "0" * 64}).write(library)
    with Searcher(library) as searcher:
        searcher.search(text="two dogs", mode="auto")  # the pictures are noise: it need not find any
    renewed = PredictedWords.read(library)
    assert renewed is not None and renewed.made_by["fingerprint"] == now and renewed.parts[0].part.count == 4
    assert loaded(home, "search", "two dogs", "--library", str(library)) & HEAVY == set()


@pytest.mark.parametrize("words", [("--help",), ("search", "--help")])
def test_help_loads_no_heavy_library_either(home: Path, words: tuple[str, ...]) -> None:
    assert loaded(home, *words) & HEAVY == set()


def test_help_and_the_package_itself_do_without_numpy(home: Path) -> None:
    assert "numpy" not in loaded(home, "--help")
    code = "import captionret, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_a_captioner_is_loaded_without_a_compiler() -> None:
    program = """import sys
from captionret.models.captioning.captioner import Captioner
Captioner.load("photos-lite")
sys.exit("torch._dynamo" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT).returncode == 0
