"""What runs the CNN: the same features from every engine, and a clear sentence where one cannot run."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from shapes import Trained
from typed import Call

import captionret
from captionret.app.loading.named import captioner_of
from captionret.cli import index
from captionret.errors import BadSetting, NoSpace, UnknownName
from captionret.images import DecodedBatch, load_views, open_image
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.stream import captioned_batches
from captionret.models.vision import reading
from captionret.models.vision.backbones import Backbone, load_backbone
from captionret.models.vision.engines import export, openvino_engine, reader, rows
from captionret.models.vision.engines.protocols import CannotRun, Source
from captionret.models.vision.engines.rows import ENGINES, FASTEST, PRECISIONS, Compute, EngineConfig
from captionret.models.vision.reading import ReadBatch, read_ahead
from captionret.records import Caption

NO_PERSON = ("CI", "TF_BUILD", "JENKINS_URL")  # where these are set, OpenVINO reports nothing by itself


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where exported networks are kept: nobody else's."""
    monkeypatch.setenv("CAPTIONRET_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "data" / "engines"


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)


@pytest.fixture(scope="module")
def expected(lite0: Backbone, pixels: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.inference_mode():
        pooled, grid = lite0(lite0.normalise(torch.from_numpy(pixels)))
    return pooled, grid


def backbone(engine: str, precision: str = "float32") -> Backbone:
    return load_backbone("efficientnet_lite0", compute=Compute(engine, precision))


def installed(name: str) -> None:
    if not ENGINES[name].installed:
        pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize("engine", [name for name, row in ENGINES.items() if "float32" in row.precisions])
def test_every_engine_gives_pytorchs_features_at_float32(
    engine: str, pixels: NDArray[np.uint8], expected: tuple[torch.Tensor, torch.Tensor]
) -> None:
    installed(engine)
    ours = backbone(engine)
    for found, wanted in zip(ours.read(pixels), expected, strict=True):
        assert found.dtype == torch.float32 and torch.allclose(found, wanted, atol=1e-4)
    assert ours.reader.engine == engine
    one, _ = ours.read(pixels[:1])  # another number of pictures
    assert torch.allclose(one, expected[0][:1], atol=1e-4)


@pytest.mark.parametrize("engine", [name for name, row in ENGINES.items() if "bfloat16" in row.precisions])
def test_bfloat16_differs_by_a_little_and_its_features_have_a_name_of_their_own(
    engine: str, pixels: NDArray[np.uint8], expected: tuple[torch.Tensor, torch.Tensor]
) -> None:
    installed(engine)
    ours = backbone(engine, "bfloat16")
    try:
        pooled, _ = ours.read(pixels)
    except BadSetting as error:
        pytest.skip(str(error))  # a processor without it
    off = (pooled - expected[0]).abs().max() / expected[0].abs().max()
    assert 0 < off < 0.15  # of noise; a photograph is off by a third of that
    assert ours.key == f"{backbone('torch').key}-bfloat16"


def test_int8_computes_in_bytes_and_differs_by_little(
    pixels: NDArray[np.uint8], expected: tuple[torch.Tensor, torch.Tensor], home: Path
) -> None:
    installed("openvino")
    ours = backbone("auto", "int8")
    pooled, _ = ours.read(pixels)
    off = (pooled - expected[0]).norm() / expected[0].norm()
    assert 0 < off < 0.2  # of noise; a photograph is off by less
    assert ours.reader.engine == "openvino" and ours.key == f"{backbone('torch').key}-int8"
    (made,) = home.glob("*/network.xml")
    assert made.read_text().count('type="FakeQuantize"') > 40 and 'type="Minimum"' not in made.read_text()


def test_a_backbone_that_was_not_measured_for_int8_says_so(pixels: NDArray[np.uint8]) -> None:
    installed("openvino")
    other = load_backbone("efficientnet_lite0", random=True, compute=Compute("openvino", "int8"))
    with pytest.raises(BadSetting, match="efficientnet_lite0 with these weights was not measured for int8"):
        other.read(pixels)


def test_auto_keeps_to_pytorch_for_a_few_pictures_and_takes_the_fastest_for_many(
    pixels: NDArray[np.uint8], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", "captionret")
    monkeypatch.setattr(reader, "import_module", modules(working("torch"), working("openvino")))
    monkeypatch.setattr(EngineConfig, "installed", True)
    ours = backbone("auto")
    ours.expect(3)
    ours.read(pixels)
    assert ours.reader.engine == "torch" and not caplog.records
    ours.expect(reader.WORTH_STARTING)
    ours.read(pixels)
    assert ours.reader.engine == FASTEST[0] == "openvino"
    assert "efficientnet_lite0 runs in openvino, float32." in caplog.text


def test_auto_goes_over_to_the_next_engine_where_one_cannot_run(
    pixels: NDArray[np.uint8], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", "captionret")
    broken = {"openvino": Broken("OpenVINO cannot be loaded."), "onnx": Broken("No ONNX.")}
    monkeypatch.setattr(reader, "import_module", modules(working("torch"), broken))
    monkeypatch.setattr(EngineConfig, "installed", True)
    ours = backbone("auto")
    ours.expect(1000)
    ours.read(pixels)
    assert ours.reader.engine == "torch"
    assert "OpenVINO cannot be loaded. A slower engine is taken." in caplog.text
    assert "efficientnet_lite0 runs in torch, float32." in caplog.text


def test_an_engine_that_was_asked_for_and_cannot_run_is_an_error(
    pixels: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {"openvino": Broken("This processor does not compute in bfloat16.")}
    monkeypatch.setattr(reader, "import_module", modules(broken))
    monkeypatch.setattr(EngineConfig, "installed", True)
    with pytest.raises(BadSetting, match=r"does not compute in bfloat16\. Choose another engine"):
        backbone("openvino", "bfloat16").read(pixels)


def test_a_precision_that_the_processor_has_not_is_said(
    pixels: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("openvino")
    monkeypatch.setitem(openvino_engine._CAPABILITIES, "bfloat16", "ABACUS")
    with pytest.raises(BadSetting, match="does not compute in bfloat16"):
        backbone("openvino", "bfloat16").read(pixels)


def test_auto_at_bfloat16_is_slower_rather_than_wrong_without_such_a_processor(
    pixels: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(openvino_engine._CAPABILITIES, "bfloat16", "ABACUS")
    ours = backbone("auto", "bfloat16")
    ours.expect(1000)
    ours.read(pixels)
    assert ours.reader.engine == "torch"


@pytest.mark.parametrize(
    ("engine", "precision", "message"),
    [
        ("tensorflow", "float32", "no engine 'tensorflow'"),
        ("auto", "float8", "no precision 'float8'"),
        ("onnx", "bfloat16", "does not compute in bfloat16. Choose torch or openvino"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(engine: str, precision: str, message: str) -> None:
    with pytest.raises((BadSetting, UnknownName), match=message):
        Compute(engine, precision)


def test_an_engine_that_is_not_installed_is_refused_with_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows, "find_spec", lambda name: None)
    with pytest.raises(BadSetting, match="openvino is not installed"):
        Compute("openvino")
    assert Compute("torch").engine == "torch"


def test_without_other_engines_auto_is_pytorch(
    pixels: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "find_spec", lambda name: None)
    ours = backbone("auto")
    ours.expect(1000)
    ours.read(pixels)
    assert ours.reader.engine == "torch"


def test_every_row_has_a_module_and_auto_ends_with_what_is_always_there() -> None:
    for row in ENGINES.values():
        assert callable(import_module(f".{row.module}", reader.__package__).start)
        assert set(row.precisions) <= set(PRECISIONS)
    assert set(FASTEST) <= set(ENGINES) and FASTEST[-1] == "torch"


def test_batches_of_any_size_are_read_ahead_in_their_order(
    lite0: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    paths = [tmp_path / f"{shade}.png" for shade in range(7)]
    for shade, path in enumerate(paths):
        if shade != 3:
            Image.new("RGB", (16, 16), (36 * shade,) * 3).save(path)
    alone = {path: lite0.read(load_views(path, 224)[1])[0] for path in paths if path.exists()}
    for size in (1, 2, 7, 100):
        batches = list(read_ahead(lite0, paths, size))
        assert [len(one.batch.failures) + len(one.pooled) for one in batches] == [
            min(size, 7 - start) for start in range(0, 7, size)
        ]
        found = [
            (path, row) for one in batches for path, row in zip(one.batch.paths, one.pooled, strict=True)
        ]
        assert [path for path, _ in found] == [path for path in paths if path.exists()]
        assert all(torch.allclose(row, alone[path][0], atol=1e-5) for path, row in found)
        assert all(len(one.grid) == len(one.pooled) for one in batches)


def test_no_more_than_a_few_batches_are_read_ahead(
    lite0: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def counting(backbone: Backbone, batch: DecodedBatch) -> ReadBatch:
        started.append(batch)
        return ReadBatch(batch, torch.empty(0, 1280), torch.empty(0, 49, 1280), torch.empty(0, 0))

    monkeypatch.setattr(reading, "_read", counting)
    running = read_ahead(lite0, [tmp_path / "gone.png"] * 50, 1)
    for taken in range(1, 20):
        next(running)
        assert len(started) <= taken + reading.AHEAD
    running.close()  # type: ignore[attr-defined]  # a generator, as callers may leave it
    assert len(started) < 25


def test_what_fails_in_the_cnn_fails_for_the_caller(
    lite0: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> ReadBatch:
        raise BadSetting("No such engine.")

    monkeypatch.setattr(reading, "_read", failing)
    with pytest.raises(BadSetting, match="No such engine"):
        list(read_ahead(lite0, [tmp_path / "gone.png"] * 5, 1))


@pytest.mark.parametrize(("engine", "threads"), [("openvino", 1), ("torch", 3)])
def test_beside_another_engine_captions_are_decoded_in_one_thread(
    lite0: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, threads: int
) -> None:
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(3)

    def decode(features: torch.Tensor, hashes: Sequence[str]) -> list[list[Caption]]:
        seen.append(torch.get_num_threads())
        return [[] for _ in hashes]

    Image.new("RGB", (40, 40)).save(tmp_path / "one.png")
    monkeypatch.setattr(lite0.reader, "engine", engine)
    monkeypatch.setattr(lite0.reader, "_settled", True)
    size = lite0.config.dim
    monkeypatch.setattr(lite0.reader, "_run", lambda pixels: (torch.zeros(1, size), torch.zeros(1, 4, size)))
    try:
        assert list(captioned_batches(lite0, "pooled", [tmp_path / "one.png"], 4, decode))
        assert seen == [threads] and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


# --- the exported file ---


def save_text(source: Source, path: str) -> None:
    Path(path).write_text(f"network of {source.name}")
    Path(path).with_suffix(".bin").write_text("weights")


@pytest.fixture
def source() -> Source:
    return Source(torch.nn.Identity(), "tiny", "0123456789abcdef" * 4, 8, "0123456789abcdef" * 4)


def test_a_network_is_exported_once_and_kept(source: Source, home: Path) -> None:
    for save in (save_text, refusing):
        with export.exported(source, "engine-1", "network.xml", save) as file:
            assert file.read_text() == "network of tiny" and file.with_suffix(".bin").exists()
    with pytest.raises(AssertionError), export.exported(source, "engine-2", "network.xml", refusing):
        pass
    assert {folder.name for folder in home.iterdir()} == {
        "tiny-0123456789abcdef-engine-1",
        "tiny-0123456789abcdef-engine-2",
    }


@pytest.mark.parametrize("damage", ["a flipped byte", "cut short", "gone", "no record", "record cut short"])
def test_a_damaged_export_is_made_again(source: Source, home: Path, damage: str) -> None:
    with export.exported(source, "engine-1", "network.xml", save_text) as file:
        weights, record = file.with_suffix(".bin"), file.with_name("record.json")
    match damage:
        case "a flipped byte":
            weights.write_text("Weights")
        case "cut short":
            weights.write_text("weig")
        case "gone":
            weights.unlink()
        case "no record":
            record.unlink()
        case _:
            record.write_text(record.read_text()[:20])
    with export.exported(source, "engine-1", "network.xml", save_text) as file:
        assert file.with_suffix(".bin").read_text() == "weights"
    with export.exported(source, "engine-1", "network.xml", refusing):
        pass


def test_a_network_of_other_weights_is_another_export(source: Source, home: Path) -> None:
    other = Source(source.network, source.name, "f" * 64, source.size, "f" * 64)
    for one in (source, other):
        with export.exported(one, "engine-1", "network.xml", save_text):
            pass
    # a record that says it is another network's is not believed either
    record = home / "tiny-0123456789abcdef-engine-1" / "record.json"
    record.write_text(record.read_text().replace(source.identity, other.identity))
    with pytest.raises(AssertionError), export.exported(source, "engine-1", "network.xml", refusing):
        pass


@pytest.mark.parametrize("error", [NoSpace("No space left."), PermissionError(13, "Permission denied")])
def test_where_an_export_cannot_be_kept_it_is_made_for_this_once(
    source: Source, home: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(export, "_keep", full)
    with export.exported(source, "engine-1", "network.xml", save_text) as file:
        assert file.read_text() == "network of tiny"
    assert not file.exists() and not home.exists()


def test_a_stopped_export_leaves_nothing_that_is_taken_for_one(source: Source, home: Path) -> None:
    def stopped(source: Source, path: str) -> None:
        save_text(source, path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), export.exported(source, "engine-1", "network.xml", stopped):
        pass
    assert [file.name for file in (home / "tiny-0123456789abcdef-engine-1").iterdir()] == ["lock"]
    with export.exported(source, "engine-1", "network.xml", save_text) as file:
        assert json.loads(file.with_name("record.json").read_text())["identity"] == source.identity


def test_exporting_reports_nothing_over_the_network_and_warns_of_nothing(
    home: Path,
    pixels: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
) -> None:
    installed("openvino")
    import socket

    monkeypatch.setattr(export, "warnings", MagicMock())  # nothing is hidden
    handlers = [*logging.getLogger().handlers]

    def refuse(*_: object) -> None:
        raise AssertionError("something was sent")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    backbone("openvino").read(pixels[:1])
    assert [folder for folder in home.iterdir() if "openvino" in folder.name]
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert not [one for one in recwarn if issubclass(one.category, DeprecationWarning | FutureWarning)]
    assert logging.getLogger().handlers == handlers


def refusing(source: Source, path: str) -> None:
    raise AssertionError("it is there already")


# --- captioners at a lower precision ---


def test_a_lower_precision_is_another_captioner_and_says_so(trained: Trained) -> None:
    plain, *others = (Captioner.load(trained.checkpoint, "cpu", precision=one) for one in PRECISIONS)
    assert Captioner.load(trained.checkpoint, "cpu", engine="torch").fingerprint == plain.fingerprint
    assert len({plain.fingerprint, *(one.fingerprint for one in others)}) == len(PRECISIONS)
    for lower, precision in zip(others, ("bfloat16", "float16", "int8"), strict=True):
        assert lower.describe() == plain.describe() | {"precision": precision}
        assert lower.backbone.key == f"{plain.backbone.key}-{precision}"


def test_a_library_remembers_its_precision(call: Call, trained: Trained, tmp_path: Path) -> None:
    where = ("--library", tmp_path / "shapes")
    given = (trained.pictures, *where, "--checkpoint", trained.checkpoint)
    assert call(index, *given, "--precision", "bfloat16", "--engine", "torch", "--limit", 5).code == 0
    assert call(index, *given).code == 0  # the library's own
    refused = call(index, *given, "--precision", "float32")
    assert refused.code == 3 and "bfloat16), not by" in refused.err and "--recaption" in refused.err
    with captionret.Library.open(tmp_path / "shapes") as library:
        made_by = library.made_by
        assert made_by is not None and captioner_of(made_by).compute.precision == "bfloat16"
        picture = next(trained.pictures.glob("*.png"))
        pixels = np.asarray(open_image(picture))
        assert captionret.search(library, pixels, mode="jaccard", captioner=trained.checkpoint)
    assert call(index, *given, "--precision", "float32", "--recaption").code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--engine", "tensorflow"), "There is no engine 'tensorflow'."),
        (("--precision", "bfloat61"), "Did you mean 'bfloat16'?"),
        (("--engine", "onnx", "--precision", "bfloat16"), "does not compute in bfloat16"),
    ],
)
def test_the_shell_says_what_engines_there_are(
    call: Call, trained: Trained, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    given = (trained.pictures, "--library", tmp_path / "new", "--checkpoint", trained.checkpoint)
    ended = call(index, *given, *options)
    assert ended.code == 2 and message in ended.err


# --- engines that do as a test says ---


class Broken:
    def __init__(self, why: str) -> None:
        self.why = why

    def start(self, source: Source, precision: str) -> None:
        raise CannotRun(self.why)


class Working:
    def start(self, source: Source, precision: str) -> object:
        def run(pixels: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.zeros(len(pixels), 1280), torch.zeros(len(pixels), 49, 1280)

        return run


def working(name: str) -> dict[str, Working]:
    return {name: Working()}


def modules(*engines: Mapping[str, object]) -> object:
    known = {name: engine for some in engines for name, engine in some.items()}
    return lambda name, package: known[name.removeprefix(".").removesuffix("_engine")]


@pytest.fixture(scope="module")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of a user who is no machine that tests."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def by_openvino(own_home: Path) -> subprocess.CompletedProcess[str]:
    """A program that uses OpenVINO, in another thread at last, and then waits for Ctrl-C."""
    installed("openvino")
    program = """
import faulthandler, gc, os, signal, threading
from captionret.models.vision.engines.openvino_engine import started
faulthandler.enable()
held = [started()]
held[0].get_property("CPU", "FULL_DEVICE_NAME")
def let_go():
    held.clear()
    gc.collect()
thread = threading.Thread(target=let_go)
thread.start()
thread.join()
try:
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()
except KeyboardInterrupt:
    print("heard")
"""
    environment = {name: value for name, value in os.environ.items() if name not in NO_PERSON}
    environment |= {"HOME": str(own_home), "LOCALAPPDATA": str(own_home)}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )


def test_ctrl_c_is_heard_when_openvino_was_last_used_in_another_thread(
    by_openvino: subprocess.CompletedProcess[str],
) -> None:
    assert (by_openvino.returncode, by_openvino.stdout) == (0, "heard\n"), by_openvino.stderr


def test_openvino_reports_to_nobody_that_it_is_used(
    by_openvino: subprocess.CompletedProcess[str], own_home: Path
) -> None:
    assert by_openvino.returncode == 0 and not list(own_home.iterdir())  # no id of this user, nor counts
