"""What a server that was just started makes ready before somebody waits for it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
import torch
from mean_colour import Colours, MeanColour, made_library, picture
from starlette.testclient import TestClient

from captionret.app.loading.torch_libraries import load_torch_libraries
from captionret.app.searcher import Searcher
from captionret.library import Library
from captionret.models.captioning.captioner import Captioner
from captionret.web import api, warming
from captionret.web.application import create_app
from captionret.web.settings import Settings
from captionret.web.shelf import Shelf, Shelved
from captionret.web.warming import Warming


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    library = made_library(tmp_path, {"red.png": ("red", 1), "blue.png": ("blue", 2)}, Colours())
    return Shelf({"photos": Searcher(library, captioner=MeanColour(), predictor=Colours())})


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is made ready, in that order."""
    found: list[str] = []

    def noted(name: str, answer: object = None) -> Callable[..., object]:
        def note(_: Shelved, *given: str) -> object:
            found.append(" ".join([name, *given]))
            return answer

        return note

    monkeypatch.setattr(Shelved, "ask_by", noted("word"))
    monkeypatch.setattr(Shelved, "load_for_pictures", noted("models", True))
    monkeypatch.setattr(Shelved, "ask_by_a_picture", noted("picture"))
    monkeypatch.setattr(warming, "load_torch_libraries", lambda: found.append("libraries"))
    return found


def ended(warmed: Warming) -> None:
    """Wait until all is done."""
    for pool in (warmed._for_words, warmed._for_pictures):
        pool.shutdown()


def test_words_come_before_pictures(shelf: Shelf, steps: list[str]) -> None:
    warmed = Warming(shelf, lambda _: steps.append("list"))
    warmed.begin()
    ended(warmed)
    assert [one for one in steps if one != "libraries"] == [
        "word a photograph",
        "word narwhal",
        "list",
        "models",
        "picture",
    ]


def test_models_load_as_soon_as_a_picture_comes_and_words_wait(
    shelf: Shelf, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, came = Event(), Event()

    def word(_: Shelved, given: str) -> None:
        steps.append(given)
        asked.set()
        assert came.wait(20)

    monkeypatch.setattr(Shelved, "ask_by", word)
    warmed = Warming(shelf, lambda _: steps.append("list"))
    assert not warmed.loading
    warmed.begin()
    assert asked.wait(20) and warmed.loading
    warmed.picture_comes()
    came.set()
    ended(warmed)
    assert [one for one in steps if one != "libraries"] == [
        "a photograph",
        "models",
        "narwhal",
        "list",
    ]  # no picture asks
    assert steps.index("libraries") < steps.index("models") and not warmed.loading


def test_a_server_that_stops_while_it_gets_ready_stops_at_once(shelf: Shelf, steps: list[str]) -> None:
    warmed = Warming(shelf, lambda one: steps.append(one.id))
    warmed.close()
    warmed.picture_comes()
    assert not steps


def test_a_picture_comes_with_the_first_bytes_of_its_request(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found: list[str] = []
    whole = api.body_of

    async def body(*given: object) -> bytes:
        found.append("body")
        return await whole(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(Warming, "picture_comes", lambda _: found.append("comes"))
    monkeypatch.setattr(api, "body_of", body)
    web = TestClient(create_app(Settings(cache=tmp_path), shelf), base_url="http://127.0.0.1:8000")
    picture(tmp_path / "sent.png", "red")
    content, kind = (tmp_path / "sent.png").read_bytes(), {"Content-Type": "image/png"}
    assert web.post("/api/query-pictures", content=content, headers=kind).status_code == 200
    assert found == ["comes", "body"]


def test_a_library_that_cannot_be_read_is_left_to_its_first_query(tmp_path: Path) -> None:
    picture(tmp_path / "photos" / "red.png", "red")
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    assert not Shelved("empty", Searcher(library)).load_for_pictures()
    library.close()
    (tmp_path / "library" / "catalogue.sqlite").write_bytes(b"no catalogue")
    shelved = Shelved("photos", Searcher(tmp_path / "library"))
    assert not shelved.sees_pictures and not shelved.load_for_pictures()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere PyTorch loads its libraries by itself")
def test_torch_finds_its_libraries_loaded() -> None:
    program = (
        "import sys; from captionret.app.loading.torch_libraries import load_torch_libraries as load\n"
        "assert load() and 'torch' not in sys.modules and 'libtorch.so' in open('/proc/self/maps').read()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert not load_torch_libraries()  # torch is imported here


def test_a_model_that_is_loaded_draws_no_random_numbers() -> None:
    before = torch.get_rng_state()
    _ = Captioner.load("photos-lite").decoder
    assert torch.equal(torch.get_rng_state(), before)
