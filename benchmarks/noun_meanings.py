"""Make captionret/retrieval/noun_meanings.zip: what WordNet says of nouns that captions seldom hold.

apt-get install wordnet-base                 # WordNet 3.0
python benchmarks/noun_meanings.py           # writes the file

A noun, of one word or of several, is there with its two commonest meanings that can be seen, if captions hold
it less often than captionret.retrieval.predicted.RARE; one of several words if these are among the commoner
ones of GloVe's. Captions are those of captionret/retrieval/word_counts.txt.
"""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from class_words import WORDNET, Synset, licence, plain, read_synsets
from noun_words import is_physical, senses

from captionret.retrieval import corpus
from captionret.retrieval.noun_meanings import LETTERS, LICENCE
from captionret.retrieval.predicted import RARE
from captionret.text import STOP_WORDS
from captionret.word_vectors import load_word_vectors

TARGET = Path(__file__).resolve().parents[1] / "captionret/retrieval/noun_meanings.zip"
MEANINGS = 2
COMMON = 50_000  # words of GloVe's
DATE = (1980, 1, 1, 0, 0, 0)  # so that the file depends on WordNet alone


def main() -> None:
    """Write the file."""
    synsets, known = read_synsets(WORDNET), load_word_vectors("glove-50").words
    nouns: dict[str, str] = {}
    for typed, offsets in sorted(senses(WORDNET.with_name("index.noun"))):
        word = plain(typed)
        seen = [one for one in offsets if synsets[one].above and is_physical(one, synsets)][:MEANINGS]
        if seen and _is_looked_up(word, known):
            meanings = "\t".join(_meaning(word, synsets[one]) for one in seen)
            nouns.setdefault(word.replace(" ", ""), meanings)  # "sea horse" or "seahorse"
    parts: dict[str, list[str]] = {}
    for written, meanings in sorted(nouns.items()):
        parts.setdefault(written[:LETTERS], []).append(f"{written}\t{meanings}")
    with zipfile.ZipFile(TARGET, "w") as archive:
        _write(archive, LICENCE, licence(WORDNET))
        for letters, lines in sorted(parts.items()):
            _write(archive, letters, lines)
    print(f"{TARGET}: {len(nouns):,} nouns, {TARGET.stat().st_size:,} bytes")


def _is_looked_up(word: str, known: Mapping[str, int]) -> bool:
    parts = word.split()
    if not all(part.isalpha() and part.isascii() for part in parts) or word in STOP_WORDS:
        return False
    if len(word) == 1:
        return False  # a letter
    if len(parts) > 1 and not all(part in known and known[part] < COMMON for part in parts):
        return False
    return corpus.rates().get("".join(parts), 0.0) < RARE


def _meaning(word: str, synset: Synset) -> str:
    """The noun, another word for it, and the first sentence of what it is."""
    other = next((f", {one}" for one in map(plain, synset.words) if one != word), "")
    gloss = re.split(r'; |"', synset.gloss)[0].strip()
    return f"{word}{other}: {gloss}"


def _write(archive: zipfile.ZipFile, name: str, lines: list[str]) -> None:
    entry = zipfile.ZipInfo(name, DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, "\n".join(lines) + "\n", compresslevel=9)


if __name__ == "__main__":
    main()
