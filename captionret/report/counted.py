"""Counts of things, as people read them."""

# Where it is not the first word with an s at its end that loses it
_SINGULAR = {"copies": "copy", "links to folders": "link to a folder"}


def counted(count: int, things: str) -> str:
    """So many things, their name given in the plural.

    >>> counted(1, "hidden files"), counted(1, "files of the system"), counted(2_000, "texts")
    ('1 hidden file', '1 file of the system', '2,000 texts')
    """
    return f"{count:,} {_singular(things) if count == 1 else things}"


def _singular(things: str) -> str:
    if things in _SINGULAR:
        return _SINGULAR[things]
    words = things.split(" ")
    place = next((place for place, word in enumerate(words) if word.endswith("s")), None)
    return " ".join(word[:-1] if at == place else word for at, word in enumerate(words))
