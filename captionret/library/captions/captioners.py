"""Who captions a library: the present captioner, and those whose captions are kept beside it, the best
first."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import BadSetting
from ..catalogue.rows import NAME, TEXT, WHOLE, Rows, record, restored
from .made_by import MadeBy, decoding_of

CURRENT = "(SELECT value FROM meta WHERE key = 'captioner')"
# What another program or a person put into a file goes before a model; of the same kind the later one.
_RANKED = f"""
SELECT id, name, fingerprint, decoding, described, kind, adopted FROM captioners
WHERE kind <> 'none' AND (beside OR id = {CURRENT})
ORDER BY preferred DESC, kind = 'file' DESC, adopted DESC, id DESC
"""  # noqa: S608
_COLUMNS = (WHOLE, NAME, TEXT, TEXT, TEXT, TEXT, TEXT)
PERSON = "a person"


@dataclass(frozen=True, slots=True)
class KnownCaptioner:
    """A captioner, as the catalogue has it; `described` and `decoding` are JSON.

    label:   by which people ask for its captions: its name, with its number where another has the same one
    kind:    "model", or "file" where its captions are read from one; "none" for what only notes pictures
    adopted: when it was first asked, in ISO 8601; "" for one of an older format
    """

    id: int
    label: str
    name: str
    fingerprint: str
    decoding: str
    described: str
    kind: str
    adopted: str

    @property
    def backbone(self) -> object:
        """The CNN that it sees with, as it describes it; None where it does not say. errors: Damaged"""
        return record(self.described, "a captioner").get("backbone")

    def made_by(self, folder: Path) -> MadeBy:
        """The same for people. errors: Damaged"""
        decoding = decoding_of(self.decoding, folder)
        return MadeBy(self.name, self.fingerprint, decoding, record(self.described, "a captioner"), folder)


@dataclass(frozen=True, slots=True)
class Shown:
    """Whose captions are shown of each picture: those of the first of these who captioned it.

    present:    whose features are kept; None before anything is captioned
    captioners: the best first
    by:         the one that was asked for by name; None: the best of each picture
    backbone:   the CNN whose features are kept, as its captioner describes it
    """

    present: int | None
    captioners: tuple[KnownCaptioner, ...]
    by: int | None = None
    backbone: object = None

    @property
    def key(self) -> str:
        """Another one for other captioners, or another order of them."""
        return f"{self.present}:{','.join(str(one.id) for one in self.captioners)}"

    def sees_otherwise(self, captioner: KnownCaptioner) -> bool:
        """Whether a captioner is a model that sees with another CNN than the one whose features are kept."""
        if captioner.kind != "model" or captioner.id == self.present:
            return False
        return self.backbone is None or captioner.backbone != self.backbone

    @property
    def best(self) -> KnownCaptioner | None:
        """The best ranked one."""
        return self.captioners[0] if self.captioners else None


def read_captioners(rows: Rows) -> list[KnownCaptioner]:
    """All that count, the best first. errors: Damaged"""
    found = [
        KnownCaptioner(row[0], restored(row[1]), restored(row[1]), *row[2:])
        for row in rows.table(_RANKED, _COLUMNS)
    ]
    names = Counter(one.name for one in found)
    return [one if names[one.name] == 1 else replace(one, label=f"{one.name}#{one.id}") for one in found]


def read_present(rows: Rows) -> int | None:
    """The id of the captioner whose features are kept; None before anything is captioned."""
    found = rows.table("SELECT value FROM meta WHERE key = 'captioner'", (WHOLE,))
    return int(found[0][0]) if found else None


def read_shown(rows: Rows, by: str | int | None = None) -> Shown:
    """Whose captions are shown.

    by:     a label or a name, or an id; None: the best of each picture
    errors: BadSetting where there is no such captioner; Damaged
    """
    found, present = read_captioners(rows), read_present(rows)
    backbone = next((one.backbone for one in found if one.id == present), None)
    if by is None:
        return Shown(present, tuple(found), backbone=backbone)
    for one in found:
        if by in (one.id, one.label, one.name):
            return Shown(present, (one,), one.id, backbone)
    known = ", ".join(one.label for one in found) or "nobody yet"
    raise BadSetting(f"This library holds no captions by {by}. It was captioned by: {known}.")
