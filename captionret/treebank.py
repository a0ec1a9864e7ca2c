r"""Text split as the Penn Treebank does, without NLTK, whose import takes longer than a search.

Tokens are those of NLTK's `NLTKWordTokenizer`, as a test compares. They are found in another way: a text is
never written anew, but cut. Each step adds places to the cuts, and some look at those made before.

>>> split("Good muffins cost $3.88, don't they?")
['Good', 'muffins', 'cost', '$', '3.88', ',', 'do', "n't", 'they', '?']
"""

import re
from collections.abc import Iterable

_OPENING, _CLOSING = "``", "''"
_BEFORE_A_QUOTE = frozenset(" ([{<")  # after these a quotation mark opens
_AFTER_A_STOP = "])}>\"'»”’ "  # a full stop with nothing but these behind it ends the text
_EARLY = frozenset(";@#$%&‒–—―?!")  # tokens of their own, before apostrophes are looked at
_LATE = frozenset("*[](){}<>")  # and after the first look
_MARK = re.compile(r"[^\w\s]")
# how an apostrophe and letters may follow a word: it's, I'm, he'd; they'll, you're, I've, don't
_SHORT = frozenset(("'s", "'S", "'m", "'M", "'d", "'D"))
_LONG = frozenset(("'ll", "'LL", "'re", "'RE", "'ve", "'VE"))
_NOT = frozenset(("n't", "N'T"))
_CLITIC = re.compile(r"(?:[rv]e|ll|[mtsdn])\b", re.IGNORECASE)
# words of two, with the letters of the first
_TWO = {"cannot": 3, "d'ye": 1, "gimme": 3, "gonna": 3, "gotta": 3, "lemme": 3, "more'n": 4, "wanna": 3}
_TWO |= {"'tis": 2, "'twas": 2}
_OF_TWO = re.compile("|".join(_TWO), re.IGNORECASE)


def split(text: str) -> list[str]:
    """The tokens of a sentence."""
    return _Sentence(text).tokens()


class _Sentence:
    """A text and the places at which it is cut.

    cuts:    cuts[i]: before its i-th character; cuts[N] after the last
    marks:   the places of all that is no letter, digit or blank
    opening: the places of quotation marks that open, with their lengths
    """

    def __init__(self, text: str) -> None:
        self.text, self.count = text, len(text)
        self.cuts = [False] * (self.count + 1)
        self.marks = [found.start() for found in _MARK.finditer(text)]
        self.opening: dict[int, int] = {}

    def tokens(self) -> list[str]:
        """Cut, and read what is between the cuts."""
        if self.marks:
            self._cut_opening_quotes()
            self._cut_final_stop()
            self._cut_commas()
            self._cut_runs(r"\.\.+")
            self._cut_each(_EARLY)
            self._cut_apostrophes(blank_alone=True)
            self._cut_each(_LATE)
            self._cut_runs("--")
        self.cuts[0] = self.cuts[-1] = True
        if self.marks:
            self._cut_closing_quotes()
            self._cut_apostrophes()
            self._cut_clitics()
        self._cut_words_of_two()
        return list(self._pieces())

    def _cut_around(self, first: int, last: int) -> None:
        self.cuts[first] = self.cuts[last] = True

    def _cut_each(self, marks: Iterable[str]) -> None:
        for place in self.marks:
            if self.text[place] in marks:
                self._cut_around(place, place + 1)

    def _cut_runs(self, pattern: str) -> None:
        for found in re.finditer(pattern, self.text):
            self._cut_around(*found.span())

    def _cut_opening_quotes(self) -> None:
        """Cut around them; after an apostrophe with which a word begins that is no rest of another."""
        text = self.text
        self._cut_each("«“‘„")
        self._cut_runs("``?")
        if text[0] == '"':
            self.opening[0] = 1
            self._cut_around(0, 1)
        for found in re.finditer("\"|''", text):
            first, last = found.span()
            if first and (self.cuts[first] or text[first - 1] in _BEFORE_A_QUOTE):
                self.opening[first] = last - first
        for first, length in self.opening.items():
            self._cut_around(first, first + length)
        for found in re.finditer(r"(?<!\w)'(?=\w)", text):
            if not _CLITIC.match(text, found.end()):
                self.cuts[found.end()] = True

    def _cut_final_stop(self) -> None:
        """Cut around a full stop with nothing but closing marks and blanks behind it."""
        place = len(self.text.rstrip())
        while place and self.text[place - 1] in _AFTER_A_STOP and place - 1 not in self.opening:
            place -= 1
        ends = place > 1 and self.text[place - 1] == "." and self.text[place - 2] != "."
        if ends:
            self._cut_around(place - 1, place)
            self.cuts[-1] = True

    def _cut_commas(self) -> None:
        """Cut around commas and colons, but for those before a digit and, of two, the second."""
        taken = -1
        for place in self.marks:
            if self.text[place] not in ",:" or place == taken:
                continue
            if place + 1 == self.count or self.cuts[place + 1]:
                self._cut_around(place, place + 1)
            elif not self.text[place + 1].isdecimal():
                self._cut_around(place, place + 1)
                taken = place + 1
        for last in (self.text, self.text.removesuffix("\n")):
            if last.endswith((",", ":")):
                self._cut_around(len(last) - 1, len(last))

    def _cut_closing_quotes(self) -> None:
        self._cut_each("»”’")
        for found in re.finditer("\"|''", self._without_opening()):
            self._cut_around(*found.span())

    def _without_opening(self) -> str:
        """The text with blanks in place of quotation marks that open."""
        letters = list(self.text)
        for place, length in self.opening.items():
            letters[place : place + length] = " " * length
        return "".join(letters)

    def _cut_apostrophes(self, blank_alone: bool = False) -> None:
        """Cut before those that end a word, also with an s, m or d.

        blank_alone: cut those alone that have a blank or a cut right behind them
        """
        found = []
        for place in self.marks:
            if self.text[place] == "'" and self._within(place):
                short = not blank_alone and self._stands(place, 2, _SHORT)
                if short or self._ends(place + 1, blank_alone):
                    found.append(place)
        for place in found:
            self.cuts[place] = True

    def _cut_clitics(self) -> None:
        found = []
        for place in self.marks:
            if self.text[place] == "'":
                if self._within(place) and self._stands(place, 3, _LONG):
                    found.append(place)
                elif place and self._within(place - 1) and self._stands(place - 1, 3, _NOT):
                    found.append(place - 1)
        for place in found:
            self.cuts[place] = True

    def _cut_words_of_two(self) -> None:
        after = -1  # where the last one ended; there 'tis and 'twas are taken apart, too
        for found in _OF_TWO.finditer(self.text):
            first, last = found.span()
            word = found.group().lower()
            begins = first == after if word.startswith("'") else self._bound(first)
            whole = begins and (self._ends(last) if word == "wanna" else self._bound(last))
            if whole and not any(self.cuts[first + 1 : last]):
                self._cut_around(first, last)
                self.cuts[first + _TWO.get(word, 3)] = True
                after = -1 if word.startswith("'") else last

    def _within(self, place: int) -> bool:
        """Whether another letter or mark than an apostrophe stands right before a place."""
        return (
            not self.cuts[place]
            and place > 0
            and not (before := self.text[place - 1]).isspace()
            and (before != "'")
        )

    def _stands(self, place: int, length: int, endings: frozenset[str]) -> bool:
        """Whether one of the endings stands there in one piece and ends the word."""
        last = place + length
        whole = self.text[place:last] in endings and not any(self.cuts[place + 1 : last])
        return whole and self._ends(last)

    def _ends(self, place: int, blank_alone: bool = False) -> bool:
        """Whether nothing of the same piece follows at a place."""
        if place == self.count:
            return self.cuts[place]
        follows = self.text[place]
        return self.cuts[place] or (follows == " " if blank_alone else follows.isspace())

    def _bound(self, place: int) -> bool:
        """Whether a word begins or ends at a place."""
        if self.cuts[place]:
            return True
        return _is_letter(self.text[place - 1]) != _is_letter(self.text[place])

    def _pieces(self) -> Iterable[str]:
        first = 0
        for place in range(1, self.count + 1):
            if self.cuts[place]:
                piece = self.text[first:place]
                if first in self.opening:
                    yield _OPENING
                elif piece == '"':
                    yield _CLOSING
                else:
                    yield from piece.split()
                first = place


def _is_letter(letter: str) -> bool:
    return letter.isalnum() or letter == "_"
