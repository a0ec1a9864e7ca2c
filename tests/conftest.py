"""Where the tests find the real collections, and one small captioner that they share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import shapes
from shapes import Trained

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """The folder of a real collection ("flickr8k", "coco"); a test that asks for one that is not there is skipped."""

    def find(name: str) -> Path:
        root = Path(os.environ.get("CAPTIONRET_DATA") or ROOT.parent / "shared" / "data")
        if not (root / name).is_dir():
            pytest.skip(f"needs the {name} data: not found at {root / name}; set CAPTIONRET_DATA to the folder that holds {name}/")
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
        *(word for name, value in fields.items() for word in ("--set", f"{name}={value}")),
    )
    checkpoint = folder / "checkpoints" / "tiny"
    where = ("--out", str(checkpoint), "--features", str(folder / "features"))
    assert train_captioner.main(["--data", spec, *where, *settings]) == 0
    return Trained(checkpoint, spec, folder / "shapes" / "test", folder / "features", settings)
