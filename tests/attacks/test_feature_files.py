"""Pickled features: taken in every form that they are found in, and nothing of a file is run."""

import collections
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from photographs import encoded, photograph

from captionret.app.imported_features import import_features
from captionret.cli import import_features as command
from captionret.datasets import open_dataset
from captionret.datasets.writing.tables import write_table
from captionret.errors import BadCheckpoint, BadDataset
from captionret.models.vision.backbones import Backbone, load_backbone
from captionret.models.vision.feature_files import read_features
from captionret.records import Item
from captionret.training.features import cache_of, extract

ROWS = {9: torch.arange(4.0), 25: torch.ones(4)}


def test_every_form_is_read(tmp_path: Path) -> None:
    path = tmp_path / "features.pkl"
    forms: list[Callable[[], object]] = [
        *(lambda p=p: path.write_bytes(pickle.dumps(ROWS, p)) for p in range(2, 6)),
        lambda: torch.save(ROWS, path),
        lambda: torch.save(ROWS, path, _use_new_zipfile_serialization=False),
        lambda: path.write_bytes(pickle.dumps({key: row.numpy() for key, row in ROWS.items()}, 2)),
        lambda: path.write_bytes(pickle.dumps({key: row.numpy() for key, row in ROWS.items()}, 5)),
        lambda: path.write_bytes(
            pickle.dumps({str(key): row.reshape(1, 4, 1, 1) for key, row in ROWS.items()})
        ),
        lambda: path.write_bytes(pickle.dumps(collections.OrderedDict(ROWS))),
        lambda: path.write_bytes(
            pickle.dumps({key: row.half().requires_grad_() for key, row in ROWS.items()})
        ),
    ]
    for write in forms:
        write()
        found = read_features(path)
        assert {key: row.tolist() for key, row in found.items()} == {"9": [0, 1, 2, 3], "25": [1, 1, 1, 1]}
        assert all(row.dtype == np.float32 for row in found.values())


class Runs:
    """Unpickling it runs a command."""

    def __init__(self, call: Callable[..., object], *given: object) -> None:
        self.call, self.given = call, given

    def __reduce__(self) -> Any:
        return self.call, self.given


def test_nothing_of_a_file_is_run(tmp_path: Path) -> None:
    mark, path = tmp_path / "was-run", tmp_path / "features.pkl"
    inner = pickle.dumps(Runs(os.system, f"touch {mark}"))
    hostile = [
        Runs(os.system, f"touch {mark}"),
        Runs(eval, f"open({str(mark)!r}, 'w')"),
        Runs(torch.load, str(path)),
        Runs(getattr, "a", "upper"),
        Runs(np.load, str(path), None, True),
        Runs(torch.storage._load_from_bytes, inner),  # a pickle in the place of a tensor's bytes
    ]
    for one in hostile:
        path.write_bytes(pickle.dumps({1: torch.ones(4), 2: one}))
        with pytest.raises(BadCheckpoint, match=r"nothing of it was run|was not run"):
            read_features(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({}, "no dictionary"),
        ([torch.ones(4)], "no dictionary"),
        ({1: torch.ones(4), 2: torch.ones(5)}, "not one of the same size"),
        ({1: torch.ones(4), "1": torch.ones(4)}, "not one of the same size"),
        ({1: torch.tensor([1.0, float("nan")])}, "no vector of finite numbers"),
        ({1: torch.ones(2, 2)}, "no vector of finite numbers"),
        ({1: torch.ones(1).expand(2_000_000)}, "no vector of finite numbers"),
        ({1: np.array(["a", {}], object)}, "no vector of finite numbers"),
        ({1: "text"}, "no vector of finite numbers"),
        ({(1, 2): torch.ones(4)}, "is no image id"),
    ],
)
def test_what_is_no_dictionary_of_features_is_refused(tmp_path: Path, value: object, reason: str) -> None:
    path = tmp_path / "features.pkl"
    path.write_bytes(pickle.dumps(value))
    with pytest.raises(BadCheckpoint, match=reason):
        read_features(path)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "features.pkl", pickle.dumps(ROWS)
    for content in (b"", whole[: len(whole) // 2], b"PK\x03\x04 no zip", b"\x80\x04" + b"(" * 5000, b"hello"):
        path.write_bytes(content)
        with pytest.raises(BadCheckpoint, match="damaged, or no file of features"):
            read_features(path)
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        read_features(tmp_path / "gone.pkl")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("resnet18", random=True)


def test_features_of_the_same_network_fill_the_cache_and_others_are_refused(
    tmp_path: Path, backbone: Backbone
) -> None:
    items = []
    for number in range(4):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(encoded(photograph(number)))
        items.append(Item(str(number), path, ("a",)))
    paths = [item.path for item in items if item.path]
    own, _ = extract(backbone, paths, root=tmp_path / "own")
    rows = own.of(np.arange(4))
    keys: list[object] = [0, "1.jpg", "2"]  # ids as numbers and texts, and names
    file = tmp_path / "features.pkl"
    file.write_bytes(pickle.dumps({**{key: rows[place] for place, key in enumerate(keys)}, "other": rows[0]}))
    done = import_features(file, items, backbone, tmp_path / "cache")
    assert (done.stored, done.known, done.absent, done.unknown) == (3, 0, 1, 1) and (
        done.agreement or 0
    ) > 0.999
    taken, _ = extract(backbone, paths, root=tmp_path / "cache")
    assert np.allclose(taken.of(np.arange(4)), rows, atol=2e-3)
    assert import_features(file, items, backbone, tmp_path / "cache").known == 3
    file.write_bytes(pickle.dumps({key: torch.rand(512) - 0.5 for key in keys}))
    with pytest.raises(BadCheckpoint, match="are not those of resnet18"):
        import_features(file, items, backbone, tmp_path / "new")
    assert not cache_of(backbone, tmp_path / "new").exists()
    file.write_bytes(pickle.dumps({1: torch.ones(3)}))
    with pytest.raises(BadCheckpoint, match="features of 3 numbers, resnet18 gives 512"):
        import_features(file, items, backbone, tmp_path / "new")
    file.write_bytes(pickle.dumps({"x": torch.ones(512)}))
    with pytest.raises(BadDataset, match="a feature of none of the 4 images"):
        import_features(file, items, backbone, tmp_path / "new")


def test_the_command_fills_the_cache(
    tmp_path: Path, backbone: Backbone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "1.jpg").write_bytes(encoded(photograph(1)))
    write_table(tmp_path / "t.csv", ("image", "caption"), [("1.jpg", "a dog")])
    own, _ = extract(backbone, [tmp_path / "1.jpg"], root=tmp_path / "own")
    (tmp_path / "f.pkl").write_bytes(pickle.dumps({"1": own.of(np.arange(1))[0]}))
    monkeypatch.setattr("captionret.models.vision.backbones.load_backbone", lambda name: backbone)
    typed = [
        str(tmp_path / "f.pkl"),
        "--data",
        f"table:{tmp_path / 't.csv'}",
        "--features",
        str(tmp_path / "cache"),
    ]
    assert command.main(typed) == 0
    assert capsys.readouterr().out.startswith("stored 1  known 0  absent 0  unknown 0  mean cosine")
    assert len(open_dataset(f"table:{tmp_path / 't.csv'}").items) == 1
