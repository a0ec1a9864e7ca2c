"""Flickr8k's files: captions in lines, and a list of names for each split."""

from collections.abc import Sequence
from pathlib import Path

from ...counting import counted
from ...errors import BadSetting
from ...files import publishing
from ...records import Item
from ..flickr8k import SPLIT_LISTS, TOKEN_FILES


def check(items: Sequence[Item]) -> None:
    """errors: BadSetting for another split than train, val and test, or a picture without a caption"""
    if others := sorted({item.split for item in items if item.split} - SPLIT_LISTS.keys()):
        raise BadSetting(
            f"Flickr8k's splits are train, val and test, not {others[0]!r}. Choose another format, or split "
            "anew."
        )
    if bare := [item.id for item in items if not item.captions]:
        raise BadSetting(
            f"{counted(len(bare), 'pictures have')} no caption (first: {bare[0]!r}), and Flickr8k's files "
            "name pictures by their captions. Choose another format."
        )


def write(items: Sequence[Item], folder: Path) -> Path:
    """The token file and the lists. A line break in a caption becomes a blank."""
    tokens = folder / TOKEN_FILES[0]
    with publishing(tokens, "w") as file:
        for item in items:
            for number, caption in enumerate(item.captions):
                file.write(f"{_name(item)}#{number}\t{' '.join(caption.split())}\n")
    for split, name in SPLIT_LISTS.items():
        with publishing(tokens.parent / name, "w") as file:
            file.writelines(f"{_name(item)}\n" for item in items if item.split == split)
    return folder


def _name(item: Item) -> str:
    return (item.path or Path()).name
