"""The captions that are least sure, for a person to look over. What was accepted is noted beside the library,
by the content's hash."""

import math
from pathlib import Path
from threading import Lock

from ..files import publishing
from ..locks import locked
from ..records import Caption
from .pictures import found_pictures
from .records import ReviewItem, ReviewQueue
from .shelf import Shelved

_FILE = "reviewed.txt"
_writing = Lock()


def review_queue(shelved: Shelved, limit: int) -> ReviewQueue:
    """The pictures that nobody has looked over, the least sure caption first."""
    snapshot = shelved.snapshot()
    reviewed = _reviewed(shelved.library.path)
    every = shelved.kept("sureness", lambda: _by_sureness(shelved))
    row_of = snapshot.gallery().row_of
    chosen = [(sha256, sure) for sha256, sure in every if sha256 not in reviewed and sha256 in row_of][:limit]
    pictures = found_pictures(snapshot, [row_of[sha256] for sha256, _ in chosen])
    items = [
        ReviewItem(picture=picture, sureness=round(sure, 4))
        for picture, (_, sure) in zip(pictures, chosen, strict=True)
    ]
    return ReviewQueue(items=items, reviewed=len(reviewed & row_of.keys()), pictures=len(snapshot))


def accept(shelved: Shelved, picture: str) -> None:
    """Note that a picture's caption is right as it is. errors: UnknownPicture, NoSpace"""
    shelved.row(shelved.snapshot(), picture)
    folder = shelved.library.path
    with _writing, locked(folder / "review.lock", wait=True):
        known = _reviewed(folder) | {picture}
        with publishing(folder / _FILE, "w") as file:
            file.write("".join(f"{one}\n" for one in sorted(known)))


def _by_sureness(shelved: Shelved) -> list[tuple[str, float]]:
    """Each content that a captioner captioned, with how sure that is; the least sure first."""
    captioned = (one for one in shelved.library if one.captioned_by != "a person")
    found = [(one.sha256, sureness(one.captions[0])) for one in captioned]
    return sorted(found, key=lambda one: (one[1], one[0]))


def sureness(caption: Caption) -> float:
    """The geometric mean of the probabilities of a caption's words, its end among them."""
    return math.exp(caption.logprob / (len(caption.tokens) + 1))


def _reviewed(folder: Path) -> set[str]:
    try:  # of a damaged file what is whole: it is written again with the next one
        return set((folder / _FILE).read_text(encoding="utf-8", errors="replace").split())
    except FileNotFoundError:
        return set()
