"""Count in how many captions of COCO train2014 each word stands: captionret/retrieval/word_counts.txt, from
which every idf comes.

    python benchmarks/word_counts.py

The captions come inside the package pycocoevalcap (captionret[java-metrics]).
"""

import json
import sys
import zipfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from results import ROOT

from captionret.text import word_set

LEAST = 3


def main() -> None:
    """Write the table: the number of captions, then a word and its count a line, the commonest first."""
    spec = find_spec("pycocoevalcap")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("pycocoevalcap is not installed. Install captionret[java-metrics].")
    with zipfile.ZipFile(Path(spec.submodule_search_locations[0]) / "spice" / "spice-1.0.jar") as archive:
        annotations = json.loads(archive.read("coco/annotations/captions_train2014.json"))["annotations"]
    counts = Counter(word for annotation in annotations for word in word_set(annotation["caption"]))
    kept = sorted((-count, word) for word, count in counts.items() if count >= LEAST)
    lines = [f"captions {len(annotations)}", *(f"{word} {-count}" for count, word in kept)]
    (ROOT / "captionret/retrieval/word_counts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(kept):,} words of {len(annotations):,} captions")


if __name__ == "__main__":
    main()
