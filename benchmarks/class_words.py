"""Make captionret/class_words.txt: what people may call each of ImageNet's classes.

apt-get install wordnet-base                 # WordNet 3.0
python benchmarks/class_words.py             # writes the file

ImageNet's classes are noun synsets of WordNet 3.0, in the order of their offsets; torchvision's table holds a
name for each. A name may stand in several synsets ("crane"): the one chain of ascending offsets that names
most classes says which is meant.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

WORDNET = Path("/usr/share/wordnet/data.noun")
TARGET = Path(__file__).resolve().parents[1] / "captionret" / "class_words.txt"
# torchvision tells two classes from others of their name by a word that WordNet does not have there
MEANT = {"crane bird": "crane", "maillot tank suit": "maillot"}
# what stands above so many classes that nobody looks for it
TOO_GENERAL = frozenset(
    """
    entity; physical entity; abstraction; abstract entity; object; physical object; whole; unit; matter;
    substance; artifact; artefact; instrumentality; instrumentation; causal agent; cause; causal agency;
    psychological feature; relation; thing; part; piece; way; component; constituent; element; content;
    message; subject matter; communication; attribute; measure; group; grouping; living thing; animate thing;
    organism; being; article; commodity; trade good; good; goods; ware; solid; fluid; food product; nutrient;
    chordate; vertebrate; craniate; eutherian; placental; eutherian mammal; placental mammal; carnivore;
    invertebrate; arthropod; ungulate; hoofed mammal; covering; facility; installation; implement; system;
    device; mechanism; equipment; container; conveyance; transport; consumer goods; structure; construction;
    foodstuff; material; natural object; body; beast; brute; creature; fauna; animate being; domestic animal;
    domesticated animal; somebody; someone; mortal; soul; individual; unguiculate; unguiculate mammal; surface
    """.replace("\n", " ").split(";")
)
HEAD = """\
What people may call ImageNet's classes: name of the class, its other names, what it is a kind of; by tabs and
commas, the nearest first. Made by benchmarks/class_words.py from WordNet 3.0 and torchvision's table of names
(BSD-3-Clause). WordNet's licence:
"""


@dataclass(frozen=True)
class Synset:
    """One meaning: its words, the offsets of what it is a kind of, and what it is in a sentence."""

    words: tuple[str, ...]
    above: tuple[int, ...]
    gloss: str


def main() -> None:
    """Write the file."""
    from torchvision.models._meta import _IMAGENET_CATEGORIES as names

    synsets = read_synsets(WORDNET)
    lines = []
    counts = Counter(map(plain, names))
    for name, offset in zip(names, offsets_of(names, synsets), strict=True):
        own = list(dict.fromkeys(plain(word) for word in synsets[offset].words))
        if counts[plain(name)] > 1:  # two classes are a cardigan: one is a dog, a cardigan welsh corgi
            name = max(own, key=len)
        above = [word for word in words_above(offset, synsets) if word not in own]
        lines.append("\t".join([plain(name), ", ".join(own), ", ".join(above)]))
    head = [f"# {line}".rstrip() for line in [*HEAD.splitlines(), *licence(WORDNET)]]
    TARGET.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    print(f"{TARGET}: {len(lines):,} classes")


def licence(file: Path) -> list[str]:
    """The lines that every file of WordNet begins with, without their numbers."""
    lines = file.read_text(encoding="ascii").splitlines()
    return [line.strip().partition(" ")[2] for line in lines if line.startswith(" ")]


def read_synsets(file: Path) -> dict[int, Synset]:
    """WordNet's nouns by their offsets, see wndb(5)."""
    found = {}
    for line in file.read_text(encoding="ascii").splitlines():
        if line.startswith(" "):  # the licence
            continue
        facts, _, gloss = line.partition(" | ")
        fields = facts.split()
        count = int(fields[3], 16)
        words = tuple(fields[4 : 4 + 2 * count : 2])
        pointers = fields[5 + 2 * count :]
        above = tuple(
            int(pointers[place + 1]) for place in range(0, len(pointers), 4) if pointers[place] == "@"
        )
        found[int(fields[0])] = Synset(words, above, gloss.strip())
    return found


def offsets_of(names: list[str], synsets: dict[int, Synset]) -> list[int]:
    """The synset of each class: the longest chain of ascending offsets among those that hold its name."""
    by_word: dict[str, list[int]] = {}
    for offset, synset in synsets.items():
        for word in synset.words:
            by_word.setdefault(plain(word), []).append(offset)
    chains: list[tuple[int, ...]] = [()]  # by length the chain that ends at the smallest offset
    for name in names:
        candidates = sorted(by_word[plain(MEANT.get(name, name))], reverse=True)
        for offset in candidates:
            length = max(size for size, chain in enumerate(chains) if not chain or chain[-1] < offset)
            longer = (*chains[length], offset)
            if length + 1 == len(chains):
                chains.append(longer)
            elif offset < chains[length + 1][-1]:
                chains[length + 1] = longer
    if len(chains) != len(names) + 1:
        raise SystemExit(f"Only {len(chains) - 1:,} of {len(names):,} classes fit into one chain.")
    return list(chains[-1])


def words_above(offset: int, synsets: dict[int, Synset]) -> list[str]:
    """What a meaning is a kind of, the nearest first, without what is too general."""
    general = {word.strip() for word in TOO_GENERAL}
    found: dict[str, None] = {}
    level = list(synsets[offset].above)
    while level:
        for one in level:
            found |= dict.fromkeys(plain(word) for word in synsets[one].words)
        level = [above for one in level for above in synsets[one].above]
    return [word for word in found if word not in general]


def plain(word: str) -> str:
    """Lower case, blanks in place of underscores and hyphens, no markers and no apostrophes."""
    return re.sub(r"\s+", " ", re.sub(r"[_-]|\([a-z]+\)", " ", word.lower()).replace("'", "")).strip()


if __name__ == "__main__":
    main()
