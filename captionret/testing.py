"""A test kit for plug-ins: whether a captioner, or an encoder, keeps what a library asks of it.

from captionret.testing import check_captioner, check_encoder

def test_it_is_a_captioner():
    check_captioner(MyCaptioner())
"""

import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .captioners import ImageCaptioner, StreamedCaptioner
from .counting import counted
from .decoding import OwnWay
from .images import Picture, as_picture
from .records import CaptionResult, Failure

if TYPE_CHECKING:
    from .models.encoders import PictureEncoder

SIZES = ((64, 48), (31, 57), (1, 1), (300, 20))


def check_captioner(
    captioner: ImageCaptioner, pictures: Sequence[Path] | None = None, *, every: bool = True
) -> None:
    """Caption some pictures in the ways in which a library does, and look at what comes back.

    pictures: some that it can caption; None: a few that are drawn for it
    every:    whether it has a caption for each of them
    errors:   AssertionError, which says what is not kept
    """
    with _drawn() if pictures is None else contextlib.nullcontext(list(pictures)) as paths:
        _check_name(captioner)
        given = [as_picture(path).kept() for path in paths]
        answers = list(captioner.caption(given))
        assert len(answers) == len(given), (
            f"{counted(len(answers), 'answers')} for {counted(len(given), 'pictures')}"
        )
        assert list(captioner.caption([])) == [], "no picture has no answer"
        streamed = StreamedCaptioner(captioner)
        _check_record(streamed)
        results = _results(streamed, paths)
        for path, result in zip(paths, results, strict=True):
            _check_result(path, result, every)
        alone = [one for path in paths for one in _results(streamed, [path])]
        assert [*map(_texts, alone)] == [*map(_texts, results)], "a picture's captions depend on its batch"
        _check_bad(streamed, paths)


def check_encoder(encoder: "PictureEncoder", pictures: Sequence[Path] | None = None) -> None:
    """Encode some pictures and texts in the ways in which a library does, and look at what comes back.

    encoder:  as load_encoder gives it: of a plug-in load_encoder("mine:WHAT")
    pictures: some that it can encode; None: a few that are drawn for it
    errors:   AssertionError, which says what is not kept
    """
    texts = ["a dog on a beach", "two red cars", "a"]
    with _drawn() if pictures is None else contextlib.nullcontext(list(pictures)) as paths:
        images = encoder.encode_images(paths)
        alone = [encoder.encode_images(path) for path in paths]
    places = encoder.encode_texts(texts)
    assert isinstance(encoder.key, str) and encoder.key, "its key is a text that tells its vectors apart"
    facts = encoder.describe()
    assert json.loads(json.dumps(facts)) == facts, f"JSON cannot hold what it says of itself: {facts}"
    for rows, count, what in ((images, len(paths), "pictures"), (places, len(texts), "texts")):
        assert rows.ndim == 2 and len(rows) == count, f"{rows.shape} for {count} {what}"
        assert np.isfinite(rows).all(), f"vectors of {what} hold what is no number"
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4), f"vectors of {what} have no direction"
    assert images.shape[1] == places.shape[1], (
        f"pictures have {images.shape[1]} numbers, texts {places.shape[1]}: they are of one space"
    )
    assert np.allclose(images, alone, atol=1e-4), "a picture's vector depends on its batch"
    each = np.concatenate([encoder.encode_texts([text]) for text in texts])
    assert np.allclose(places, each, atol=1e-4), "a text's vector depends on its batch"
    assert not np.allclose(places[0], places[1], atol=1e-4), "different texts have the same vector"


def _check_name(captioner: ImageCaptioner) -> None:
    name = captioner.name
    assert isinstance(name, str) and name.strip() == name and name, f"its name is {name!r}"
    assert name.isprintable(), f"its name {name!r} cannot be typed"


def _check_record(streamed: StreamedCaptioner) -> None:
    facts = streamed.describe()
    assert json.loads(json.dumps(facts)) == facts, f"JSON cannot hold what it says of itself: {facts}"
    assert len(streamed.fingerprint) == 64, "its fingerprint is a SHA-256"
    again = StreamedCaptioner(streamed.captioner)
    assert again.fingerprint == streamed.fingerprint, "its fingerprint changes from call to call"


def _check_result(path: Path, result: object, every: bool) -> None:
    if isinstance(result, Failure):
        assert not every, f"it has no caption for {path}: {result.reason}"
        return
    assert isinstance(result, CaptionResult), f"{path}: it gives {type(result).__name__}"
    assert result.path == path and result.sha256 == as_picture(path).sha256, (
        f"{path}: another picture's answer"
    )
    for caption in result.captions:
        text = caption.text
        assert text.strip() and text == " ".join(text.split()), (
            f"{path}: the caption {text!r} is not one line"
        )


def _check_bad(streamed: StreamedCaptioner, paths: Sequence[Path]) -> None:
    """A picture that is none stops nobody."""
    with tempfile.TemporaryDirectory() as folder:
        bad = Path(folder) / "bad.jpg"
        bad.write_bytes(b"this is no picture")
        results = _results(streamed, [paths[0], bad, paths[0]])
    assert isinstance(results[1], Failure), "a file that is no picture is captioned"
    assert _texts(results[0]) == _texts(results[2]), "it captions the same picture in two ways"


def _results(streamed: StreamedCaptioner, paths: Sequence[Path | Picture]) -> list[object]:
    stream = streamed.caption_stream(paths, decoding=OwnWay(), batch_size=8)
    return [result for batch in stream for result in batch]


def _texts(result: object) -> list[str]:
    return [caption.text for caption in result.captions] if isinstance(result, CaptionResult) else []


@contextlib.contextmanager
def _drawn() -> Iterator[list[Path]]:
    """A few pictures of random colours, of odd sizes."""
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, (width, height) in enumerate(SIZES):
            pixels = random.integers(0, 256, (height, width, 3), np.uint8)
            paths.append(Path(folder) / f"{number}.png")
            Image.fromarray(pixels).save(paths[-1])
        yield paths
