"""Put features that others computed into the feature cache: a pickled dictionary of tensors or arrays by
image id, as resnet18_features_train.pkl. Nothing of the file is run.

    captionret import-features resnet18_features_train.pkl --data coco:data/coco --backbone resnet18

Trainings on that backbone then take them in place of a pass through the CNN. A few are computed and compared
first: features of another network are refused.
"""

from collections.abc import Sequence
from dataclasses import asdict

from .options import FOUND, NOTHING_FOUND, add_features, parser, path_argument
from .output import print_json
from .written import data_help


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill the cache and print how many features it took; exit code 1 where none is in it."""
    options = parser("import-features", __doc__ or "")
    options.add_argument(
        "file", type=path_argument, metavar="FILE", help="what pickle.dump or torch.save wrote"
    )
    options.add_argument("--data", required=True, metavar="KIND:PATH", help=data_help())
    options.add_argument("--split", default="all", help="whose images it is of (default: %(default)s)")
    options.add_argument(
        "--backbone", default="resnet18", metavar="NAME", help="that made them (default: resnet18)"
    )
    add_features(options)
    options.add_argument("--json", action="store_true", help="print the counts as JSON")
    given = options.parse_args(arguments)

    from ..app.imported_features import import_features
    from ..datasets import open_dataset
    from ..models.vision.backbones import load_backbone  # torch takes seconds; --help should not

    items = open_dataset(given.data).split(given.split)
    done = import_features(given.file, items, load_backbone(given.backbone), given.features)
    if given.json:
        print_json(asdict(done))
    else:
        agreement = (
            "" if done.agreement is None else f"  mean cosine to the backbone's own {done.agreement:.3f}"
        )
        counts = {"stored": done.stored, "known": done.known, "absent": done.absent, "unknown": done.unknown}
        print("  ".join(f"{name} {count:,}" for name, count in counts.items()) + agreement)
    return FOUND if done.stored or done.known else NOTHING_FOUND
