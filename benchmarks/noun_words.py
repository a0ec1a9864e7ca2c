"""Make captionret/retrieval/noun_words.txt: what captions call things that they seldom name, from WordNet.

apt-get install wordnet-base                 # WordNet 3.0
python benchmarks/noun_words.py              # writes the file

A noun is there if its commonest meaning that can be seen is not the name of one
person or place, and captions hold it less often than captionret.retrieval.predicted.RARE, but another word
for it, or for what it is a kind of. Captions are those of captionret/retrieval/word_counts.txt.
"""

from collections.abc import Iterator
from pathlib import Path

from class_words import TOO_GENERAL, WORDNET, Synset, licence, plain, read_synsets

from captionret.image_classes import classes_of
from captionret.retrieval import corpus
from captionret.retrieval.predicted import RARE
from captionret.text import STOP_WORDS

TARGET = Path(__file__).resolve().parents[1] / "captionret/retrieval/noun_words.txt"
GENERAL = {word.strip() for word in TOO_GENERAL} | {"person", "adult", "male", "female", "leader", "worker"}
PHYSICAL = 1930  # the offset of "physical entity"
MOST_KINDS = 2
LEAST_RATE = 1e-4  # captions hold the other word at least so often
FIRST_MEANINGS = 2  # what a kind is called has it among its so many commonest meanings that can be seen
HEAD = """\
What captions call things that they seldom name: the noun, other words for it, what it is a kind of; by tabs
and commas, the nearest first. Made by benchmarks/noun_words.py from WordNet 3.0. WordNet's licence:
"""


def main() -> None:
    """Write the file."""
    synsets = read_synsets(WORDNET)
    physical = {offset for offset in synsets if is_physical(offset, synsets)}
    meanings = {
        word: [one for one in offsets if one in physical]
        for word, offsets in senses(WORDNET.with_name("index.noun"))
    }
    lines = []
    for word, offsets in meanings.items():
        seen = next((one for one in offsets if synsets[one].above), None)
        if seen is None or word in STOP_WORDS or not word.isalpha():
            continue
        if corpus.rates().get(word, 0.0) >= RARE:
            continue
        others = [other for other in synsets[seen].words if meanings.get(other.lower(), [0])[0] == seen]
        own = [other for other in map(plain, others) if other != word and _often(other)]
        kinds = _kinds(seen, synsets, meanings)
        if own or kinds:
            lines.append("\t".join((word, ", ".join(own), ", ".join(kinds))))
    head = [f"# {line}".rstrip() for line in [*HEAD.splitlines(), *licence(WORDNET)]]
    TARGET.write_text("\n".join([*head, *sorted(lines)]) + "\n", encoding="utf-8")
    print(f"{TARGET}: {len(lines):,} nouns, {TARGET.stat().st_size:,} bytes")


def senses(file: Path) -> Iterator[tuple[str, list[int]]]:
    """Each noun with its meanings' offsets, the commonest first, see wndb(5)."""
    for line in file.read_text(encoding="ascii").splitlines():
        if not line.startswith(" "):
            fields = line.split()
            yield fields[0], [int(one) for one in fields[-int(fields[2]) :]]


def is_physical(offset: int, synsets: dict[int, Synset]) -> bool:
    """Whether it is a thing, or a stuff, that can be seen."""
    level, done = [offset], set[int]()
    while level:
        one = level.pop()
        if one == PHYSICAL:
            return True
        if one not in done:
            done.add(one)
            level += synsets[one].above
    return False


def _kinds(offset: int, synsets: dict[int, Synset], meanings: dict[str, list[int]]) -> list[str]:
    """Words for what a meaning is a kind of, the nearest first: one that ImageNet's classes have, and those
    that captions often hold; none beyond what is too general."""
    level, classes, often = list(synsets[offset].above), list[str](), list[str]()
    while level and len(often) < MOST_KINDS:
        kept = [one for one in level if not GENERAL & {plain(word) for word in synsets[one].words}]
        for one in kept:
            names = [
                word for word in synsets[one].words if one in meanings.get(word.lower(), [])[:FIRST_MEANINGS]
            ]
            classes += [name for name in map(plain, names) if name in classes_of()]
            often += [name for name in map(plain, names) if _often(name)]
        level = [above for one in kept for above in synsets[one].above]
    return list(dict.fromkeys((*classes[:1], *often[:MOST_KINDS])))


def _often(word: str) -> bool:
    return corpus.rates().get(word, 0.0) >= LEAST_RATE


if __name__ == "__main__":
    main()
