"""How often the Python tokenizer gives the tokens of the Java one that published caption scores are made
with.

    python benchmarks/ptb_agreement.py
    python benchmarks/ptb_agreement.py --data flickr8k:data/flickr8k

Without --data it reads the 616,767 captions of COCO 2014 out of pycocoevalcap's wheel.
Needs Java and pycocoevalcap (captionret[java-metrics]). Expected: COCO 99.997 %, Flickr8k 100 %. What remains
on COCO are initials at the end of a caption, where the Java program looks at the next line of the file.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from coco import annotations, package
from results import parser

from captionret.datasets import open_dataset
from captionret.evaluation.captions import ptb

# What pycocoevalcap leaves out of the Java program's answer.
LEFT_OUT = {
    "''",
    "'",
    "``",
    "`",
    "-LRB-",
    "-RRB-",
    "-LCB-",
    "-RCB-",
    ".",
    "?",
    "!",
    ",",
    ":",
    "-",
    "--",
    "...",
    ";",
}
JAR = "stanford-corenlp-3.4.1.jar"


def main() -> None:
    """Count, print the figure on stdout and the first disagreements on stderr."""
    options = parser(__doc__, None)
    options.add_argument("--data", help="a captioned collection (kind:path) in place of COCO 2014")
    options.add_argument("--limit", type=int, help="only the first N captions")
    options.add_argument("--show", type=int, default=10, help="how many disagreements to print (default 10)")
    arguments = options.parse_args()
    captions = [" ".join(text.splitlines()) for text in texts(arguments.data)][: arguments.limit]
    expected = java_tokens(package() / "tokenizer", captions)
    started = time.perf_counter()
    found = ptb.tokenize_many(captions)
    seconds = time.perf_counter() - started
    differing = [index for index in range(len(captions)) if found[index] != expected[index]]
    for index in differing[: arguments.show]:
        print(
            f"{captions[index]!r}\n  java   {' '.join(expected[index])}\n  python {' '.join(found[index])}",
            file=sys.stderr,
        )
    share = 100 * (1 - len(differing) / len(captions))
    print(
        f"{len(captions):,} captions, {len(differing):,} differ, {share:.4f} % agree; Python took "
        f"{seconds:.1f} s"
    )


def texts(spec: str | None) -> list[str]:
    """The captions of a collection, or COCO's from the archive that pycocoevalcap carries."""
    if spec:
        return [caption for item in open_dataset(spec).items for caption in item.captions]
    return [one["caption"] for one in annotations("train", "val")]


def java_tokens(folder: Path, captions: list[str]) -> list[list[str]]:
    """What the scorers compare: the Java program's tokens, parted at every white space, without
    punctuation."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("\n".join(captions) + "\n")
        file.flush()
        command = [
            "java",
            "-cp",
            JAR,
            "edu.stanford.nlp.process.PTBTokenizer",
            "-preserveLines",
            "-lowerCase",
            file.name,
        ]
        answer = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True).stdout.decode()
    lines = answer.split("\n")[: len(captions)]
    return [[token for token in line.split() if token not in LEFT_OUT] for line in lines]


if __name__ == "__main__":
    main()
