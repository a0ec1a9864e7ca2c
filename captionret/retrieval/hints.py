"""How to type what words of a query may be meant as: a year as days, a folder's name as a folder."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from ..errors import BadSetting
from ..text import content_words, words
from .file_names import MOST_PICTURES
from .gallery import Gallery
from .language import Since, Under, Until, first_day, last_day
from .query import EncodedQuery
from .spelling import is_shown

_MONTHS = "january february march april may june july august september october november december".split()
_NAMED_DAY = re.compile(
    rf"(?<![\w-])(?:({'|'.join(f'{one[:3]}(?:{one[3:]})?' for one in _MONTHS)})\s+)?((?:19|20)\d\d)"
    r"(-\d\d(?:-\d\d)?)?(?![\w-])",
    re.IGNORECASE,
)


def hints(gallery: Gallery, query: EncodedQuery) -> tuple[str, ...]:
    """What to type where a text names days on which pictures were taken, or folders that are here: a sentence
    each.

    "To see what was taken in 2019, type since:2019 until:2019."
    """
    if query.parsed is None or not query.text:
        return ()
    text, found = query.text, list[str]()
    filters = query.parsed.filters
    if not any(isinstance(one, Since | Until) for one in filters):
        for named, day in _days(gallery, text):
            found.append(f"To see what was taken in {named}, type since:{day} until:{day}.")
            text = text.replace(named, " ")
    if not any(isinstance(one, Under) for one in filters):
        found += _of_folders(gallery, text)
    return tuple(found)


def nearest_folder(gallery: Gallery, folder: str) -> str | None:
    """The folder that is called most like this; None where none is. One that holds its words comes first."""
    from rapidfuzz import fuzz, process

    names = {name.casefold(): name for name in sorted(_folders(gallery))}
    named = _named(names.values(), folder)
    if named is not None:
        return named
    found = process.extractOne(folder.casefold(), list(names), scorer=fuzz.ratio, score_cutoff=60)
    return names[found[0]] if found else None


def as_filter(sign: str, value: str) -> str:
    """A filter as it is typed: under:"2018 Italy"."""
    return f'{sign}:"{value}"' if re.search(r"[\s()]", value) else f"{sign}:{value}"


def _days(gallery: Gallery, text: str) -> Iterator[tuple[str, str]]:
    """The days, months and years in a text on which pictures were taken: how they stand there, and as filters
    have them."""
    for found in _NAMED_DAY.finditer(text):
        month, year, rest = found.groups(default="")
        number = next((one for one, name in enumerate(_MONTHS, 1) if name[:3] == month.lower()[:3]), 0)
        day = year + (rest or (f"-{number:02d}" if number else ""))
        if _was_taken(gallery, day):
            yield found.group(), day


def _was_taken(gallery: Gallery, day: str) -> bool:
    """Whether any picture was taken then, as far as is known."""
    try:
        first, last = first_day(day), last_day(day)
    except BadSetting:  # no day of the calendar
        return False
    return any(first <= one <= last for one in gallery.row_sets.counts("day"))


def _of_folders(gallery: Gallery, text: str) -> Iterator[str]:
    if len(gallery) > MOST_PICTURES:
        return
    folders = _folders(gallery)
    for word in content_words(words(text)):
        found = _named(folders, word)
        if found is not None and not _is_shown(gallery, word):
            yield f"A folder is called {found!r}. To see what lies in it, type {as_filter('under', found)}."


def _is_shown(gallery: Gallery, word: str) -> bool:
    known = gallery.known_words
    return word in known and is_shown(word, known)


def _folders(gallery: Gallery) -> set[str]:
    own = {PurePath(folder) for folder in set(map(os.path.dirname, gallery.paths))}
    every = {above.as_posix() for folder in own for above in (folder, *folder.parents)}
    return every - {"."}


def _named(folders: Iterable[str], sought: str) -> str | None:
    """The folder nearest to the top whose own name holds the words of what is sought, however they are
    written."""
    asked = set(words(sought))
    found = [one for one in folders if asked and asked <= set(words(PurePath(one).name))]
    return min(found, key=lambda one: (len(PurePath(one).parts), one), default=None)
