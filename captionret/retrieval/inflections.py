"""The forms of English words: "dogs" and "dog", "running", "ran" and "run". Rules and a table, with
nothing to load, so that a query in words is read at once."""

from collections.abc import Container, Iterator
from functools import cache

from .lemmas import IRREGULAR

_VOWELS = "aeiou"
_SHORTEST = 3  # letters of a base form that a rule may leave
# forms of nouns among the irregular ones; the others are of verbs
_NOUNS = frozenset(
    """men women children people feet teeth geese mice knives leaves loaves shelves wolves calves
    halves""".split()
)


def number_forms(word: str, lexicon: Container[str]) -> set[str]:
    """Singular and plural of a noun, with it the third person of a verb; the word itself is one of them.

    lexicon: the words that there are, so that "bus" is not read as the plural of "bu"

    >>> sorted(number_forms("boxes", {"box", "boxes"}) & {"box", "boxes"})
    ['box', 'boxes']
    """
    found = {word, *_with_s(word)}
    for plural, single in IRREGULAR.items():
        if plural in _NOUNS and word in (plural, single):
            found |= {plural, single}
    for base in _without_s(word):
        if base in lexicon:
            found |= {base, *_with_s(base)}
    return found


def verb_forms(word: str, lexicon: Container[str]) -> set[str]:
    """The forms of a verb: with -ing, with -ed, and the irregular ones. The word itself is one of them.

    >>> sorted(verb_forms("running", {"run", "running"}) & {"run", "ran", "running"})
    ['ran', 'run', 'running']
    """
    bases = {word, *_bases(word, lexicon)}
    found = {word}
    for base in bases:
        found |= {base, *_with_s(base), *_with_ending(base)}
        found |= {form for form, of in IRREGULAR.items() if of == base and form not in _NOUNS}
    return found


def _bases(word: str, lexicon: Container[str]) -> Iterator[str]:
    if word in IRREGULAR and word not in _NOUNS:
        yield IRREGULAR[word]
    yield from (base for base in _without_s(word) if base in lexicon)
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST - 1 and any(vowel in stem for vowel in "aeiouy"):
            undoubled = stem[:-1] if len(stem) > 2 and stem[-1] == stem[-2] else stem
            candidates = {stem, f"{stem}e", undoubled, f"{stem[:-1]}y" if stem.endswith("i") else stem}
            yield from (base for base in sorted(candidates) if len(base) >= _SHORTEST and base in lexicon)


def _with_s(word: str) -> Iterator[str]:
    if word.endswith(("s", "x", "z", "ch", "sh", "o")):
        yield f"{word}es"
    if word.endswith("y") and word[-2:-1] not in _VOWELS:
        yield f"{word[:-1]}ies"
    elif not word.endswith(("s", "x", "z", "ch", "sh")):
        yield f"{word}s"


def _without_s(word: str) -> Iterator[str]:
    if word.endswith("ies") and len(word) > _SHORTEST + 1:
        yield f"{word[:-3]}y"
    if word.endswith("es") and len(word) > _SHORTEST + 1:
        yield word[:-2]
    if word.endswith("s") and not word.endswith("ss") and len(word) > _SHORTEST:
        yield word[:-1]


@cache
def _with_ending(base: str) -> frozenset[str]:
    stem = base[:-1] if base.endswith("e") and not base.endswith("ee") else base
    past = f"{base[:-1]}ied" if base.endswith("y") and base[-2:-1] not in _VOWELS else f"{stem}ed"
    found = {f"{stem}ing", past}
    if len(base) > 2 and base[-1] not in f"{_VOWELS}wxy" and base[-2] in _VOWELS:
        found |= {f"{base}{base[-1]}ing", f"{base}{base[-1]}ed"}
    return frozenset(found)
