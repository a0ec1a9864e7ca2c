"""Perceptual hashes: copies of a picture have nearly the same, other pictures have not."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from captionret.errors import BadImage
from captionret.images import alike_pairs, differing_bits, perceptual_hash, perceptual_hashes
from captionret.images.hashes import ALIKE
from captionret.records import Failure


def scene(seed: int) -> Image.Image:
    """A smooth picture of its own."""
    colours = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    return Image.fromarray(colours).resize((320, 240), Image.Resampling.BICUBIC)


def as_jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def test_copies_of_a_picture_are_alike() -> None:
    picture = scene(1)
    copies: list[Image.Image | bytes] = [
        picture.resize((160, 120)),
        as_jpeg(picture, 30),
        ImageEnhance.Color(picture).enhance(1.2),
        ImageEnhance.Brightness(picture).enhance(1.05),
    ]
    own = perceptual_hash(picture)
    assert max(differing_bits(own, perceptual_hash(copy)) for copy in copies) <= ALIKE


def test_other_pictures_are_not_alike() -> None:
    hashes = np.array([perceptual_hash(scene(seed)) for seed in range(40)], np.uint64)
    assert len(alike_pairs(hashes)) == 0


def test_mirrored_picture_has_the_mirrored_hash() -> None:
    picture = scene(2)
    mirrored = ImageOps.mirror(picture)
    assert differing_bits(perceptual_hash(picture), perceptual_hash(mirrored)) > ALIKE
    assert perceptual_hash(picture, mirrored=True) == perceptual_hash(mirrored)


def test_hash_is_of_the_upright_picture() -> None:
    picture = scene(3)
    turned = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(turned, "PNG", exif=exif)
    assert perceptual_hash(turned.getvalue()) == perceptual_hash(picture)


def test_pairs_are_those_that_counting_bits_finds() -> None:
    numbers = np.random.default_rng(0).integers(0, 2**63, 60).astype(np.uint64)
    numbers[30:] = numbers[:30] ^ np.uint64(0b1011)
    others = numbers[::7]
    one_by_one = [
        [row, place]
        for row, one in enumerate(numbers.tolist())
        for place, other in enumerate(others.tolist())
        if differing_bits(one, other) <= 20
    ]
    assert alike_pairs(numbers, 20, others).tolist() == one_by_one
    assert alike_pairs(numbers, 3).tolist() == [[row, row + 30] for row in range(30)]
    assert alike_pairs(np.zeros(0, np.uint64)).shape == (0, 2)


def test_bad_picture_is_a_failure_in_its_place(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    scene(4).save(good)
    bad.write_bytes(b"no picture")
    first, second = perceptual_hashes([bad, good], progress=False)
    assert isinstance(first, Failure) and first.path == str(bad) and str(bad) in first.reason
    assert second == perceptual_hash(good)
    with pytest.raises(BadImage, match=r"bad\.png"):
        perceptual_hash(bad)
