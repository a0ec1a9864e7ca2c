"""How good the captions of the shipped checkpoint are, on both collections: a section of
checkpoints/RESULTS.md.

    python benchmarks/shipped.py --flickr8k data/flickr8k --coco data/coco

Nothing is chosen here: beam 3, length penalty and constraints are what the checkpoints say. COCO's val
pictures were seen by no training and chose no epoch.
"""

from typing import Any

import torch
from results import ROOT, markdown_table, parser, write_section

from captionret.app.measuring.scored_captions import CaptionScoring, score_captions
from captionret.app.places import SHIPPED
from captionret.datasets import open_dataset

MEASURES = {
    "bleu1": "BLEU-1",
    "bleu4": "BLEU-4",
    "meteor": "METEOR",
    "rouge_l": "ROUGE-L",
    "cider_d": "CIDEr-D",
}
COUNTS = {"distinct": "distinct", "copied": "copied, %", "bad_endings": "bad endings"}


def measure(data: str, split: str) -> dict[str, Any]:
    """The scores of the shipped captioner."""
    return score_captions(open_dataset(data), split, CaptionScoring([str(SHIPPED)])).scores_json()


def main() -> None:
    """Measure it on both collections, and write the section."""
    options = parser(__doc__, ROOT / "checkpoints/RESULTS.md")
    options.add_argument("--flickr8k", default="data/flickr8k", metavar="DIR")
    options.add_argument("--coco", default="data/coco", metavar="DIR")
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    parts = []
    for kind, split in (("flickr8k", "test"), ("coco", "val")):
        found = measure(f"{kind}:{getattr(given, kind)}", split)
        row: list[object] = [SHIPPED.name, *(found[name] for name in (*MEASURES, *COUNTS))]
        columns = ["checkpoint", *MEASURES.values(), *COUNTS.values()]
        parts.append(f"{kind} {split}, {found['images']:,} images:\n\n{markdown_table(columns, [row])}")
    body = (
        "Beam 3, length penalty 1; x100, PTB tokens; METEOR by its Java program. photos-lite began at "
        "flickr8k-lite, which is the "
        "transformer-lite of the first table.\n\n" + "\n\n".join(parts)
    )
    write_section(given.results, "The shipped checkpoints", body, "python benchmarks/shipped.py")


if __name__ == "__main__":
    main()
