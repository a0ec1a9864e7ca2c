"""What the tests share: the real collections, one small captioner and its library, and typing a command."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import shapes
import shapes_encoder
from shapes import Trained
from typed import Call, Ended

from captionret import progress
from captionret.config import Registry

if TYPE_CHECKING:  # a test run that needs no network imports no torch
    from warm import Warm

    from captionret.models.vision.backbones import Backbone

ROOT = Path(__file__).resolve().parents[1]
if "PYTEST_XDIST_WORKER" in os.environ:  # one thread a worker, or they would stand in each other's way
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in a job that a shell runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what tests start has to hear Ctrl-C
os.environ |= {"NO_PROXY": "*", "no_proxy": "*"}  # the servers of tests are on this machine
# For the workers and what they start: glibc gives every large array back to the system and asks for it anew,
# a third of the time of a CNN.
os.environ |= {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**31)}
MEMORY, ROOM = Path("/dev/shm"), 4 << 30  # a file system in memory, and how much of it tests may fill


def in_memory() -> bool:
    """Whether temporary files may lie in memory: there is room, and programs may be started from there."""
    if sys.platform != "linux" or not os.access(MEMORY, os.W_OK | os.X_OK):
        return False
    held = os.statvfs(MEMORY)
    return held.f_bavail * held.f_frsize >= ROOM and not held.f_flag & os.ST_NOEXEC


# A library writes every change through to the disk, and waiting for it is most of the time of making one.
if "PYTEST_DEBUG_TEMPROOT" not in os.environ and in_memory():
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)


@pytest.fixture(autouse=True)
def log_of_its_own() -> Iterator[None]:
    """A command that a test runs shows what the library logs; the next test's log is as Python has it."""
    yield
    logger = logging.getLogger("captionret")
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)
    progress.show(None)


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """The folder of a real collection ("flickr8k", "coco"); a test that asks for one that is not there is
    skipped."""

    def find(name: str) -> Path:
        root = Path(os.environ.get("CAPTIONRET_DATA") or ROOT.parent / "shared" / "data")
        if not (root / name).is_dir():
            pytest.skip(
                f"needs the {name} data: not found at {root / name}; set CAPTIONRET_DATA to the folder that "
                f"holds {name}/"
            )
        return root / name

    return find


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The shared captioner, trained by the command itself; nothing may change it."""
    from captionret.cli import train_captioner

    folder = tmp_path_factory.mktemp("trained")
    spec = shapes.table(folder / "shapes", {"train": 8, "val": 3, "test": 2})
    fields = {"embed_dim": 64, "hidden_dim": 64, "learning_rate": 0.01, "dropout": 0, "average": 0}
    settings = (
        *("--epochs", "30", "--patience", "30", "--batch-size", "16", "--augment", "1"),
        *("--precision", "float32"),  # the same captioner on every machine
        *(word for name, value in fields.items() for word in ("--set", f"{name}={value}")),
    )
    checkpoint = folder / "checkpoints" / "tiny"
    where = ("--out", str(checkpoint), "--features", str(folder / "features"))
    assert train_captioner.main(["--data", spec, *where, *settings]) == 0
    return Trained(checkpoint, spec, folder / "shapes" / "test", folder / "features", settings)


@pytest.fixture(scope="session")
def library(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test pictures, captioned by the command; nothing may change it."""
    from captionret.cli import index

    path = tmp_path_factory.mktemp("libraries") / "shapes"
    where = ("--library", str(path), "--checkpoint", str(trained.checkpoint))
    assert index.main([str(trained.pictures), *where]) == 0
    return path


@pytest.fixture(scope="session")
def lite0() -> "Backbone":
    from captionret.models.vision.backbones import load_backbone

    return load_backbone("efficientnet_lite0")


@pytest.fixture(scope="session")
def lexical_head(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lexical head for the same shapes, on the same backbone, trained by the command."""
    from captionret.cli import train_captioner

    out = tmp_path_factory.mktemp("head") / "words"
    fields = {
        "backbone": "efficientnet_lite0",
        "min_count": 4,
        "hidden_dim": 64,
        "learning_rate": 0.01,
        "dropout": 0,
    }
    settings = [
        "--variant",
        "words-lite",
        "--augment",
        "1",
        "--epochs",
        "30",
        "--patience",
        "30",
        "--batch-size",
        "16",
    ]
    settings += [word for name, value in fields.items() for word in ("--set", f"{name}={value}")]
    assert (
        train_captioner.main(
            ["--data", trained.spec, "--out", str(out), "--features", str(trained.features), *settings]
        )
        == 0
    )
    return out


@pytest.fixture(scope="session")
def spaces(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each mode that compares in an embedding space one for the same shapes; that of vse tells colours,
    the others are untrained; that of clip is an
    encoder."""
    import torch

    from captionret.cli import train_embedding, train_skipthought
    from captionret.datasets import open_dataset
    from captionret.models.captioning.config import CAPTIONER
    from captionret.models.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
    from captionret.models.embedding.config import EMBEDDING
    from captionret.models.embedding.network import EmbeddingNetwork
    from captionret.models.embedding.rows import EMBEDDING_MODELS
    from captionret.training.embedding import fitting

    folder = tmp_path_factory.mktemp("spaces")
    fields = {
        "backbone": "efficientnet_lite0",
        "dim": 50,
        "word_dim": 50,
        "learning_rate": 0.01,
        "epochs": 30,
        "validate_every": 0,
        "unit_in_training": "true",
    }
    settings = [word for name, value in fields.items() for word in ("--set", f"{name}={value}")]
    where = ["--out", str(folder / "vse"), "--features", str(trained.features)]
    assert train_embedding.main(["--variant", "vse-bow", "--data", trained.spec, *where, *settings]) == 0
    captioner = read_checkpoint(trained.checkpoint, CAPTIONER)
    small = ("word_dim=16", "hidden_dim=16", "epochs=1")
    skipthought = [
        "--variant",
        "skip",
        "--direction",
        "uni",
        "--data",
        trained.spec,
        "--out",
        str(folder / "uni"),
    ]
    assert (
        train_skipthought.main([*skipthought, *(word for setting in small for word in ("--set", setting))])
        == 0
    )
    rows = {
        "devise": "devise",
        "glove-map": "glove-map",
        "skip-thoughts": "skipthought-rank",
        "embedding": "sentence-map",
    }
    for mode, name in rows.items():
        encoder = str(folder / "uni") if mode == "skip-thoughts" else None
        config = replace(EMBEDDING_MODELS[name], backbone="efficientnet_lite0", skipthought=encoder)
        config = fitting(config, open_dataset(trained.spec))
        torch.manual_seed(0)
        space = EmbeddingNetwork(config, len(captioner.vocabulary))
        if space.idf is not None:
            space.idf.fill_(1)
        made = Checkpoint(
            name,
            config,
            captioner.vocabulary,
            captioner.backbone,
            space.state_dict(),
            {},
            kind=EMBEDDING.name,
        )
        save_checkpoint(folder / mode, made, torch.float32)
    return {mode: folder / mode for mode in ("vse", *rows)} | {"clip": Path(shapes_encoder.register())}


@pytest.fixture(scope="session")
def warm() -> "Iterator[Warm]":
    """Runs programs that import torch, each in a process of its own, without waiting for that."""
    from warm import warm_python

    with warm_python() as run:
        yield run


@pytest.fixture
def short_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row that trains does so for one epoch and sees one view of each picture: for what tests that a
    command works, not what it learns."""
    from captionret.models.captioning.config import VARIANTS
    from captionret.models.embedding.rows import EMBEDDING_MODELS
    from captionret.models.sentence.skipthought.config import SKIP_THOUGHTS
    from captionret.training.self_critical import CHANGES

    tables: tuple[Registry[Any], ...] = (VARIANTS, EMBEDDING_MODELS, SKIP_THOUGHTS)
    for table in tables:
        for name, row in table.items():
            views = {"views": 1} if hasattr(row, "views") else {}
            monkeypatch.setitem(table._rows, name, replace(row, epochs=1, **views))
    monkeypatch.setitem(CHANGES, "epochs", 1)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Run a command in this process as its script would, in an empty folder."""
    from captionret.cli import options as options

    monkeypatch.chdir(tmp_path)

    def run(module: Any, *arguments: object) -> Ended:
        capsys.readouterr()  # what fixtures and earlier commands said
        try:
            code = options.run(lambda _: module.main([str(argument) for argument in arguments]))
        except SystemExit as usage:  # argparse's own way out
            code = int(str(usage.code))
        return Ended(code, *capsys.readouterr())

    return run
