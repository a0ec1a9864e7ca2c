"""What a person changes in a library: pictures added or removed one by one, and captions in their own
words."""

import os
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

from ..errors import BadLibrary, BadSetting
from ..remedies import remedy
from ..text import word_set
from .catalogue import writes
from .catalogue.catalogue import Catalogue
from .catalogue.rows import NAME, TEXT, restored, stored
from .listing import Listing, look_at
from .names import PathInput, as_listed, as_paths, below, called, held_as, name_of


class KnownNames(Container[str]):
    """The files that a library holds, or failed to caption, each looked up when it is asked for."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def __contains__(self, name: object) -> bool:
        sql = "SELECT path FROM files WHERE path = ?1 UNION SELECT path FROM failures WHERE path = ?1"
        return self._catalogue.value(sql, stored(str(name))) is not None


def listing_of(
    paths: PathInput | Iterable[PathInput],
    folders: Sequence[Path],
    known: Container[str],
    ignored: Sequence[str] = (),
) -> Listing:
    """Files, and all pictures of folders, as an update looks at them.

    folders: the library's, the root first; ignored: patterns of what is left out there
    known:   the names that the library holds
    errors:  BadSetting for what is not there, and for a file that is left out
    """
    from ..images import image_files, is_picture, rules_of

    root = folders[0]
    listing = Listing()
    seen: set[str] = set()
    for path in as_paths(paths):
        name = name_of(path, root, known)
        place = root / (name if name in known else as_listed(name, root))
        if not place.exists():
            raise BadSetting(f"{path} does not exist. Check the path.")
        found = image_files(place, [], listing.other) if place.is_dir() else [str(place)]
        folder = next((one for one in folders if place.is_relative_to(one)), None)
        for file in found:
            rules = None if folder is None else rules_of(folder, os.path.dirname(file), ignored)
            if folder is not None and (rules is None or not is_picture(file) or rules.leave_out(file)):
                if file == str(place):
                    raise BadSetting(f"{path} is hidden, or left out by a pattern. Change the pattern first.")
                continue
            name = name_of(file, root, known)
            if name not in seen:
                seen.add(name)
                look_at(file, name, listing)
    return listing


def names_of_files(catalogue: Catalogue) -> list[str]:
    """Every file that the library holds, or failed to caption."""
    sql = "SELECT path FROM files UNION SELECT path FROM failures"
    return [restored(path) for (path,) in catalogue.table(sql, (NAME,))]


def remove(catalogue: Catalogue, paths: PathInput | Iterable[PathInput], root: Path) -> int:
    """Forget pictures, or all below a folder; updates pass them over while their files are there.

    returns: of how many files
    errors:  BadLibrary for a path of which the library holds nothing; BadSetting as `called`
    """
    known = names_of_files(catalogue)
    gone: list[str] = []
    for path in as_paths(paths):
        name = name_of(path, root, known)
        found = below(name, known) or below(as_listed(name, root), known)
        if not found and (alone := called(path, known)) is not None:
            found = [alone]
        if not found:
            raise BadLibrary(f"{catalogue.file.parent} holds no picture {path}.", remedy("which pictures"))
        gone += found
    gone = sorted(set(gone))
    with catalogue.transaction() as connection:
        writes.drop_files(connection, gone)
        writes.drop_failures(connection, gone)
        writes.exclude(connection, [name for name in gone if not Path(name).is_absolute()])
        writes.drop_unused_images(connection)
    return len(gone)


def set_caption(catalogue: Catalogue, path: PathInput, text: str | None, root: Path) -> str:
    """Put a person's caption in place of every captioner's; None takes it away again. Returns the picture's
    name in the library.

    errors: BadLibrary for a picture that the library doesn't hold, BadSetting for a text without a word and
            for the name of several files
    """
    files = "SELECT path, sha256 FROM files"
    known = {restored(name): sha256 for name, sha256 in catalogue.table(files, (NAME, TEXT))}
    name = held_as(path, root, known)
    if name is None:
        raise BadLibrary(f"{catalogue.file.parent} holds no picture {path}.", remedy("which pictures"))
    if text is not None:
        text = _caption_text(text)
    with catalogue.transaction() as connection:
        if text is None:
            writes.drop_own_caption(connection, known[name])
        else:
            writes.put_own_caption(connection, known[name], text)
    return name


def _caption_text(text: str) -> str:
    """The text on one line. errors: BadSetting"""
    if not isinstance(text, str):
        raise BadSetting(f"A caption is a text, a str, not {type(text).__name__}. Give one.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadSetting(f"The caption {text!a} holds what is no text. Write it anew.") from None
    text = " ".join(text.split())
    if not word_set(text):
        raise BadSetting(f"The caption {text!r} holds no word. Say what the picture shows.")
    return text
