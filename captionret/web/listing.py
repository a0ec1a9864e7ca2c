"""Pictures that somebody has chosen, as a list to take along."""

from collections.abc import Iterable

from ..report.visible import visible
from .records import ListedPicture
from .shelf import Shelved


def listed(shelved: Shelved, pictures: Iterable[str]) -> list[ListedPicture]:
    """Those of the pictures that the library holds, each with its file's path and what is known of it."""
    snapshot = shelved.snapshot()
    gallery = snapshot.gallery()
    rows = [row for one in pictures if (row := gallery.row_of.get(one)) is not None]
    facts = snapshot.facts([gallery.hashes[row] for row in rows])
    return [
        ListedPicture(
            id=gallery.hashes[row],
            path=visible(str(snapshot.root / gallery.paths[row])),
            caption=visible(gallery.captions[row]),
            person=snapshot.is_own(row),
            taken=known.taken if known else None,
            camera=visible(known.camera) if known and known.camera else None,
            keywords=[visible(one) for one in known.keywords] if known else [],
        )
        for row, known in zip(rows, facts, strict=True)
    ]
