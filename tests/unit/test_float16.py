"""The CNN in float16: the kernel's features are PyTorch's, but for rounding; other networks are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from captionret.errors import BadSetting
from captionret.models.vision.engines import float16_engine, reader
from captionret.models.vision.engines.float16_plan import Plan
from captionret.models.vision.engines.float16_steps import plan_of
from captionret.models.vision.engines.protocols import CannotRun, Source
from captionret.models.vision.engines.reader import Reader
from captionret.models.vision.engines.rows import Compute

SIZE = 21


class Tiny(nn.Module):
    """Every kind of step, with numbers of channels that fill no register: a first convolution, one of each
    channel alone, with zeros around it that differ from side to side, a sum, and means over two grids."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 40, 3, 2)
        self.apart = nn.Conv2d(40, 40, 5, 1, groups=40)
        self.narrow = nn.Conv2d(40, 40, 1)
        self.wide = nn.Conv2d(40, 150, 1)
        self.halved = nn.Conv2d(150, 150, 3, 2, padding=1, groups=150)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(N, S, S, 3) uint8 -> (N, 300), (N, cells, 150)"""
        images = ((pixels.float() - 127) * (1 / 128)).permute(0, 3, 1, 2)
        cells = functional.relu6(self.first(functional.pad(images, (0, 1, 0, 1))))
        apart = functional.relu6(self.apart(functional.pad(cells, (1, 3, 2, 2))))
        grid = functional.relu6(self.wide(self.narrow(apart) + cells))
        pooled = torch.cat([grid.mean((2, 3)), self.halved(grid).mean((2, 3))], 1)
        return pooled, grid.flatten(2).transpose(1, 2)


class Other(nn.Module):
    """Whatever it is given, with the rest that there has to be."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """As Tiny."""
        grid = self.network(pixels.float().permute(0, 3, 1, 2))
        return grid.mean((2, 3)), grid.flatten(2).transpose(1, 2)


def source_of(network: nn.Module) -> Source:
    return Source(network.eval().requires_grad_(False), "tiny", "5" * 64, SIZE, "5" * 64)


@pytest.fixture(scope="module")
def tiny() -> Source:
    torch.manual_seed(0)
    return source_of(Tiny())


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)


def test_the_kernel_gives_pytorchs_features_but_for_rounding(
    tiny: Source, pixels: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if float16_engine.KERNEL is None or not float16_engine.KERNEL.runs():
        pytest.skip("this processor does not multiply float16")
    monkeypatch.setenv("CAPTIONRET_HOME", str(tmp_path))
    run = float16_engine.start(tiny, "float16")
    for found, wanted in zip(run(pixels), tiny.network(torch.from_numpy(pixels)), strict=True):
        assert found.dtype == torch.float32 and found.shape == wanted.shape
        assert torch.allclose(found, wanted, atol=0.005)


def test_no_step_writes_over_what_is_read_later(tiny: Source) -> None:
    plan = plan_of(tiny, 2)
    for _, from_, to, added, *shape in plan.steps[1:]:
        depth, columns, height, width, high, wide = (shape[at] for at in (2, 3, 4, 5, 10, 11))
        written, read = (to, to + 2 * high * wide * columns), (from_, from_ + 2 * height * width * depth)
        assert min(written[1], read[1]) <= max(written[0], read[0]) and added != to
        assert max(written[1], read[1]) <= plan.memory
    assert len({plan.grid, *plan.pooled}) == 2 and plan.grid == plan.pooled[0]
    again = Plan.of_arrays(plan.arrays())
    assert again.pooled == plan.pooled and np.array_equal(again.weights, plan.weights)


@pytest.mark.parametrize(
    ("network", "what"),
    [
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.MaxPool2d(2)), "max_pool2d"),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)), "a convolution"),
    ],
)
def test_a_network_with_other_parts_is_refused(network: nn.Module, what: str) -> None:
    with pytest.raises(CannotRun, match=f"tiny has {what} that float16 is not made for"):
        plan_of(source_of(Other(network)), 1)


def test_weights_that_float16_cannot_hold_are_refused(tiny: Source) -> None:
    large = Tiny()
    nn.init.constant_(large.narrow.weight, 1e6)
    with pytest.raises(CannotRun, match="tiny has weights that float16 cannot hold"):
        plan_of(source_of(large), 1)


def test_a_processor_without_float16_says_so(
    tiny: Source, pixels: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(float16_engine, "KERNEL", None)
    monkeypatch.setattr(reader, "import_module", lambda name, package: float16_engine)
    with pytest.raises(
        BadSetting, match=r"does not compute in float16\. No engine here .* another precision"
    ):
        Reader(tiny, Compute("auto", "float16"), "cpu").read(pixels)
