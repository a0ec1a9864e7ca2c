"""Captioning pictures, and committing a batch at a time."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice, repeat

from ...decoding import Decoding
from ...progress import bar
from ...records import CaptionResult, Failure, NoCaption
from .. import checksums
from ..catalogue import writes
from ..catalogue.caption_rows import today
from ..catalogue.catalogue import Catalogue
from ..catalogue.rows import WHOLE, size
from ..protocols import Captioning
from ..scan import Plan, Task
from ..vectors import features
from .storable import whole_result


class BatchWriter:
    """Keeps what one captioner says of pictures.

    captioner_id: its number in the catalogue
    """

    def __init__(
        self, catalogue: Catalogue, captioner: Captioning, captioner_id: int, decoding: Decoding
    ) -> None:
        self.catalogue = catalogue
        self.captioner = captioner
        self.id = captioner_id
        self.decoding = decoding
        self.features = features.file_of(catalogue.file.parent, captioner_id, captioner.fingerprint)

    def caption(self, tasks: Sequence[Task], plan: Plan, batch_size: int, progress: bool | None) -> None:
        """Caption these and count them in the plan."""
        if not tasks:
            return
        queue = iter(tasks)
        paths = [task.files[0][0].path for task in tasks]
        with bar(total=len(tasks), unit="picture", desc="captioning", show=progress) as shown:
            for results in self.captioner.caption_stream(
                paths, decoding=self.decoding, batch_size=batch_size
            ):
                self._write(list(zip(islice(queue, len(results)), results, strict=True)), plan)
                shown.update(len(results))
        if next(queue, None) is not None:
            raise RuntimeError(f"{self.captioner.name} did not answer for every picture it was given.")

    def _write(self, answers: Sequence[tuple[Task, CaptionResult | Failure | NoCaption]], plan: Plan) -> None:
        """Features first, then one transaction: a kill between the two leaves rows that nobody counts on."""
        checked = [(task, whole_result(one)) for task, one in answers if not isinstance(one, NoCaption)]
        plan.silent += sum(len(task.files) for task, one in answers if isinstance(one, NoCaption))
        done = [result for _, result in checked if isinstance(result, CaptionResult)]
        first, sums = self._append(done)
        counts: Counter[str] = Counter()
        failures: list[Failure] = []
        day = today()
        with self.catalogue.transaction() as connection:
            if first is not None:
                size_now = (len(done), done[0].feature.shape[0], self.id)
                connection.execute("UPDATE captioners SET rows = rows + ?, dim = ? WHERE id = ?", size_now)
                writes.put_feature_sums(connection, self.id, sums)
            rows = iter(range(first, first + len(done))) if first is not None else repeat(-1)
            for task, result in checked:
                if isinstance(result, Failure):
                    failures += [
                        writes.put_failure(connection, file, result.reason, self.id) for file, _ in task.files
                    ]
                    continue
                writes.put_image(connection, result, self.id, next(rows), day)
                # If the file was rewritten while the update ran, its copies hold another content: the next
                # update sees them.
                written = task.files if task.sha256 in (None, result.sha256) else task.files[:1]
                for file, kind in written:
                    writes.put_file(connection, file, result.sha256)
                    counts[kind] += 1
        plan.counts += counts
        plan.failures += failures

    def _append(self, done: Sequence[CaptionResult]) -> tuple[int | None, dict[int, int]]:
        """Write features behind those that count; the number of these, and the new checksums of blocks. None
        where there are none to write."""
        if not any(len(result.feature) for result in done):
            return None, {}
        with self.catalogue.reading() as rows:
            count = rows.whole("SELECT rows FROM captioners WHERE id = ?", self.id)
            sql = "SELECT block, crc FROM feature_blocks WHERE captioner = ? AND block = ?"
            known = dict(rows.table(sql, (WHOLE, WHOLE), self.id, count // checksums.BLOCK))
        first = size(count, "a number of rows")
        values = features.rows_to_store([result.feature for result in done])
        features.append(self.features, first, values)
        return first, checksums.after_append(first, values, known)
