"""What other programs know of pictures beside captions, kept where the pictures' own files say nothing."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ...records import GivenFacts, PictureFacts
from ..catalogue import writes
from ..catalogue.catalogue import Catalogue
from ..catalogue.fact_rows import FACT_COLUMNS, FACTS, facts_from
from ..catalogue.rows import TEXT, WHOLE
from .known_pictures import read_known

_READ = f"SELECT number, sha256, {FACTS} FROM images WHERE width NOTNULL AND height NOTNULL"  # noqa: S608
_FILLED = ("taken", "camera", "lens", "place", "title", "keywords")


def put_given_facts(catalogue: Catalogue, given: Iterable[GivenFacts], root: Path) -> int:
    """Keep them, in one transaction; returns of how many pictures something is new.

    A picture whose own file was never read for that is left: the next update reads it.
    """
    with catalogue.reading() as rows:
        pictures = read_known(rows, root)
        held = {
            number: (sha256, facts_from(*columns))
            for number, sha256, *columns in rows.table(_READ, (WHOLE, TEXT, *FACT_COLUMNS))
        }
    new: dict[str, PictureFacts] = {}
    for one in given:
        number = pictures.find(one.path, one.sha256)
        if number is None or number not in held:
            continue
        sha256, own = held[number]
        own = new.get(sha256, own)
        filled = _filled(own, one.facts)
        if filled != own:
            new[sha256] = filled
    if new:
        with catalogue.transaction() as connection:
            for sha256, facts in new.items():
                writes.put_facts(connection, sha256, facts)
    return len(new)


def _filled(own: PictureFacts, given: PictureFacts) -> PictureFacts:
    """What the file itself says, and where it says nothing what is given."""
    missing = {name: getattr(given, name) for name in _FILLED if not getattr(own, name)}
    return replace(own, **missing) if missing else own
