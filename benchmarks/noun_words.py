"""Make captionret/retrieval/noun_words.txt: what captions call things that they seldom name, from WordNet.

apt-get install wordnet-base                 # WordNet 3.0
python benchmarks/noun_words.py              # writes the file

A noun is there if its commonest meaning that can be seen is not the name of one
person or place, and captions hold it less often than captionret.retrieval.predicted.RARE, but another word
for it, or for what it is a kind of. Captions are those of captionret/retrieval/word_counts.txt.

A noun that captions hold more often is there if people say another word of one of its two commonest meanings
instead: of the same picture, in other captions. So a sofa is a couch and a bicycle a bike, but a toilet, that
stands in captions beside it, no bathroom. This is learnt from the captions of Flickr8k train and COCO train.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from class_words import TOO_GENERAL, WORDNET, Synset, licence, plain, read_synsets

from captionret.datasets import open_dataset
from captionret.image_classes import classes_of
from captionret.retrieval import corpus
from captionret.retrieval.inflections import number_forms
from captionret.retrieval.predicted import RARE
from captionret.text import STOP_WORDS, word_set

TARGET = Path(__file__).resolve().parents[1] / "captionret/retrieval/noun_words.txt"
GENERAL = {word.strip() for word in TOO_GENERAL} | {"person", "adult", "male", "female", "leader", "worker"}
PHYSICAL = 1930  # the offset of "physical entity"
MOST_KINDS = 2
LEAST_RATE = 1e-4  # captions hold the other word at least so often
FIRST_MEANINGS = 2  # what a kind is called has it among its so many commonest meanings that can be seen
# Of pictures of which somebody says a word so many others, at least, say the other one, so many times as many
# as of all pictures; and so many captions say the word, for that to be known.
INSTEAD, TIMES_USUAL, LEAST_SAID = 0.06, 8, 10
HEAD = """\
What captions call things that they seldom name, or call otherwise as well: the noun, other words for it, what
it is a kind of; by tabs and commas, the nearest first. Made by benchmarks/noun_words.py from WordNet 3.0.
WordNet's licence:
"""


class Captions:
    """Which captions of which pictures hold a noun, in singular or plural."""

    def __init__(self, pictures: Sequence[Sequence[str]]) -> None:
        """pictures: the captions of each"""
        self._others = [max(1, len(captions) - 1) for captions in pictures]
        self._count = sum(map(len, pictures))
        self._said: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
        for picture, captions in enumerate(pictures):
            for number, caption in enumerate(captions):
                for form in set(map(_singular, word_set(caption))):
                    self._said[form][picture].add(number)

    def say_instead(self, word: str, other: str) -> bool:
        """Whether people say `other` instead of `word`: of the same pictures, and seldom beside it."""
        said, others = self._said[_singular(word)], self._said[_singular(other)]
        times, usual = (sum(map(len, one.values())) for one in (said, others))
        if times < LEAST_SAID or said is others:
            return False
        both = said.keys() & others.keys()
        beside = sum(len(said[one] & others[one]) for one in both) / times
        instead = sum(
            len(said[one] - others[one]) * len(others[one] - said[one]) / self._others[one] for one in both
        )
        share = instead / times
        return share >= max(INSTEAD, TIMES_USUAL * usual / self._count, beside)


@cache
def _singular(word: str) -> str:
    return min(number_forms(word, corpus.rates()) & {word, *corpus.rates()}, key=lambda one: (len(one), one))


def main() -> None:
    """Write the file."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--captions", nargs="+", default=["flickr8k:data/flickr8k", "coco:data/coco"])
    given = options.parse_args()
    said = Captions([item.captions for spec in given.captions for item in open_dataset(spec).split("train")])
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
            instead = _said_instead(word, synsets, meanings, said)
            lines += ["\t".join((word, ", ".join(instead), ""))] if instead else []
            continue
        others = [other for other in synsets[seen].words if meanings.get(other.lower(), [0])[0] == seen]
        own = [other for other in map(plain, others) if other != word and _often(other)]
        kinds = _kinds(seen, synsets, meanings)
        if own or kinds:
            lines.append("\t".join((word, ", ".join(own), ", ".join(kinds))))
    head = [f"# {line}".rstrip() for line in [*HEAD.splitlines(), *licence(WORDNET)]]
    TARGET.write_text("\n".join([*head, *sorted(lines)]) + "\n", encoding="utf-8")
    print(f"{TARGET}: {len(lines):,} nouns, {TARGET.stat().st_size:,} bytes")


def _said_instead(
    word: str, synsets: dict[int, Synset], meanings: Mapping[str, list[int]], said: Captions
) -> list[str]:
    """The words that people say instead of one that captions often hold."""
    found: dict[str, None] = {}
    for one in meanings[word][:FIRST_MEANINGS]:
        others = (
            other for other in synsets[one].words if one in meanings.get(other.lower(), [])[:FIRST_MEANINGS]
        )
        found |= dict.fromkeys(other for other in map(plain, others) if other != word and _often(other))
    instead = [other for other in found if said.say_instead(word, other)]
    return [other for other in instead if not any(one.endswith("ing") for one in (word, other))]  # verbs


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
