"""Whose the captions of an update are: the captioner that a library has, or another that takes its place."""

import json
from collections.abc import Mapping

from ...decoding import Decoding
from ...errors import BadLibrary, BadSetting
from ...remedies import remedy
from ..catalogue import writes
from ..catalogue.catalogue import Catalogue
from ..catalogue.rows import NAME, TEXT, WHOLE, record, restored, stored
from ..protocols import Captioning
from .made_by import decoding_of, decoding_text, described_from


def check_counts(batch_size: int, limit: int | None) -> None:
    """BadSetting for numbers of pictures that no update can keep."""
    whole = all(hasattr(one, "__index__") for one in (batch_size, 0 if limit is None else limit))
    if not whole or batch_size < 1 or (limit is not None and limit < 0):
        raise BadSetting(f"batch_size is {batch_size!r}, limit {limit!r}: at least 1 and 0 are possible.")


def check_captioner(captioner: Captioning | None) -> None:
    """BadSetting for what is none, as the name of one."""
    if captioner is not None and not hasattr(captioner, "describe"):
        raise BadSetting(
            f"{captioner!r} is no captioner. Give a loaded one, as Captioner.load(name), or leave it out: "
            "then the library's own captions."
        )


def adopt(catalogue: Catalogue, captioner: Captioning, decoding: Decoding, recaption: bool) -> int:
    """The captioner's id in the catalogue, as whose captions come from now on.

    recaption: take the place of another captioner
    errors:    BadLibrary where the library is another's and is not to be captioned again
    """
    folder = catalogue.file.parent
    described = json.dumps(described_from(folder, captioner.describe()))
    sql = "SELECT id, fingerprint, decoding, name, described FROM captioners"
    known = catalogue.table(sql, (WHOLE, TEXT, TEXT, NAME, TEXT))
    present = catalogue.value("SELECT value FROM meta WHERE key = 'captioner'")
    last = next((row for row in known if row[0] == present), None)
    # Decodings are compared, not their texts: older releases wrote others.
    same = (row for row in known if row[1] == captioner.fingerprint)
    ours = next((row[0] for row in same if decoding_of(row[2], folder) == decoding), None)
    if last is not None and last[0] == ours:
        if last[4] != described:  # its checkpoint lies elsewhere now
            with catalogue.transaction() as connection:
                connection.execute("UPDATE captioners SET described = ? WHERE id = ?", (described, ours))
        return int(ours)
    if last is not None and not recaption:
        marks = _marks(last[1], decoding_of(last[2], folder), record(last[4], "a captioner"))
        theirs = f"{restored(last[3])} ({marks})"
        now = f"{captioner.name} ({_marks(captioner.fingerprint, decoding, captioner.describe())})"
        raise BadLibrary(f"{folder} was captioned by {theirs}, not by {now}.", remedy("recaption"))
    values = (captioner.fingerprint, decoding_text(decoding, folder), stored(captioner.name), described)
    with catalogue.transaction() as connection:
        return writes.adopt_captioner(connection, ours, values)


def _marks(fingerprint: str, decoding: Decoding, described: Mapping[str, object]) -> str:
    """By what captioners differ: fingerprint, decoding, and a precision below float32."""
    known = ", ".join(filter(None, (fingerprint[:12], decoding.summary)))
    return f"{known}{_precision_in(described)}"


def _precision_in(described: Mapping[str, object]) -> str:
    """The precision below float32 that a captioner's facts name, after a comma."""
    return f", {described['precision']}" if "precision" in described else ""
