"""What one more captioner says of the pictures that a library holds, kept beside the captions of others."""

import json
import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from ...decoding import Decoding
from ...progress import bar
from ...records import CaptionResult, Failure, NoCaption
from ..catalogue import writes
from ..catalogue.caption_rows import WITHOUT, today
from ..catalogue.catalogue import Catalogue
from ..catalogue.rows import NAME, TEXT, WHOLE, Damaged, restored, stored
from ..listing import Found
from ..protocols import Captioning, Described
from ..report import CaptionReport
from .captioners import CURRENT, KnownCaptioner, read_captioners
from .in_english import warn_of_another_language
from .made_by import decoding_of, decoding_text, described_from
from .storable import whole_result

log = logging.getLogger(__name__)

_WITHOUT = f"""
SELECT i.number, i.sha256, MIN(f.path) FROM images AS i JOIN files AS f USING (sha256)
WHERE i.number IN ({WITHOUT}) GROUP BY i.number ORDER BY MIN(f.path)
"""  # noqa: S608
_HELD = f"SELECT COUNT(*) FROM images WHERE captioner = {CURRENT}"  # noqa: S608
_FAILED = "SELECT path, reason, size, ctime_ns FROM failures WHERE captioner = ?"

Waiting = tuple[int, str, Found]  # a picture's number, its content's hash, its file


def own_way(captioner: Captioning) -> Decoding | None:
    """How a captioner decodes that is not ours; None for one that decodes as it is asked to."""
    way = getattr(captioner, "way", None)
    return way if isinstance(way, Decoding) else None


def adopt(
    catalogue: Catalogue, captioner: Described, decoding: Decoding, kind: str = "model"
) -> KnownCaptioner:
    """The captioner as the catalogue knows it, which from now on keeps its captions beside others."""
    folder = catalogue.file.parent
    described = json.dumps(described_from(folder, captioner.describe()))
    with catalogue.reading() as rows:
        known = rows.table("SELECT id, fingerprint, decoding FROM captioners", (WHOLE, TEXT, TEXT))
        ours = [row[0] for row in known if row[1] == captioner.fingerprint]
        ours = [one for one in ours if _decodes(known, one, decoding, folder)]
    with catalogue.transaction() as connection:
        if ours:
            number = int(ours[0])
        else:
            text = decoding_text(decoding, folder)
            values = (captioner.fingerprint, text, stored(captioner.name), described)
            number = writes.add_captioner(connection, values)
        connection.execute(
            "UPDATE captioners SET described = ?, kind = ?, beside = 1 WHERE id = ?",
            (described, kind, number),
        )
    with catalogue.reading() as rows:
        return next(one for one in read_captioners(rows) if one.id == number)


def _decodes(known: Sequence[tuple[int, str, str]], number: int, decoding: Decoding, folder: Path) -> bool:
    (text,) = (row[2] for row in known if row[0] == number)
    try:
        return decoding_of(text, folder) == decoding
    except Damaged:
        return False


class Beside:
    """One captioner's captions of the pictures of a library that is up to date with its folder, with the
    writer's lock held."""

    def __init__(self, catalogue: Catalogue, known: KnownCaptioner, root: Path) -> None:
        self._catalogue, self._known, self._root = catalogue, known, root
        self._failed: list[Failure] = []

    def waiting(self) -> list[Waiting]:
        """The pictures that it has yet to caption; not those at which it failed, while they are as they
        were."""
        with self._catalogue.reading() as rows:
            without = rows.table(_WITHOUT, (WHOLE, TEXT, NAME), self._known.id)
            failed = {
                restored(path): (restored(reason), *facts)
                for path, reason, *facts in rows.table(_FAILED, (NAME, NAME, WHOLE, WHOLE), self._known.id)
            }
        self._failed, found = [], []
        for number, sha256, stored_path in without:
            file = self._file(restored(stored_path))
            if file is None:
                continue
            reason, *facts = failed.get(file.name, ("", 0, 0))
            if reason and facts == [file.size, file.ctime_ns]:
                self._failed.append(Failure(file.name, reason))
            else:
                found.append((number, sha256, file))
        return found

    def run(
        self,
        captioner: Captioning,
        decoding: Decoding,
        waiting: Sequence[Waiting],
        *,
        batch_size: int,
        progress: bool | None,
        limit: int | None = None,
    ) -> CaptionReport:
        """Caption them, a batch at a time, each of which is kept at once."""
        asked = waiting[:limit]
        new, failures, texts = 0, list(self._failed), list[str]()
        for answers in self._answers(captioner, decoding, asked, batch_size, progress):
            day = today()
            with self._catalogue.transaction() as connection:
                for (number, sha256, file), given in answers:
                    result = given if isinstance(given, NoCaption) else whole_result(given)
                    if isinstance(result, Failure):
                        reason = result.reason
                        one = writes.put_failure(connection, file, reason, self._known.id, forget=False)
                        failures.append(one)
                    elif isinstance(result, CaptionResult) and result.sha256 == sha256:
                        writes.put_captions(connection, self._known.id, number, result.captions, day)
                        writes.drop_failures(connection, [file.name], self._known.id)
                        new += 1
                        texts += [caption.text for caption in result.captions[:1]]
        warn_of_another_language(self._known.label, texts)
        held = int(self._catalogue.value(_HELD))
        left = len(self._catalogue.table(_WITHOUT, (WHOLE, TEXT, NAME), self._known.id))
        return CaptionReport(
            self._known.label,
            new=new,
            unchanged=held - left - new,
            failed=len(failures),
            waiting=left - len(failures),
            failures=tuple(failures),
        )

    def _answers(
        self,
        captioner: Captioning,
        decoding: Decoding,
        asked: Sequence[Waiting],
        batch_size: int,
        progress: bool | None,
    ) -> Iterator[list[tuple[Waiting, CaptionResult | Failure | NoCaption]]]:
        if not asked:
            return
        queue = iter(asked)
        paths = [file.path for *_, file in asked]
        with bar(total=len(asked), unit="picture", desc=self._known.label, show=progress) as shown:
            for results in captioner.caption_stream(paths, decoding=decoding, batch_size=batch_size):
                yield list(zip(islice(queue, len(results)), results, strict=True))
                shown.update(len(results))

    def _file(self, name: str) -> Found | None:
        """The file as it is now; None for one that is gone, which the next update finds."""
        path = self._root / name
        try:
            facts = path.stat()
        except OSError:
            return None
        return Found(str(path), name, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
