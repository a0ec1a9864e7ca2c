"""Count in how many captions of COCO train2014 each word stands: captionret/retrieval/word_counts.txt, from
which every idf comes.

    python benchmarks/word_counts.py

The captions come inside the package pycocoevalcap (captionret[java-metrics]).
"""

from collections import Counter

from coco import annotations
from results import ROOT

from captionret.text import word_set

LEAST = 3


def main() -> None:
    """Write the table: the number of captions, then a word and its count a line, the commonest first."""
    captions = [one["caption"] for one in annotations("train")]
    counts = Counter(word for caption in captions for word in word_set(caption))
    kept = sorted((-count, word) for word, count in counts.items() if count >= LEAST)
    lines = [f"captions {len(captions)}", *(f"{word} {-count}" for count, word in kept)]
    (ROOT / "captionret/retrieval/word_counts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(kept):,} words of {len(captions):,} captions")


if __name__ == "__main__":
    main()
