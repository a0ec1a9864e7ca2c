"""Where the tests find the real collections."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

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
