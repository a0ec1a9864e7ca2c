"""Running text, for models that learn from which sentence follows which: `text:book.txt`, a sentence on each
line.

A blank line parts what does not belong together: the sentences between two of them are one item, in their
order.
"""

from pathlib import Path

from ..errors import BadDataset
from ..records import Item
from . import Dataset
from .sources import assemble, text_lines


def read(path: Path, spec: str) -> Dataset:
    """Read the passages of a text file as items without a picture; ids are the numbers of their first lines.

    errors: BadDataset for a file that is not there, is not UTF-8, or holds no sentence
    """
    items: list[Item] = []
    passage: list[str] = []
    for number, line in enumerate([*text_lines(path), ""], 1):
        if line.strip():
            passage.append(line)
        elif passage:
            items.append(Item(str(number - len(passage)), None, tuple(passage)))
            passage = []
    if not items:
        raise BadDataset(f"{path} holds no sentence. Give a text file with a sentence on each line.")
    return assemble(spec, items, ordered=True)
