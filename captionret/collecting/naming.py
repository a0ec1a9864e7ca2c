"""Names of folders and files that every system takes."""

import unicodedata

_LONGEST = 60  # bytes; a file system takes 255, an archive less
# names that Windows keeps for devices, whatever their ending
_RESERVED = {"con", "prn", "aux", "nul"} | {f"{name}{n}" for name in ("com", "lpt") for n in range(10)}


def folder_name(text: str, otherwise: str = "pictures") -> str:
    """A text as the name of a folder: letters and figures of any script, hyphens between them.

    >>> folder_name("A red Bicycle / Fahrrad!"), folder_name("../.."), folder_name("CON")
    ('a-red-bicycle-fahrrad', 'pictures', 'con-')
    """
    letters = unicodedata.normalize("NFC", text).casefold()
    kept = "".join(letter if letter.isalnum() or unicodedata.combining(letter) else " " for letter in letters)
    name = "-".join(kept.split()).encode()[:_LONGEST].decode(errors="ignore").rstrip("-")
    return f"{name}-" if name in _RESERVED else name or otherwise
