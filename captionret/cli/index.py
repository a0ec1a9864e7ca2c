"""Caption every picture below a folder and keep the captions in a library. Run again, it captions only what
is new or changed.

python scripts/caption_images.py ~/Pictures --library photos
python scripts/caption_images.py ~/Pictures --library many --captions-per-image 5 --decode nucleus --temperature 0.8 --seed 1
python scripts/caption_images.py ~/Pictures --library agreed --decode consensus        # slower: of a wide beam, what most of it says
"""  # noqa: E501

import json
from collections.abc import Sequence
from dataclasses import asdict

from ..app.places import checkpoint_path, library_path
from ..app.rerankers import with_reranker
from .decoding_options import add_decoding, decoding_of
from .options import FOUND, NOTHING_FOUND, add_device, parser, path_argument, say


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 1 where the folder holds no picture that could be captioned."""
    options = parser("index", __doc__ or "")
    options.add_argument(
        "folder", type=path_argument, metavar="DIR", help="searched with everything below it"
    )
    options.add_argument(
        "--library", required=True, metavar="NAME", help="a name in data/libraries, or a path"
    )
    options.add_argument(
        "--checkpoint", metavar="PATH", help="what captions (default: the library's own, or the shipped one)"
    )
    add_decoding(options)
    options.add_argument("--batch-size", type=int, default=32, metavar="N")
    options.add_argument("--limit", type=int, metavar="N", help="caption at most N pictures now")
    options.add_argument(
        "--recaption",
        action="store_true",
        help="caption all again where the checkpoint or the decoding is another",
    )
    options.add_argument(
        "--allow-empty", action="store_true", help="accept that the folder holds no picture any more"
    )
    options.add_argument("--moved", action="store_true", help="accept that the folder was moved to DIR")
    options.add_argument("--json", action="store_true", help="print the counts and the failures as JSON")
    add_device(options)
    given = options.parse_args(arguments)

    from ..app.models import Library
    from ..models.captioning.captioner import Captioner

    with Library.open_or_create(library_path(given.library), given.folder) as library:
        own = library.made_by.checkpoint if library.made_by and not given.checkpoint else None
        captioner = Captioner.load(own or checkpoint_path(given.checkpoint), given.device)
        decoding = decoding_of(given)
        report = library.update(
            given.folder,
            with_reranker(captioner, decoding),
            decoding=decoding,
            batch_size=given.batch_size,
            limit=given.limit,
            recaption=given.recaption,
            allow_empty=given.allow_empty,
            relocate=given.moved,
        )
        for failure in report.failures:
            say(f"failed: {failure.reason}")
        counts = {name: value for name, value in asdict(report).items() if name not in ("failures", "other")}
        if given.json:
            print(
                json.dumps(
                    {
                        "library": str(library.path),
                        **counts,
                        "failures": [asdict(failure) for failure in report.failures],
                    }
                )
            )
        else:
            always = ("new", "unchanged", "changed", "removed", "failed")
            print("  ".join(f"{name} {value:,}" for name, value in counts.items() if value or name in always))
        if not len(library):
            say(f"{given.folder} holds no picture that could be captioned.")
        return FOUND if len(library) else NOTHING_FOUND
