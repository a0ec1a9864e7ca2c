"""How good the captions of the shipped checkpoints are, alone and together: a section of checkpoints/RESULTS.md.

    python benchmarks/shipped.py --flickr8k data/flickr8k --coco data/coco

Nothing is chosen here: beam 3, length penalty and constraints are what the checkpoints say. COCO's val pictures were seen by no training
and chose no epoch.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from results import ROOT, markdown_table, write_section

from captionret.cli import evaluate_captions

TEAMS = (("photos-lite",),)
MEASURES = {"bleu1": "BLEU-1", "bleu4": "BLEU-4", "meteor": "METEOR", "rouge_l": "ROUGE-L", "cider_d": "CIDEr-D"}
COUNTS = {"distinct": "distinct", "copied": "copied, %", "bad_endings": "bad endings"}


def measure(team: tuple[str, ...], data: str, split: str, out: Path, against: Path | None) -> dict[str, Any]:
    """What `evaluate_captions.py --json` says; the captions go to `out`."""
    scores = out.with_suffix(".scores.json")
    paths = [str(ROOT / "checkpoints" / name) for name in team]
    more = ["--against", str(against)] if against else []
    evaluate_captions.main(["--checkpoint", *paths, "--data", data, "--split", split, "--out", str(out), "--json", str(scores), *more])
    found: dict[str, Any] = json.loads(scores.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Measure each team on both collections, and write the section."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--flickr8k", default="data/flickr8k", metavar="DIR")
    options.add_argument("--coco", default="data/coco", metavar="DIR")
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, split in (("flickr8k", "test"), ("coco", "val")):
            rows: list[list[object]] = []
            first: Path | None = None
            for team in TEAMS:
                out = Path(folder) / f"{kind}-{len(rows)}.json"
                found = measure(team, f"{kind}:{getattr(given, kind)}", split, out, first)
                beside = found.get("against")
                gain = "" if beside is None else "{difference:+.2f} ({low:+.2f} to {high:+.2f})".format(**beside)
                rows.append([" + ".join(team), *(found[name] for name in (*MEASURES, *COUNTS)), gain])
                first = first or out
            columns = ["checkpoint", *MEASURES.values(), *COUNTS.values(), f"CIDEr-D over {TEAMS[0][0]}, 95 % interval"]
            parts.append(f"{kind} {split}, {found['images']:,} images:\n\n{markdown_table(columns, rows)}")
    body = "Beam 3, length penalty 1; x100, PTB tokens; METEOR by its Java program; paired bootstrap over images.\n\n" + "\n\n".join(parts)
    write_section(ROOT / "checkpoints/RESULTS.md", "The shipped checkpoints", body, "python benchmarks/shipped.py")


if __name__ == "__main__":
    main()
