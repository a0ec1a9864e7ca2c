"""Bringing a library up to date with its folder: only what is new or changed is captioned, and a batch at a
time is committed."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, repeat
from math import isfinite
from pathlib import Path

import numpy as np

from ..decoding import Decoding
from ..errors import BadLibrary
from ..progress import bar
from ..records import Caption, CaptionResult, Failure, NoCaption, PictureFacts
from ..remedies import remedy
from . import checksums, features, writes
from .caption_rows import today
from .catalogue import Catalogue
from .documents import read_own
from .index_writing import write_index
from .made_by import decoding_of, decoding_text, described_from, from_folder
from .protocols import Captioning
from .report import UpdateReport
from .rows import NAME, TEXT, WHOLE, record, restored, size, stored
from .scan import Listing, Plan, Remembered, Task, make_plan, remembered

log = logging.getLogger(__name__)

_WITHOUT_FACTS = """
SELECT sha256, MIN(path) FROM images JOIN files USING (sha256) WHERE width IS NULL GROUP BY sha256
"""
_HAS_NO_FACTS = """
SELECT sha256, path FROM files JOIN images USING (sha256) WHERE path = ? AND width IS NULL
"""


class Updater:
    """One update of one library, with the writer's lock held."""

    def __init__(
        self, catalogue: Catalogue, captioner: Captioning, decoding: Decoding, recaption: bool
    ) -> None:
        self.catalogue = catalogue
        self.folder = catalogue.file.parent
        self.captioner = captioner
        self.decoding = decoding
        self.id = self._adopt(recaption)
        self.features = features.file_of(self.folder, self.id, captioner.fingerprint)

    def run(
        self,
        root: Path,
        listing: Listing,
        *,
        whole: bool = True,
        batch_size: int,
        progress: bool | None,
        limit: int | None,
        allow_empty: bool,
    ) -> UpdateReport:
        """Compare a listing of the root with the catalogue, write what needs no captioning, caption the rest.

        whole: whether the listing is of all pictures, so that what is not in it is gone
        """
        known = remembered(self.catalogue, self.id, None if whole else listing.files)
        plan = make_plan(known, listing, whole)
        if whole and not allow_empty:
            self._refuse_to_lose_all(root, listing, plan)
        self._warn_of_own_captions(plan, known)
        self._write_known(plan, root, known, whole)
        tasks = plan.tasks[:limit]
        self._caption(tasks, plan, batch_size, progress)
        waiting = plan.silent + sum(len(task.files) for task in plan.tasks[len(tasks) :])
        if whole:
            self._drop_unused()
        else:
            self._drop_replaced(listing, known)
        self._read_missing_facts(root, None if whole else listing)
        write_index(self.catalogue)
        return UpdateReport(
            **plan.counts,
            failed=len(plan.failures),
            waiting=waiting,
            excluded=listing.excluded,
            failures=tuple(plan.failures),
            other=dict(sorted(listing.other.items())),
        )

    def _refuse_to_lose_all(self, root: Path, listing: Listing, plan: Plan) -> None:
        if not listing.files and plan.gone:
            raise BadLibrary(
                f"{root} holds no pictures any more, the library knows {len(plan.gone):,} of it. Nothing "
                "was changed: mount the disk or restore the folder and run again.",
                remedy("allow empty"),
            )
        with self.catalogue.reading() as rows:
            relocated = str(root) != rows.meta("root")
        kept = plan.known_content or plan.counts["unchanged"]
        if relocated and plan.gone and not kept:
            raise BadLibrary(
                f"{root} holds none of the {len(plan.gone):,} pictures that the library knows. Nothing was "
                "changed: give the folder that they were moved to, or use another library.",
                remedy("allow empty"),
            )

    def _adopt(self, recaption: bool) -> int:
        """The captioner's id in the catalogue; BadLibrary if the library is another's and is not to be
        captioned again."""
        described = json.dumps(described_from(self.folder, self.captioner.describe()))
        sql = "SELECT id, fingerprint, decoding, name, described FROM captioners"
        known = self.catalogue.table(sql, (WHOLE, TEXT, TEXT, NAME, TEXT))
        present = self.catalogue.value("SELECT value FROM meta WHERE key = 'captioner'")
        last = next((row for row in known if row[0] == present), None)
        ours = next((row[0] for row in known if self._is_ours(*row[1:3])), None)
        if last is not None and last[0] == ours:
            if last[4] != described:  # its checkpoint lies elsewhere now
                with self.catalogue.transaction() as connection:
                    connection.execute("UPDATE captioners SET described = ? WHERE id = ?", (described, ours))
            return int(ours)
        if last is not None and not recaption:
            theirs = f"{restored(last[3])} ({last[1][:12]}, {decoding_of(last[2], self.folder).summary}"
            theirs += f"{_precision_in(record(last[4], 'a captioner'))})"
            now = f"{self.captioner.name} ({self.captioner.fingerprint[:12]}, {self.decoding.summary}"
            now += f"{_precision_in(self.captioner.describe())})"
            raise BadLibrary(f"{self.folder} was captioned by {theirs}, not by {now}.", remedy("recaption"))
        decoding = decoding_text(self.decoding, self.folder)
        values = (self.captioner.fingerprint, decoding, stored(self.captioner.name), described)
        with self.catalogue.transaction() as connection:
            return writes.adopt_captioner(connection, ours, values)

    def _is_ours(self, fingerprint: str, decoding: str) -> bool:
        """Decodings are compared, not their texts: older releases wrote others."""
        return (
            fingerprint == self.captioner.fingerprint and decoding_of(decoding, self.folder) == self.decoding
        )

    def _write_known(self, plan: Plan, root: Path, known: Remembered, whole: bool) -> None:
        with self.catalogue.transaction() as connection:
            writes.put_meta(connection, "root", stored(str(root)))
            there = from_folder(self.folder, root)
            if there is not None:
                writes.put_meta(connection, "root_from_library", stored(there))
            for file, sha256 in plan.known_content:
                writes.put_file(connection, file, sha256)
            writes.drop_files(connection, plan.gone)
            if whole:
                kept = {failure.path for failure in plan.failures}
                writes.drop_failures(connection, [name for name in known.failed if name not in kept])

    def _warn_of_own_captions(self, plan: Plan, known: Remembered) -> None:
        """Say that a person's caption was of what its file showed before."""
        with self.catalogue.reading() as rows:
            own = read_own(rows)
        changed = [file.name for task in plan.tasks for file, kind in task.files if kind == "changed"]
        for name in changed if own else ():
            text = own.get(known.files[name].sha256)
            if text is not None:
                log.warning(f"{name} was changed; its caption {text!r} was of what it showed before.")

    def _caption(self, tasks: Sequence[Task], plan: Plan, batch_size: int, progress: bool | None) -> None:
        if not tasks:
            return
        queue = iter(tasks)
        paths = [task.files[0][0].path for task in tasks]
        with bar(total=len(tasks), unit="picture", desc="captioning", show=progress) as shown:
            for results in self.captioner.caption_stream(
                paths, decoding=self.decoding, batch_size=batch_size
            ):
                self._write_batch(list(zip(islice(queue, len(results)), results, strict=True)), plan)
                shown.update(len(results))
        if next(queue, None) is not None:
            raise RuntimeError(f"{self.captioner.name} did not answer for every picture it was given.")

    def _write_batch(
        self, answers: Sequence[tuple[Task, CaptionResult | Failure | NoCaption]], plan: Plan
    ) -> None:
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

    def _drop_replaced(self, listing: Listing, known: Remembered) -> None:
        """Contents that the listed files held before."""
        before = {known.files[file.name].sha256 for file in listing.files if file.name in known.files}
        with self.catalogue.transaction() as connection:
            writes.drop_unused_images(connection, before)

    def _drop_unused(self) -> None:
        """Contents without a file, and captioners without a content."""
        with self.catalogue.transaction() as connection:
            writes.drop_unused_images(connection)
            used = writes.drop_unused_captioners(connection, self.id)
        kept = {features.file_of(self.folder, number, fingerprint).name for number, fingerprint in used}
        for file in self.folder.glob("features-*.f16"):
            if file.name not in kept:
                features.remove(file)

    def _read_missing_facts(self, root: Path, listing: Listing | None) -> None:
        """EXIF facts of what an older release captioned, or a captioner that reads none.

        listing: of these files alone
        """
        if listing is None:
            found_without = self.catalogue.table(_WITHOUT_FACTS, (TEXT, NAME))
        else:
            names = (stored(file.name) for file in listing.files)
            found_without = [
                row for name in names for row in self.catalogue.table(_HAS_NO_FACTS, (TEXT, NAME), name)
            ]
        missing = [(sha256, root / restored(path)) for sha256, path in found_without]
        if missing:
            found = list(_facts_of(missing))
            with self.catalogue.transaction() as connection:
                for sha256, facts in found:
                    writes.put_facts(connection, sha256, facts)


def _precision_in(described: Mapping[str, object]) -> str:
    """The precision below float32 that a captioner's facts name, after a comma."""
    return f", {described['precision']}" if "precision" in described else ""


def _facts_of(pictures: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, PictureFacts]]:
    from ..errors import BadImage
    from ..images import read_facts

    for sha256, path in pictures:
        try:
            yield sha256, read_facts(path)
        except (BadImage, OSError):
            continue  # changed or gone since; the next update looks again


def whole_result(result: CaptionResult | Failure) -> CaptionResult | Failure:
    """The result, or a Failure in its place where no library can keep it: without a caption, or with numbers
    that are not finite."""
    if isinstance(result, Failure) or (not result.captions and not len(result.feature)):
        return result  # of the latter the content alone is noted
    if not result.captions or not all(caption.text.strip() for caption in result.captions):
        return Failure(str(result.path), f"{result.path}: the captioner found no caption.")
    if not all(map(is_storable, result.captions)):
        return Failure(
            str(result.path), f"{result.path}: its caption holds what is no text, or has no log-probability."
        )
    with np.errstate(over="ignore"):
        feature = np.asarray(result.feature).astype(np.float16)
    if not np.isfinite(feature).all():
        return Failure(str(result.path), f"{result.path}: its features are not finite numbers in float16.")
    return result


def is_storable(caption: Caption) -> bool:
    """Whether a caption is text, with a log-probability that is a number."""
    try:
        "\n".join((caption.text, *caption.tokens)).encode()
    except UnicodeEncodeError:
        return False
    return isfinite(caption.logprob)
