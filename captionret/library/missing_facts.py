"""What pictures' files say about themselves, for pictures that a library knows without it."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..counting import counted
from ..records import PictureFacts
from .catalogue import writes
from .catalogue.catalogue import Catalogue
from .catalogue.rows import NAME, TEXT, restored, stored
from .listing import Listing

log = logging.getLogger(__name__)

_WITHOUT_FACTS = """
SELECT sha256, MIN(path) FROM images JOIN files USING (sha256)
WHERE width IS NULL OR exif IS NULL GROUP BY sha256
"""
_HAS_NO_FACTS = """
SELECT sha256, path FROM files JOIN images USING (sha256) WHERE path = ? AND (width IS NULL OR exif IS NULL)
"""


def read_missing_facts(catalogue: Catalogue, root: Path, listing: Listing | None) -> None:
    """EXIF facts of what an older release captioned, or a captioner that reads none.

    listing: of these files alone
    """
    if listing is None:
        found_without = catalogue.table(_WITHOUT_FACTS, (TEXT, NAME))
    else:
        names = (stored(file.name) for file in listing.files)
        found_without = [row for name in names for row in catalogue.table(_HAS_NO_FACTS, (TEXT, NAME), name)]
    missing = [(sha256, root / restored(path)) for sha256, path in found_without]
    if missing:
        log.info(f"What {counted(len(missing), 'picture files say')} about themselves is read, once.")
        found = list(_facts_of(missing))
        with catalogue.transaction() as connection:
            for sha256, facts in found:
                writes.put_facts(connection, sha256, facts)


def _facts_of(pictures: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, PictureFacts]]:
    from ..errors import BadImage
    from ..images import read_facts

    for sha256, path in pictures:
        try:
            yield sha256, read_facts(path)
        except (BadImage, OSError):
            continue  # changed or gone since; the next update looks again
