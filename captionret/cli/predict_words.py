"""Say what to believe of a library's pictures: for each word the probability that a caption of the picture
holds it.

python scripts/predict_words.py --library photos                     # by the shipped lexical head, in seconds: the features are there
python scripts/predict_words.py --library photos --samples 30        # and by 30 captions drawn of each picture: slower, better
python scripts/retrieve.py --image q.jpg --library photos --mode expected-cosine
"""  # noqa: E501

from collections.abc import Sequence
from dataclasses import replace

from ..app.places import LEXICAL_HEAD, checkpoint_path, library_path
from ..errors import BadSetting
from .options import FOUND, NOTHING_FOUND, add_device, parser, say


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 1 for a library without pictures."""
    options = parser("predict-words", __doc__ or "")
    options.add_argument(
        "--library", required=True, metavar="NAME", help="a name in data/libraries, or a path"
    )
    options.add_argument(
        "--words-head",
        metavar="DIR",
        help="a checkpoint of variant words-lite or its like (default: the shipped one)",
    )
    options.add_argument("--no-head", action="store_true", help="drawn captions alone")
    options.add_argument(
        "--samples",
        type=int,
        default=0,
        metavar="N",
        help="also draw N captions of each picture (default: none)",
    )
    options.add_argument(
        "--temperature", type=float, default=1.0, metavar="T", help="of drawing (default: %(default)s)"
    )
    options.add_argument(
        "--checkpoint", metavar="DIR", help="what draws captions (default: the library's own captioner)"
    )
    add_device(options)
    given = options.parse_args(arguments)
    if given.no_head and not given.samples:
        raise BadSetting("Without a lexical head, captions have to be drawn. Add --samples 30.")
    if given.samples < 0:
        raise BadSetting(f"--samples must be at least 0, not {given.samples}.")

    from ..library import Library
    from ..models.captioning.captioner import DRAWN, Captioner
    from ..models.lexical.head import LexicalHead
    from ..models.lexical.predictor import WordPredictor

    with Library.open(library_path(given.library)) as library:
        own = library.made_by.checkpoint if library.made_by and not given.checkpoint else None
        head = None if given.no_head else LexicalHead.load(given.words_head or LEXICAL_HEAD, given.device)
        captioner = (
            Captioner.load(own or checkpoint_path(given.checkpoint), given.device) if given.samples else None
        )
        drawn = replace(DRAWN, captions=given.samples or DRAWN.captions, temperature=given.temperature)
        predictor = WordPredictor(head, captioner, drawn)
        new = library.predict_words(predictor)
        say(f"{predictor.name}")
        print(f"new {new:,}  known {len(library) - new:,}")
        return FOUND if len(library) else NOTHING_FOUND
