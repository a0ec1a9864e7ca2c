"""A picture may be given as a path, as pixels, as bytes or as an open file, one or many; it is read once."""

import hashlib
import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from captionret.errors import BadImage, BadSetting
from captionret.images import (
    ImageInput,
    Picture,
    as_picture,
    as_pictures,
    decoded_batches,
    find_images,
    load_views,
    open_image,
    opening,
)
from captionret.records import PictureFacts

PIXELS = np.random.default_rng(0).integers(0, 255, (24, 36, 3), np.uint8)


def file_bytes(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


CONTENT = file_bytes(Image.fromarray(PIXELS))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "a.png").write_bytes(CONTENT)
    return tmp_path / "a.png"


def every_form(path: Path) -> list[ImageInput]:
    """One picture in each form a caller may have it in."""
    return [str(path), path, Image.open(path), PIXELS, CONTENT, io.BytesIO(CONTENT), path.open("rb")]


def test_every_form_of_a_picture_gives_the_same_pixels(path: Path) -> None:
    for given in every_form(path):
        pictures, alone = as_pictures(given)
        assert alone and len(pictures) == 1, "a string is one picture, never a sequence of letters"
        assert np.array_equal(load_views(pictures[0], 8)[1], load_views(path, 8)[1])


def test_many_pictures_keep_their_order_and_say_that_they_are_many(path: Path) -> None:
    pictures, alone = as_pictures(every_form(path))
    assert not alone and [picture.path for picture in pictures][:2] == [path, path]
    assert as_pictures([]) == ([], False)
    assert [picture.path for picture in as_pictures(iter([path, path]))[0]] == [path, path]
    assert as_pictures([pictures[3]])[0] == [pictures[3]] and as_pictures(pictures[3]) == (
        [pictures[3]],
        True,
    )


def test_the_hash_of_a_file_is_that_of_its_bytes_and_of_pixels_that_of_their_values(path: Path) -> None:
    of_file = hashlib.sha256(CONTENT).hexdigest()
    hashes = [picture.sha256 for picture in as_pictures(every_form(path))[0]]
    by_pixels = hashes[2]
    assert hashes == [of_file, of_file, by_pixels, by_pixels, of_file, of_file, of_file] != [of_file] * 7
    turned = as_picture(np.ascontiguousarray(PIXELS.transpose(1, 0, 2)))
    assert turned.sha256 != by_pixels, "the size counts, not the values alone"


def test_a_grey_array_is_a_picture(path: Path) -> None:
    assert np.array_equal(np.asarray(open_image(PIXELS[:, :, 0]))[:, :, 2], PIXELS[:, :, 0])
    assert np.array_equal(np.asarray(open_image(PIXELS[::-1])), PIXELS[::-1]), "also one that is a view"


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((3, 8, 9), np.uint8),
        np.zeros((2, 4, 4, 3), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_an_array_of_another_shape_or_type_is_refused_with_the_right_one(given: np.ndarray) -> None:
    with pytest.raises(BadSetting, match=r"uint8 of shape \(height, width, 3\) or \(height, width\)"):
        as_pictures(given)


def test_what_is_no_picture_is_refused_by_its_type(tmp_path: Path) -> None:
    anything: list[Any] = [None, 3, {"a.jpg": 1}, [["a.jpg"]], [None]]
    for given in anything:
        with pytest.raises(BadSetting, match="A picture is a path, a PIL image"):
            as_pictures(given)
    (tmp_path / "t").write_text("words")
    with (tmp_path / "t").open() as text, pytest.raises(BadSetting, match="binary mode"):
        as_pictures(text)


def test_a_file_that_is_closed_or_read_to_its_end_is_said_to_be_so(path: Path) -> None:
    with path.open("rb") as file:
        as_picture(file).open()
        with pytest.raises(BadSetting, match=r"read to its end, \d+ bytes. Begin anew: file.seek\(0\)"):
            as_picture(file)
        file.seek(0)
        as_picture(file).open()
    with pytest.raises(BadSetting, match=r"is a file that is closed\. Open it anew"):
        as_picture(file)


@pytest.mark.parametrize("given", [np.zeros((0, 4, 3), np.uint8), b"", b"no picture", io.BytesIO(b"")])
def test_bytes_and_pixels_that_are_no_picture_are_refused_when_read(given: ImageInput) -> None:
    with pytest.raises(BadImage, match="the given picture"):
        as_picture(given).open()


def test_a_cameras_rotation_is_undone_in_an_image_that_somebody_else_opened() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.open(io.BytesIO(file_bytes(Image.fromarray(PIXELS), "PNG", exif=exif)))
    assert open_image(image).size == (24, 36) == open_image(file_bytes(image, exif=exif)).size
    assert image.size == (36, 24), "and the given image stays as it was"


def test_a_truncated_image_that_somebody_else_opened_is_refused() -> None:
    cut = file_bytes(Image.fromarray(PIXELS), "JPEG")[:900]
    with pytest.raises(BadImage, match="cannot be decoded"):
        open_image(Image.open(io.BytesIO(cut)))


def test_a_tilde_is_the_home_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(path.parent))
    assert open_image("~/a.png").size == (36, 24)


class Counts:
    """How often files are read and pixels decoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: Counter[str] = Counter()
        self.decoded: Counter[str] = Counter()
        read_file, load = opening.read_file, opening.Opened.load

        def counted_read(path: Path | str) -> bytes:
            self.read[Path(path).name] += 1
            return read_file(path)

        def counted_load(header: opening.Opened) -> Image.Image:
            self.decoded[Path(header.name).name] += 1
            return load(header)

        monkeypatch.setattr(opening, "read_file", counted_read)
        monkeypatch.setattr(opening.Opened, "load", counted_load)


def test_a_kept_picture_is_read_and_decoded_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Counts(monkeypatch)
    picture = as_picture(path).kept()
    first = picture.open(at_least=8)
    assert picture.open(at_least=16) is first and picture.sha256 and picture.facts.width == 36
    load_views(picture, 8)
    assert counts.read == counts.decoded == {"a.png": 1}


def test_a_kept_jpeg_has_the_pixels_of_each_size_that_is_asked_for(tmp_path: Path) -> None:
    large = Image.fromarray(PIXELS).resize((1600, 1200))
    (tmp_path / "b.jpg").write_bytes(file_bytes(large, "JPEG"))
    picture = as_picture(tmp_path / "b.jpg").kept()
    for size in (100, 500, 100):
        assert np.array_equal(load_views(picture, size)[1], load_views(tmp_path / "b.jpg", size)[1])


def test_a_batch_reads_and_decodes_each_file_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Counts(monkeypatch)
    (batch,) = decoded_batches([path, as_picture(PIXELS)], 8, 4)
    assert counts.read == counts.decoded == {"a.png": 1}
    assert batch.facts == [PictureFacts(36, 24)] * 2 and batch.positions == [0, 1]
    assert np.array_equal(batch.pixels[0, 0], batch.pixels[0, 1])


def test_positions_say_where_each_picture_stood(path: Path) -> None:
    gone = path.with_name("gone.jpg")
    batches = list(decoded_batches([path, gone, as_picture(b"x"), path, path], 8, 2))
    assert [batch.positions for batch in batches] == [[0], [3], [4]]
    assert [one.path for batch in batches for one in batch.failures] == [str(gone), "the given picture"]


def exif_of(
    date: str = "2019:06:01 12:30:00", make: str = "Canon", model: str = "Canon EOS R5"
) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = make, model, 6
    exif.get_ifd(0x8769)[0x9003] = date
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_facts_of_a_photograph_are_its_upright_size_its_date_and_its_camera(kind: str) -> None:
    picture = as_picture(file_bytes(Image.fromarray(PIXELS).resize((900, 600)), kind, exif=exif_of()))
    taken = None if kind == "TIFF" else "2019-06-01T12:30:00"  # Pillow writes no date into a TIFF
    facts = PictureFacts(600, 900, taken, "Canon EOS R5", orientation=6)
    assert picture.facts == facts
    load_views(picture, 8)
    assert picture.facts == facts, "also after it was decoded at a fraction"


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("NIKON CORPORATION", "D70", "NIKON CORPORATION D70"),
        ("Apple\0\0\0", " iPhone 12 ", "Apple iPhone 12"),
        ("\x1b[31mred", "x\ny", "[31mred x y"),
        ("", "", None),
    ],
)
def test_a_cameras_name_is_readable_whatever_it_noted(make: str, model: str, camera: str | None) -> None:
    content = file_bytes(Image.fromarray(PIXELS), "JPEG", exif=exif_of(make=make, model=model))
    assert as_picture(content).facts.camera == camera


@pytest.mark.parametrize("date", ["0000:00:00 00:00:00", "yesterday", "", "2019:13:41 99:00:00"])
def test_a_date_that_is_none_is_left_out(date: str) -> None:
    content = file_bytes(Image.fromarray(PIXELS), "JPEG", exif=exif_of(date))
    assert as_picture(content).facts.taken is None


def test_other_files_of_a_folder_are_counted_by_kind(tmp_path: Path) -> None:
    names = "a.jpg b.CRW c.x3f d.mp4 e.txt f.xyz g .h.mp4 sub/i.mov sub/j.xmp k.pdf"
    for name in names.split():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    others: Counter[str] = Counter()
    assert [found.name for found in find_images(tmp_path, others=others)] == ["a.jpg"]
    assert others == {
        "RAW photographs": 2,
        "videos": 2,
        "texts": 2,
        "documents": 1,
        "hidden files": 1,
        "other files": 2,
    }


def test_pillows_own_settings_are_left_as_they_were(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import warnings

    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    filters = list(warnings.filters)
    assert open_image(path).size == (36, 24), "our own limit holds, not Pillow's"
    with pytest.raises(BadImage, match="cannot be decoded"):
        open_image(file_bytes(Image.fromarray(PIXELS), "JPEG")[:900])
    assert Image.MAX_IMAGE_PIXELS == 1000 and ImageFile.LOAD_TRUNCATED_IMAGES is True
    assert list(warnings.filters) == filters


def test_pictures_are_decoded_in_several_threads_alike(path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    before = Image.MAX_IMAGE_PIXELS
    with ThreadPoolExecutor(4) as pool:
        for pixels in pool.map(lambda _: np.asarray(open_image(path)), range(40)):
            assert np.array_equal(pixels, PIXELS)
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_picture_says_what_it_is_without_its_content(path: Path) -> None:
    assert repr(as_picture(CONTENT)).startswith("Picture(name='the given picture'")
    assert len(repr(as_picture(CONTENT))) < 120
    assert isinstance(as_picture(path), Picture) and as_picture(path).name == str(path)
