"""Porter's second stemmer for English, without NLTK, whose import takes longer than a search.

Stems are those of NLTK's `SnowballStemmer("english")`, as a test compares.

>>> stem("running"), stem("beaches"), stem("carefully")
('run', 'beach', 'care')

Source: M. F. Porter, The English (Porter2) stemming algorithm, snowballstem.org, as NLTK has it.
"""

from typing import NamedTuple

_VOWELS = frozenset("aeiouy")
_DOUBLE = ("bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt")
_BEFORE_LI = frozenset("cdeghkmnrt")
_SPECIAL = {
    "skis": "ski", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "idly": "idl",
    "gently": "gentl", "ugly": "ugli", "early": "earli", "only": "onli", "singly": "singl",
}  # fmt: skip
_SPECIAL |= {word: word for word in "sky news howe atlas cosmos bias andes".split()}
_SPECIAL |= {
    word + ending: word
    for word in "inning outing canning herring earring proceed exceed succeed".split()
    for ending in ("", "s", "ed", "ing")
    if word[-3:] == "eed" or ending in ("", "s")
}


class _Rule(NamedTuple):
    """What becomes of an ending: so many letters go, and others come.

    rest: what the second region is then, where it is shorter than what goes
    """

    ending: str
    gone: int
    come: str = ""
    rest: str = ""


_TO_ATE = [_Rule("ational", 7, "ate", "e"), _Rule("ation", 5, "ate", "e"), _Rule("ator", 4, "ate", "e")]
# the longest endings first: the first that a word has is looked at alone
_SECOND = sorted(
    [
        *_TO_ATE,
        *(_Rule(ending, len(ending), "ize") for ending in ("ization", "izer")),
        *(_Rule(ending, len(ending), "al") for ending in ("alism", "aliti", "alli")),
        *(_Rule(ending, len(ending), "ous") for ending in ("ousness", "ousli")),
        *(_Rule(ending, len(ending), "ive", "e") for ending in ("iveness", "iviti")),
        *(_Rule(ending, len(ending), "ble") for ending in ("biliti", "bli")),
        *(_Rule(ending, 1, "e") for ending in ("enci", "anci", "abli")),
        *(_Rule(ending, 2) for ending in ("tional", "lessli", "entli", "fulli", "li")),
        _Rule("fulness", 4),
        _Rule("ogi", 1),
    ],
    key=lambda rule: -len(rule.ending),
)
_THIRD = [
    _Rule("ational", 7, "ate"),
    _Rule("tional", 2),
    _Rule("alize", 3),
    _Rule("icate", 5, "ic"),
    _Rule("iciti", 5, "ic"),
    _Rule("ative", 5),
    _Rule("ical", 4, "ic"),
    _Rule("ness", 4),
    _Rule("ful", 3),
]
_FOURTH = "ement ance ence able ible ment ant ent ism ate iti ous ive ize ion al er ic".split()


def stem(word: str) -> str:
    """The stem that the forms of a word share."""
    word = word.lower()
    if len(word) <= 2:
        return word
    if word in _SPECIAL:
        return _SPECIAL[word]
    found = _Word(_marked(word))
    for step in (found.possessive, found.plural, found.past, found.final_y, found.second, found.third):
        step()
    found.fourth()
    found.last()
    return found.text.replace("Y", "y")


def _marked(word: str) -> str:
    """With one kind of apostrophe, and a capital for each y that is no vowel."""
    for other in "\u2019\u2018\u201b":
        word = word.replace(other, "'")
    letters = list(word.removeprefix("'"))
    for place, letter in enumerate(letters):
        if letter == "y" and (place == 0 or letters[place - 1] in _VOWELS):
            letters[place] = "Y"
    return "".join(letters)


def _after(text: str) -> str:
    """What stands behind the first consonant that follows a vowel."""
    for place in range(1, len(text)):
        if text[place] not in _VOWELS and text[place - 1] in _VOWELS:
            return text[place + 1 :]
    return ""


class _Word:
    """A word as steps shorten it.

    text:   all of it
    r1, r2: Porter's regions: its ends, in which endings may be
    """

    def __init__(self, text: str) -> None:
        self.text = text
        begun = next((one for one in ("gener", "commun", "arsen") if text.startswith(one)), None)
        self.r1 = text.removeprefix(begun) if begun else _after(text)
        self.r2 = _after(self.r1)

    def change(self, gone: int, come: str = "", rest: str = "") -> None:
        """Take letters from the end, and put others there."""
        self.text = self.text[:-gone] + come
        self.r1 = self.r1[:-gone] + come if len(self.r1) >= gone else ""
        self.r2 = self.r2[:-gone] + come if len(self.r2) >= gone else rest

    def ends(self, *endings: str) -> str:
        """The first of these that it ends in, or ""."""
        return next((one for one in endings if self.text.endswith(one)), "")

    def possessive(self) -> None:
        """Step 0."""
        if ending := self.ends("'s'", "'s", "'"):
            self.change(len(ending))

    def plural(self) -> None:
        """Step 1a."""
        ending = self.ends("sses", "ied", "ies", "us", "ss", "s")
        if ending == "sses":
            self.change(2)
        elif ending in ("ied", "ies"):
            self.change(2 if len(self.text) > 4 else 1)
        elif ending == "s" and not _VOWELS.isdisjoint(self.text[:-2]):
            self.change(1)

    def past(self) -> None:
        """Step 1b."""
        ending = self.ends("eedly", "ingly", "edly", "eed", "ing", "ed")
        if ending in ("eed", "eedly"):
            if self.r1.endswith(ending):
                self.change(len(ending), "ee")
            return
        if not ending or _VOWELS.isdisjoint(self.text[: -len(ending)]):
            return
        self.change(len(ending))
        if self.ends("at", "bl", "iz"):
            self.text, self.r1 = self.text + "e", self.r1 + "e"
            if len(self.text) > 5 or len(self.r1) >= 3:
                self.r2 += "e"
        elif self.ends(*_DOUBLE):
            self.change(1)
        elif not self.r1 and self._is_short():
            self.text += "e"

    def _is_short(self) -> bool:
        """Whether it ends in a short syllable: "hop", "at"."""
        letters = [letter in _VOWELS for letter in self.text[-3:]]
        if len(self.text) == 2:
            return letters == [True, False]
        return letters == [False, True, False] and self.text[-1] not in "wxY"

    def final_y(self) -> None:
        """Step 1c."""
        if len(self.text) > 2 and self.text[-1] in "yY" and self.text[-2] not in _VOWELS:
            self.change(1, "i")

    def second(self) -> None:
        """Step 2."""
        for rule in _SECOND:
            if self.text.endswith(rule.ending):
                before = self.text[: -len(rule.ending)][-1:]
                fits = {"ogi": before == "l", "li": before in _BEFORE_LI}.get(rule.ending, True)
                if fits and self.r1.endswith(rule.ending):
                    self.change(*rule[1:])
                return

    def third(self) -> None:
        """Step 3."""
        for rule in _THIRD:
            if self.text.endswith(rule.ending):
                region = self.r2 if rule.ending == "ative" else self.r1
                if region.endswith(rule.ending):
                    self.change(*rule[1:])
                return

    def fourth(self) -> None:
        """Step 4."""
        ending = self.ends(*_FOURTH)
        if ending and self.r2.endswith(ending) and (ending != "ion" or self.text[-4] in "st"):
            self.change(len(ending))

    def last(self) -> None:
        """Step 5."""
        if (self.r2.endswith("l") and self.text[-2] == "l") or self.r2.endswith("e"):
            self.text = self.text[:-1]
        elif self.r1.endswith("e") and len(self.text) >= 4:
            fourth, third, letter = tuple(self.text[-4:-1])
            short = letter not in _VOWELS and letter not in "wxY" and third in _VOWELS
            if not short or fourth in _VOWELS:
                self.text = self.text[:-1]
