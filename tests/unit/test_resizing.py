"""Pictures as squares: to the bit as Pillow makes them, by the kernel and without it."""

import numpy as np
import pytest
from PIL import Image

from captionret.images import resizing
from captionret.images.batches import View, prepare
from captionret.images.resizing import squared

SIZES = [(40, 30, 24), (30, 40, 24), (24, 24, 24), (24, 31, 24), (31, 24, 24), (7, 5, 33), (1, 1, 8)]
SIZES += [(144, 20, 24), (143, 140, 24), (20, 90, 24), (301, 17, 16)]


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3)).astype(np.uint8)
    pixels[: height // 2] = np.where(pixels[: height // 2] > 127, 255, 0)  # sums beyond a byte, too
    return Image.fromarray(pixels)


@pytest.mark.parametrize(("width", "height", "size"), SIZES)
def test_a_square_is_pillows_to_the_bit(width: int, height: int, size: int) -> None:
    image = noise(width, height)
    wanted = np.array(image.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0))
    assert np.array_equal(squared(image, size), wanted)
    assert np.array_equal(prepare(image, size), wanted)
    assert np.array_equal(prepare(image, size, View(mirrored=True)), wanted[:, ::-1])


def test_without_the_kernel_pillow_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    image = noise(40, 30)
    wanted = squared(image, 24)
    monkeypatch.setattr(resizing, "KERNEL", None)
    assert np.array_equal(squared(image, 24), wanted)


def test_the_kernel_reads_and_writes_nothing_that_is_not_there() -> None:
    if resizing.KERNEL is None:
        pytest.skip("not compiled")
    firsts, counts, weights = (np.copy(one) for one in resizing._weights(40, 24))
    pixels, room = np.zeros((30, 40, 3), np.uint8), np.zeros((24, 24, 3), np.uint8)
    down = resizing._weights(30, 24)
    firsts[-1] = 39
    for across, there, into in (
        ((firsts, counts, weights), pixels, room),
        (resizing._weights(40, 24), pixels[1:], room),
        (resizing._weights(40, 24), pixels, room[1:]),
    ):
        with pytest.raises(ValueError, match="do not fit"):
            resizing.KERNEL.resize(there, 30, 40, *across, *down, into)
