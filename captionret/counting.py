"""Counts of things, as people read them."""

# Where one of them has not the same name without its s
_SINGULAR = {"copies": "copy", "queries": "query", "libraries": "library", "classes": "class"}
_VERBS = {"are": "is", "were": "was", "have": "has", "do": "does"}
_REGULAR = frozenset(
    {"hold", "stand", "wait", "ask", "belong", "show", "say"}
)  # one of a thing does it with an s


def counted(count: int, things: str) -> str:
    """So many things, their name given in the plural, with a verb behind it where one follows.

    >>> counted(1, "hidden files"), counted(1, "files of the system"), counted(2_000, "texts")
    ('1 hidden file', '1 file of the system', '2,000 texts')
    >>> counted(1, "links to folders were"), counted(0, "pictures hold")
    ('1 link to a folder was', '0 pictures hold')
    """
    return f"{count:,} {_singular(things) if count == 1 else things}"


def _singular(things: str) -> str:
    words = things.split(" ")
    if words[-1] in _VERBS or words[-1] in _REGULAR:
        verb = words.pop()
        return f"{_singular(' '.join(words))} {_VERBS.get(verb, f'{verb}s')}"
    if things == "links to folders":
        return "link to a folder"
    place = next((place for place, word in enumerate(words) if word.endswith("s")), None)
    return " ".join(_one_of(word) if at == place else word for at, word in enumerate(words))


def _one_of(things: str) -> str:
    return _SINGULAR.get(things, things[:-1])
