"""Every kind of picture ends as the same upright 8-bit RGB; views, batches and folders keep their order."""

import hashlib
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from captionret.errors import BadImage
from captionret.images import View, decoded_batches, find_images, load_views, open_image, prepare


def scene(width: int = 60, height: int = 40) -> Image.Image:
    """Smooth, with four unlike corners: red, green, blue, white."""
    corners = np.array([[[220, 20, 20], [20, 200, 20]], [[20, 20, 220], [250, 250, 250]]], np.uint8)
    return Image.fromarray(corners).resize((width, height), Image.Resampling.BILINEAR)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def near(one: Image.Image, other: Image.Image, most: float) -> bool:
    """Whether two pictures differ by at most `most` of 255 on average."""
    assert one.mode == other.mode == "RGB" and one.size == other.size
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean()) <= most


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


@pytest.mark.parametrize(
    ("kind", "options", "most"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("PPM", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 95}, 4),
        ("JPEG", {"quality": 95, "progressive": True}, 4),
        ("GIF", {}, 8),
        ("JPEG2000", {}, 1),
        ("AVIF", {"quality": 95}, 4),
    ],
)
def test_every_format_is_read(kind: str, options: dict[str, object], most: float) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    assert near(open_image(encoded(scene(), kind, **options)), scene(), most)


def test_a_cmyk_jpeg_keeps_its_colours() -> None:
    assert near(open_image(encoded(scene().convert("CMYK"), "JPEG", quality=95)), scene(), 4)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind: str) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    pixels = np.asarray(open_image(encoded(Image.fromarray(ramp), kind)))
    assert np.array_equal(pixels, np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, 2))


def test_big_endian_sixteen_bit_grey_is_read_alike() -> None:
    ramp = np.linspace(0, 65535, 256).astype(">u2").reshape(16, 16)
    header = b"P5 16 16 65535\n"
    assert np.array_equal(np.asarray(open_image(header + ramp.tobytes()))[:, :, 0].ravel(), np.arange(256))


def test_a_picture_of_floats_is_stretched_over_the_whole_range() -> None:
    pixels = np.asarray(
        open_image(encoded(Image.fromarray(np.linspace(-1, 1, 64, dtype=np.float32).reshape(8, 8)), "TIFF"))
    )
    assert pixels.min() == 0 and pixels.max() == 255
    with pytest.raises(BadImage, match="not numbers"):
        open_image(encoded(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"))


@pytest.mark.parametrize("mode", ["1", "L"])
def test_black_and_white_and_grey_become_rgb(mode: str) -> None:
    grey = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert(mode)
    assert np.asarray(open_image(encoded(grey, "PNG")))[:, :, 1].tolist() == [[0, 255], [255, 0]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    image = Image.new(mode, (3, 1))  # black
    image.putalpha(Image.fromarray(np.array([[255, 128, 0]], np.uint8)))
    assert np.asarray(open_image(encoded(image, "PNG")))[0, :, 0].tolist() == [0, 127, 255]


def test_a_transparent_palette_colour_is_white() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 200, 0, 0, 0, 0, 200])
    for column in range(3):
        image.putpixel((column, 0), column)
    for kind in ("PNG", "GIF"):
        pixels = np.asarray(open_image(encoded(image, kind, transparency=1)))
        assert pixels[0].tolist() == [[10, 20, 30], [255, 255, 255], [0, 0, 200]]


@pytest.mark.parametrize(("mode", "colour"), [("L", 7), ("RGB", (7, 8, 9))])
def test_a_transparent_colour_without_an_alpha_channel_is_white(
    mode: str, colour: int | tuple[int, ...]
) -> None:
    image = Image.new(mode, (2, 1), 100 if mode == "L" else (100, 100, 100))
    image.putpixel((0, 0), colour)
    assert np.asarray(open_image(encoded(image, "PNG", transparency=colour)))[0, :, 0].tolist() == [255, 100]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_an_animation_is_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert near(open_image(content), frames[0], 1)


def test_a_cameras_multi_picture_file_is_its_first_picture() -> None:
    content = encoded(scene(), "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40))], quality=95)
    assert near(open_image(content), scene(), 4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_cameras_rotation_is_undone(kind: str, orientation: int) -> None:
    transpose = Image.Transpose
    # how a camera stores an upright scene, by the orientation it then notes: the inverse of the turn
    as_stored = {
        2: transpose.FLIP_LEFT_RIGHT,
        3: transpose.ROTATE_180,
        4: transpose.FLIP_TOP_BOTTOM,
        5: transpose.TRANSPOSE,
        6: transpose.ROTATE_90,
        7: transpose.TRANSVERSE,
        8: transpose.ROTATE_270,
    }
    stored = scene().transpose(as_stored[orientation]) if orientation > 1 else scene()
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    assert near(open_image(encoded(stored, kind, exif=exif(orientation), **options)), scene(), 4)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_no_rotation(orientation: int) -> None:
    assert near(open_image(encoded(scene(), "PNG", exif=exif(orientation))), scene(), 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_whole_pixels_beside_corrupt_exif_are_read(kind: str) -> None:
    content = encoded(scene(), kind, exif=exif(6), **({"lossless": True} if kind == "WEBP" else {}))
    tags = exif(6).tobytes().removeprefix(b"Exif\0\0")
    place = content.index(tags)
    for damaged in (
        bytes(len(tags)),
        b"\xff" * len(tags),
        tags[:4] + b"\xff\xff\xff\xff" + tags[8:],
        b"XX" + tags[2:],
    ):
        broken = content[:place] + damaged + content[place + len(tags) :]
        if kind == "PNG":
            chunk = content.index(b"eXIf")
            crc = struct.pack(">I", zlib.crc32(broken[chunk : place + len(tags)]))
            broken = broken[: place + len(tags)] + crc + broken[place + len(tags) + 4 :]
        read = open_image(broken)
        assert read.size == scene().size and near(read, scene(), 6)


def test_a_large_jpeg_decoded_at_a_fraction_stays_close_to_the_whole() -> None:
    content = encoded(scene(1600, 1200), "JPEG", quality=95)
    fast = open_image(content, at_least=224)
    assert min(fast.size) >= 448 and fast.width < 1600, (
        "it was decoded at a fraction, still twice as large as needed"
    )
    assert np.abs(prepare(fast, 224).astype(int) - prepare(open_image(content), 224)).mean() < 1


def test_a_small_jpeg_is_never_decoded_at_a_fraction() -> None:
    assert open_image(encoded(scene(300, 250), "JPEG"), at_least=224).size == (300, 250)


def test_preparing_squeezes_the_whole_picture_into_the_square() -> None:
    pixels = prepare(scene(300, 100), 24)
    assert pixels.shape == (24, 24, 3) and pixels.dtype == np.uint8
    for (row, column), colour in {
        (0, 0): (220, 20, 20),
        (0, -1): (20, 200, 20),
        (-1, 0): (20, 20, 220),
        (-1, -1): (250, 250, 250),
    }.items():
        assert np.abs(pixels[row, column].astype(int) - colour).max() < 15


def test_a_view_is_the_crop_it_says_and_mirrored_where_it_says() -> None:
    image = scene(200, 100)
    quarter = prepare(image, 16, View(left=0.5, right=1.0, bottom=0.5)).astype(int)
    assert np.abs(quarter - prepare(image.crop((100, 0, 200, 50)), 16)).max() <= 2
    assert np.array_equal(prepare(image, 16, View(mirrored=True)), prepare(image, 16)[:, ::-1])


def test_views_are_cut_from_one_reading_and_come_with_the_files_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(scene(), "PNG"))
    views = (View(), View(left=0.2), View(mirrored=True))
    sha256, pixels = load_views(path, 20, views)
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert pixels.shape == (3, 20, 20, 3) and pixels.dtype == np.uint8
    for view, cut in zip(views, pixels, strict=True):
        assert np.array_equal(cut, prepare(scene(), 20, view))


@pytest.mark.parametrize("batch_size", [1, 2, 3, 10])
def test_batches_keep_the_order_and_name_what_cannot_be_read(tmp_path: Path, batch_size: int) -> None:
    paths = [tmp_path / f"{index}.png" for index in range(7)]
    for index, path in enumerate(paths):
        path.write_bytes(encoded(Image.new("RGB", (9, 9), (30 * index, 0, 0)), "PNG"))
    paths[2].write_bytes(b"")
    paths[3].write_text("not a picture")
    paths[6].unlink()
    batches = list(decoded_batches(paths, 8, batch_size, (View(), View(mirrored=True))))
    assert [len(batch.paths) + len(batch.failures) for batch in batches] == [
        min(batch_size, 7 - start) for start in range(0, 7, batch_size)
    ]
    good = [0, 1, 4, 5]
    assert [path for batch in batches for path in batch.paths] == [paths[index] for index in good]
    assert [failure.path for batch in batches for failure in batch.failures] == [
        str(paths[index]) for index in (2, 3, 6)
    ]
    for batch in batches:
        assert batch.pixels.shape == (2, len(batch.paths), 8, 8, 3) and batch.pixels.dtype == np.uint8
        assert batch.pixels[:, :, 0, 0, 0].tolist() == [[30 * int(path.stem) for path in batch.paths]] * 2
        assert batch.hashes == [hashlib.sha256(path.read_bytes()).hexdigest() for path in batch.paths]
    assert all(failure.path in failure.reason for batch in batches for failure in batch.failures)


def test_no_paths_are_no_batches() -> None:
    assert list(decoded_batches([], 8, 4)) == []


@pytest.mark.skipif(os.name == "nt", reason="links need rights of their own on Windows")
def test_a_folder_is_searched_in_a_fixed_order_without_hidden_ones_and_links_to_folders(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    names = [
        "b.PNG",
        "a.jpg",
        "sub/c.jpeg",
        "sub/.hidden.jpg",
        ".git/d.jpg",
        "sub/deep/e.webp",
        "notes.txt",
        "Z/f.gif",
        "noextension",
    ]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "g.jpg").write_bytes(b"")
    (root / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "h.jpg").symlink_to(tmp_path / "outside" / "g.jpg")
    found = [str(path.relative_to(root)) for path in find_images(root)]
    assert found == ["a.jpg", "b.PNG", "h.jpg", "Z/f.gif", "sub/c.jpeg", "sub/deep/e.webp"]
    assert list(find_images(str(root))) == list(find_images(root))


def test_a_folder_that_may_not_be_listed_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.jpg").write_bytes(b"")
    real = os.scandir

    def guarded(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", guarded)
    unreadable: list[str] = []
    assert [path.name for path in find_images(tmp_path, unreadable)] == ["a.jpg"]
    assert unreadable == [f"{tmp_path / 'closed'}: Permission denied"]


def test_an_iphone_photograph_is_read_and_stands_upright(tmp_path: Path) -> None:
    picture = Image.new("RGB", (64, 32), (200, 30, 30))
    exif = picture.getexif()
    exif[0x0112] = 6  # as a phone held upright writes it
    picture.save(tmp_path / "IMG_0001.HEIC", format="HEIF", quality=90, exif=exif.tobytes())
    assert list(find_images(tmp_path)) == [tmp_path / "IMG_0001.HEIC"]
    opened = open_image(tmp_path / "IMG_0001.HEIC")
    assert opened.size == (32, 64)
    assert np.abs(np.asarray(opened).mean((0, 1)) - (200, 30, 30)).max() < 8
