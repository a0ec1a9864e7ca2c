"""The feature cache: each picture passes through the CNN once, and what comes back is always that picture's
own feature."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import shape

from captionret.errors import BadCheckpoint, BadSetting
from captionret.images import WHOLE, View
from captionret.models.vision.backbones import Backbone, load_backbone
from captionret.training import features
from captionret.training.features import Features, FeatureStore, augmented_views, extract

ROOT = Path(__file__).resolve().parents[2]
NAMES = [f"{number:064x}" for number in range(20)]
ROWS = np.arange(20, dtype=np.float16)[:, None] * np.ones(3, np.float16)  # row n of picture n is (n, n, n)


def random_backbone(name: str = "resnet18", seed: int = 0) -> Backbone:
    torch.manual_seed(seed)
    return load_backbone(name, random=True)


@pytest.fixture(scope="module")
def resnet() -> Backbone:
    return random_backbone()


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures were in each pass through the CNN."""
    counts: list[int] = []
    real = features.run

    def counted(backbone: Backbone, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        counts.append(len(pixels))
        return real(backbone, pixels)

    monkeypatch.setattr(features, "run", counted)
    return counts


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    return [shape(tmp_path / "pictures" / f"{number}.png", "red", "circle", number) for number in range(5)]


def get(
    backbone: Backbone,
    paths: Sequence[Path],
    root: Path,
    kind: str = "pooled",
    views: tuple[View, ...] = (WHOLE,),
) -> Features:
    found, failures = extract(backbone, paths, kind, views, root=root, batch_size=2, progress=False)
    assert failures == []
    return found


def test_each_picture_passes_through_the_cnn_once(
    resnet: Backbone, pictures: list[Path], tmp_path: Path, passed: list[int]
) -> None:
    first = get(resnet, pictures, tmp_path / "cache")
    assert sum(passed) == 5
    again = get(resnet, pictures, tmp_path / "cache")
    assert sum(passed) == 5
    assert torch.equal(first.of(np.arange(5)), again.of(np.arange(5)))
    more = [*pictures, shape(tmp_path / "pictures" / "new.png", "blue", "square")]
    assert torch.equal(get(resnet, more, tmp_path / "cache").of(np.arange(5)), first.of(np.arange(5)))
    assert sum(passed) == 6


def test_cached_feature_is_the_pictures_own(resnet: Backbone, pictures: list[Path], tmp_path: Path) -> None:
    get(resnet, pictures[::-1], tmp_path / "cache")
    found = get(resnet, pictures, tmp_path / "cache").of(np.arange(5))
    for index, path in enumerate(pictures):
        alone = get(resnet, [path], tmp_path / f"cache-{index}").of(np.arange(1))
        assert torch.allclose(found[index], alone[0], rtol=2e-3, atol=1e-3)  # float16, and other batches


def test_other_weights_have_a_cache_of_their_own(
    resnet: Backbone, pictures: list[Path], tmp_path: Path, passed: list[int]
) -> None:
    first = get(resnet, pictures, tmp_path / "cache")
    other = get(random_backbone(seed=1), pictures, tmp_path / "cache")
    assert sum(passed) == 10
    assert not torch.allclose(first.of(np.arange(5)), other.of(np.arange(5)), atol=1e-2)
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_cache_key_names_network_weights_and_preprocessing(resnet: Backbone) -> None:
    assert resnet.key.startswith("resnet18-random-")
    assert resnet.key.endswith("-" + resnet.config.preprocessing.key)
    assert random_backbone(seed=1).key != resnet.key


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_lite0"])
def test_mean_of_the_grid_is_the_pooled_feature(name: str, pictures: list[Path], tmp_path: Path) -> None:
    backbone = load_backbone(name) if "lite" in name else random_backbone(name)
    pooled = get(backbone, pictures, tmp_path / "cache").of(np.arange(5))
    grid = get(backbone, pictures, tmp_path / "cache", "grid").of(np.arange(5))
    assert grid.shape == (5, 49, backbone.config.dim)
    assert torch.allclose(grid.mean(1), pooled, rtol=5e-3, atol=5e-3)


def test_every_view_has_its_own_features(
    resnet: Backbone, pictures: list[Path], tmp_path: Path, passed: list[int]
) -> None:
    views = augmented_views(3)
    found = get(resnet, pictures, tmp_path / "cache", views=views)
    assert sum(passed) == 15
    whole = get(resnet, pictures, tmp_path / "cache").of(np.arange(5))
    assert sum(passed) == 15
    chosen = np.array([0, 1, 2, 0, 1])
    mixed = found.of(np.arange(5), chosen)
    assert torch.equal(mixed[[0, 3]], whole[[0, 3]])
    for index, view in enumerate(chosen.tolist()):
        alone = get(resnet, [pictures[index]], tmp_path / "alone", views=(views[view],))
        assert torch.allclose(mixed[index], alone.of(np.arange(1))[0], rtol=2e-3, atol=1e-3)


def test_mirrored_view_is_the_feature_of_the_mirrored_picture(
    resnet: Backbone, pictures: list[Path], tmp_path: Path
) -> None:
    from PIL import Image, ImageOps

    with Image.open(pictures[0]) as image:
        ImageOps.mirror(image).save(tmp_path / "mirrored.png")
    mirrored = get(resnet, pictures[:1], tmp_path / "cache", views=(View(mirrored=True),)).of(np.arange(1))
    assert torch.allclose(
        mirrored,
        get(resnet, [tmp_path / "mirrored.png"], tmp_path / "cache").of(np.arange(1)),
        rtol=2e-3,
        atol=2e-3,
    )


def test_augmented_views_are_distinct_and_inside_the_picture() -> None:
    views = augmented_views(12)
    assert views[0] == WHOLE
    assert len(set(views)) == 12
    for view in views:
        assert 0 <= view.left < view.right <= 1
        assert 0 <= view.top < view.bottom <= 1
    assert augmented_views(1) == (WHOLE,)
    assert augmented_views(4) == views[:4]
    with pytest.raises(BadSetting, match="12 views"):
        augmented_views(13)


def test_copies_of_one_content_share_a_row(
    resnet: Backbone, pictures: list[Path], tmp_path: Path, passed: list[int]
) -> None:
    copy = Path(shutil.copy(pictures[0], tmp_path / "copy.png"))
    found = get(resnet, [*pictures, copy], tmp_path / "cache")
    assert sum(passed) == 5
    assert found.rows[0, 0] == found.rows[0, 5]
    assert found.hashes[0] == found.hashes[5]
    assert len(found.present) == 6


def test_unreadable_pictures_are_named_and_the_others_stay_aligned(
    resnet: Backbone, pictures: list[Path], tmp_path: Path
) -> None:
    expected = get(resnet, pictures, tmp_path / "cache").of(np.arange(5))
    text, missing, empty, copy = (
        tmp_path / name for name in ("notes.jpg", "missing.jpg", "empty.png", "empty too.png")
    )
    text.write_text("not a picture")
    empty.touch()
    copy.touch()
    mixed = [text, pictures[0], pictures[1], missing, pictures[2], empty, copy, pictures[3], pictures[4]]
    found, failures = extract(resnet, mixed, root=tmp_path / "cache", progress=False)
    assert sorted(failure.path for failure in failures) == sorted(map(str, (text, missing, empty, copy)))
    assert all(failure.path in failure.reason for failure in failures)
    assert found.present.tolist() == [1, 2, 4, 7, 8]
    assert torch.equal(found.of(np.arange(5)), expected)


def test_nothing_readable_gives_no_features_and_every_reason(resnet: Backbone, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    found, failures = extract(resnet, [tmp_path / "a.jpg"], root=tmp_path / "cache", progress=False)
    assert len(found.present) == 0
    assert [failure.path for failure in failures] == [str(tmp_path / "a.jpg")]
    assert found.of(np.arange(0)).shape == (0, 512)


def is_true(store: FeatureStore) -> bool:
    """Whether every row that is named is that picture's."""
    table = store.memmap()
    return all((table[row] == NAMES.index(name)).all() for name, row in store.rows.items())


def filled(folder: Path, count: int) -> FeatureStore:
    store = FeatureStore(folder, (3,))
    store.append(NAMES[:count], ROWS[:count])
    return store


def damage(folder: Path, how: str) -> None:
    index, rows = folder / "index.txt", folder / "rows.f16"
    if how == "rows without names":
        rows.write_bytes(rows.read_bytes() + ROWS[:2].tobytes())
    elif how == "half a row":
        rows.write_bytes(rows.read_bytes() + b"\x01\x02\x03")
    elif how == "names without rows":
        index.write_text(index.read_text() + f"{NAMES[18]}\n{NAMES[19]}\n")
    elif how == "name cut in the middle":
        index.write_text(index.read_text() + NAMES[18][:30])
        rows.write_bytes(rows.read_bytes() + ROWS[:1].tobytes())
    elif how == "name cut before its line's end":
        index.write_text(index.read_text() + NAMES[18])
        rows.write_bytes(rows.read_bytes() + ROWS[:1].tobytes())
    elif how == "names lost to zeros":
        content = index.read_bytes()
        index.write_bytes(content[:-65] + b"\0" * 65)
    elif how == "names lost to other bytes":
        content = index.read_bytes()
        index.write_bytes(content[:-40] + b"\xff" * 40)
    elif how == "rows cut":
        os.truncate(rows, rows.stat().st_size - 4)
    elif how == "rows gone":
        rows.unlink()
    elif how == "names gone":
        index.unlink()


DAMAGE = (
    *(
        "rows without names",
        "half a row",
        "names without rows",
        "name cut in the middle",
        "name cut before its line's end",
    ),
    *("names lost to zeros", "names lost to other bytes", "rows cut", "rows gone", "names gone"),
)


@pytest.mark.parametrize("how", DAMAGE)
def test_cut_append_is_repaired_and_nothing_wrong_is_ever_returned(tmp_path: Path, how: str) -> None:
    filled(tmp_path, 4)
    damage(tmp_path, how)
    store = FeatureStore(tmp_path, (3,))
    assert set(store.rows) <= set(NAMES[:4])
    if store.rows:
        assert is_true(store)
    missing = [number for number in range(8) if NAMES[number] not in store.rows]
    store.append([NAMES[number] for number in missing], ROWS[missing])
    assert set(store.rows) == set(NAMES[:8]) and is_true(store)
    again = FeatureStore(tmp_path, (3,))
    assert again.rows == store.rows and is_true(again)
    assert (tmp_path / "index.txt").stat().st_size == 8 * 65
    assert (tmp_path / "rows.f16").stat().st_size == 8 * 6


def test_appending_twice_keeps_one_row(tmp_path: Path) -> None:
    store = filled(tmp_path, 3)
    store.append([NAMES[1], NAMES[4], NAMES[4]], ROWS[[1, 4, 4]])
    assert len(store.rows) == 4
    assert is_true(store) and is_true(FeatureStore(tmp_path, (3,)))


def test_two_processes_fill_one_cache_at_once(tmp_path: Path) -> None:
    program = f"""
import random, sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}, {str(ROOT / "tests" / "unit")!r}]
from test_features import NAMES, ROWS, FeatureStore, Path
order = list(range(20))
random.Random(int(sys.argv[1])).shuffle(order)
store = FeatureStore(Path(sys.argv[2]), (3,))
for turn in range(40):
    chosen = order[turn % 20 : turn % 20 + 2]
    store.append([NAMES[number] for number in chosen], ROWS[chosen])
"""
    command = [sys.executable, "-c", program]
    processes = [
        subprocess.Popen([*command, seed, str(tmp_path / "store")], stderr=subprocess.PIPE, text=True)
        for seed in "12"
    ]
    for process in processes:
        _, message = process.communicate(timeout=60)
        assert process.returncode == 0, message
    store = FeatureStore(tmp_path / "store", (3,))
    assert set(store.rows) == set(NAMES) and is_true(store)


def test_cache_filled_by_another_meanwhile_is_not_filled_twice(tmp_path: Path) -> None:
    ours = FeatureStore(tmp_path, (3,))
    filled(tmp_path, 5)
    ours.append(NAMES[3:8], ROWS[3:8])
    assert set(ours.rows) == set(NAMES[:8]) and is_true(ours)
    assert (tmp_path / "rows.f16").stat().st_size == 8 * 6


@pytest.mark.filterwarnings("error")  # numpy's, of an overflow
def test_features_that_float16_cannot_hold_are_refused_and_nothing_is_stored(
    resnet: Backbone, pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = features.run

    def large(backbone: Backbone, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pooled, grid = real(backbone, pixels)
        return pooled + 70_000, grid

    monkeypatch.setattr(features, "run", large)
    with pytest.raises(BadCheckpoint, match=f"float16 cannot hold, for {resnet.key}"):
        get(resnet, pictures, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("rows.f16"))
    monkeypatch.setattr(features, "run", real)
    assert get(resnet, pictures, tmp_path / "cache").of(np.arange(5)).isfinite().all()


def test_largest_number_of_float16_is_stored_as_it_is(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "cache", (3,))
    store.append(NAMES[:1], np.full((1, 3), 65504, np.float32))
    assert np.array_equal(store.memmap(), np.full((1, 3), 65504, np.float16))
    with pytest.raises(BadCheckpoint, match="float16 cannot hold"):
        store.append(NAMES[1:2], np.full((1, 3), 65520, np.float32))
    assert list(FeatureStore(tmp_path / "cache", (3,)).rows) == NAMES[:1]
