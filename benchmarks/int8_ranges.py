"""The ranges that `--precision int8` rounds by: what goes into each convolution, of training pictures.

    python benchmarks/int8_ranges.py --data flickr8k:data/flickr8k

A range is the one with the least squared error among parts of what was seen. A convolution that alone moves
the pooled features by more than 2 % stays as it is. Written into the package; benchmarks/engines.py measures
what comes of it.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from results import ROOT, parser
from torch import Tensor, nn

from captionret.datasets import open_dataset
from captionret.images import decoded_batches
from captionret.models.vision.backbones import load_backbone
from captionret.models.vision.engines.int8 import RANGES, Range, with_rounded
from captionret.models.vision.engines.protocols import Source

BINS, MOST_MOVED = 4096, 0.02
PARTS = np.linspace(0.2, 1, 33)


def seen(network: nn.Module, names: Sequence[str], batches: Sequence[Tensor]) -> dict[str, Range]:
    """For each convolution the range of what goes in that rounds it best."""
    whole = dict.fromkeys(names, (0.0, 0.0))
    counts = {name: np.zeros(BINS) for name in names}

    def widen(name: str, given: Tensor) -> None:
        least, largest = whole[name]
        whole[name] = min(least, float(given.min())), max(largest, float(given.max()))

    def count(name: str, given: Tensor) -> None:
        counts[name] += torch.histc(given.float(), BINS, *whole[name]).numpy()

    for look in (widen, count):
        hooks = [
            network.get_submodule(name).register_forward_pre_hook(
                lambda _, given, name=name, look=look: look(name, given[0])
            )
            for name in names
        ]
        for batch in batches:
            network(batch)
        for hook in hooks:
            hook.remove()
    return {name: best_range(whole[name], counts[name]) for name in names}


def best_range(whole: Range, counts: NDArray[np.float64]) -> Range:
    """The part of the whole range in which rounding and cutting off cost least."""
    middles = np.linspace(*whole, 2 * BINS + 1)[1::2]
    errors = []
    for part in PARTS:
        least, largest = whole[0] * part, whole[1] * part
        cut = np.maximum(least - middles, middles - largest).clip(0)
        rounding = ((largest - least) / 255) ** 2 / 12
        errors.append(float((np.where(cut > 0, cut**2, rounding) * counts).sum()))
    part = float(PARTS[int(np.argmin(errors))])
    return round(whole[0] * part, 5), round(whole[1] * part, 5)


def measure(name: str, paths: Sequence[Path]) -> dict[str, object]:
    """A backbone's entry of the file."""
    backbone = load_backbone(name)
    source: Source = backbone.reader.source
    network, size = source.network, source.size
    names = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    batches = [torch.from_numpy(batch.pixels[0]) for batch in decoded_batches(paths, size, 16)]
    ranges = seen(network, names, batches)
    some = batches[0][:8]
    reference = network(some)[0]
    kept = {}
    for one, found in ranges.items():
        moved = with_rounded(network, {one: found})(some)[0] - reference
        if float(moved.norm() / reference.norm()) <= MOST_MOVED:
            kept[one] = found
    print(f"{name}: {len(kept)} of {len(names)} convolutions")
    return {"identity": source.frozen, "ranges": kept}


@torch.inference_mode()
def main() -> None:
    """Measure, and write the file."""
    options = parser(__doc__, None)
    options.add_argument("--data", default="flickr8k:data/flickr8k", metavar="KIND:PATH")
    options.add_argument("--count", type=int, default=64, metavar="N", help="pictures (default: %(default)s)")
    options.add_argument(
        "--backbones", nargs="+", default=[f"efficientnet_lite{n}" for n in (0, 1, 2)], metavar="NAME"
    )
    given = options.parse_args()
    paths = [item.path for item in open_dataset(given.data).split("train") if item.path][: given.count]
    found = {name: measure(name, paths) for name in given.backbones}
    file = ROOT / "captionret/models/vision/engines" / RANGES
    file.write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
