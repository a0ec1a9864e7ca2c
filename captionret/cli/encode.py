"""Write the vectors of sentences or pictures in an embedding space, or a skip-thought encoder's of sentences,
as a .npy file.

    captionret encode --sentences texts.txt --out texts.npy
    captionret encode --images ~/Pictures --out pictures.npy
    captionret encode --checkpoint transformers:models/siglip --images ~/Pictures --out pictures.npy

Beside OUT.npy stands OUT.json: the sentences, or the pictures that could be read, in the order of the rows,
and what encoded them. Rows have length 1, so that their dot products are cosines; those of a combined
skip-thought encoder have it in either half.
"""

import argparse
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..app.places import checkpoint_path
from ..errors import BadDataset, BadImage, BadSetting
from ..files import publish_json, publishing
from ..images import find_images
from ..progress import bar
from .options import FOUND, add_device, add_features, parser, path_argument, say

if TYPE_CHECKING:  # it imports torch, which --help does without
    from ..models.embedding.model import EmbeddingModel
    from ..models.encoders import PictureEncoder
    from ..models.sentence.skipthought.encoder import SkipThought


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the vectors and the list of what they are of."""
    given = _parse(arguments)
    if given.out.suffix != ".npy":
        raise BadSetting(f"--out {given.out} should end in .npy. Choose another name.")

    from ..models.embedding.checks import check_batch_size
    from ..models.sentence.skipthought.encoder import SkipThought

    check_batch_size(given.batch_size)
    texts = sentences_of(given.sentences) if given.sentences else []
    model = _model(given.checkpoint, given.device)
    if isinstance(model, SkipThought):
        if not given.sentences:
            raise BadSetting(
                f"{model.name} is a skip-thought encoder, which reads sentences only. Give --sentences FILE."
            )
        names, vectors = texts, model.encode(texts, given.batch_size, progress=None)
    elif given.sentences:
        names, vectors = texts, model.encode_texts(texts, batch_size=given.batch_size, progress=None)
    else:
        names, vectors = _pictures(model, given)
    content = io.BytesIO()
    np.save(content, vectors, allow_pickle=False)
    with publishing(given.out) as file:
        file.write(content.getvalue())
    kind = "sentences" if given.sentences else "images"
    publish_json(
        given.out.with_suffix(".json"), {**model.describe(), "fingerprint": model.fingerprint, kind: names}
    )
    say(
        f"{len(vectors):,} {kind}, {vectors.shape[1]} dimensions: {given.out}, "
        f"{given.out.with_suffix('.json')}"
    )
    print(given.out)
    return FOUND


def sentences_of(path: Path) -> list[str]:
    """The lines of a UTF-8 text file; BadDataset for one that cannot be read or holds none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        raise BadDataset(
            f"{path} cannot be read as text ({error}). Give a UTF-8 file with a sentence on each line."
        ) from None
    if not lines:
        raise BadDataset(f"{path} is empty. Give a file with a sentence on each line.")
    return lines


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("encode", __doc__ or "")
    options.add_argument(
        "--checkpoint",
        default="photos-space",
        metavar="NAME",
        help="an embedding space or a skip-thought encoder: its name or directory; or an encoder of "
        "transformers or open_clip as KIND:WHAT (default: %(default)s, the shipped space)",
    )
    what = options.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--sentences", type=path_argument, metavar="FILE", help="a text file, a sentence on each line"
    )
    what.add_argument(
        "--images", type=path_argument, nargs="+", metavar="PATH", help="pictures, or folders of them"
    )
    options.add_argument(
        "--out", type=path_argument, required=True, metavar="FILE.npy", help="the file to write"
    )
    options.add_argument(
        "--batch-size", type=int, default=128, metavar="N", help="at a time (default: %(default)s)"
    )
    add_features(options)
    add_device(options)
    return options.parse_args(arguments)


def _model(given: str, device: str) -> "EmbeddingModel | PictureEncoder | SkipThought":
    """What the checkpoint is of; BadCheckpoint for other kinds."""
    from ..models.encoders import is_encoder, load_encoder

    if is_encoder(given):
        return load_encoder(given, device)
    path = checkpoint_path(given)
    from ..models.embedding.model import EmbeddingModel
    from ..models.record import kind_of, read_record
    from ..models.sentence.skipthought.config import SKIPTHOUGHT
    from ..models.sentence.skipthought.encoder import SkipThought

    if path.is_dir() and kind_of(read_record(path)) == SKIPTHOUGHT.name:
        return SkipThought.load(path, device)
    return EmbeddingModel.load(path, device)


def _pictures(
    model: "EmbeddingModel | PictureEncoder", given: argparse.Namespace
) -> tuple[list[str], np.ndarray]:
    """The pictures that can be read, and their vectors; the others are named and counted on stderr."""
    from ..models.encoders import PictureEncoder
    from ..training.features import extract

    paths = [path for root in given.images for path in (find_images(root) if root.is_dir() else [root])]
    if isinstance(model, PictureEncoder):
        return _encoded(model, paths)
    features, failures = extract(
        model.backbone, paths, "pooled", root=given.features, batch_size=given.batch_size
    )
    for failure in failures:
        say(f"left out: {failure.reason}")
    if not len(features.present):
        raise _none_readable(paths)
    read = [paths[row] for row in features.present]
    if model.picture_words:
        return [str(path) for path in read], model.encode_images(read, progress=None)
    return [str(path) for path in read], model.encode_features(features.of(np.arange(len(read))).numpy())


def _encoded(encoder: "PictureEncoder", paths: Sequence[Path]) -> tuple[list[str], np.ndarray]:
    """The same by an encoder, which reads pictures."""
    found = []
    for path in bar(paths, desc="encoding", unit="picture"):
        try:
            found.append((str(path), encoder.encode_images(path)))
        except BadImage as error:
            say(f"left out: {error.message}")
    if not found:
        raise _none_readable(paths)
    return [name for name, _ in found], np.stack([vector for _, vector in found])


def _none_readable(paths: Sequence[Path]) -> BadImage:
    given = f"No picture can be read, of {len(paths):,} given."
    return BadImage(f"{given} Give picture files, or folders that hold some.")
