"""Bringing a library up to date with its folder: only what is new or changed is captioned, and a batch at a
time is committed."""

import contextlib
import fcntl
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..decoding import Decoding, decoding_from_json
from ..errors import BadLibrary
from ..records import CaptionResult, Failure
from . import features
from .catalogue import Catalogue, restored, stored
from .protocols import Captioning
from .scan import Found, Plan, Task, list_folder, make_plan


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did. Every file counts once.

    new:         captioned for the first time
    unchanged:   as they were
    changed:     with another content than before
    removed:     not there any more
    renamed:     known content under a new name, the old one gone; not captioned again
    duplicates:  new names for a content that is there under another name as well; captioned once
    recaptioned: unchanged, but captioned by another captioner before
    failed:      could not be captioned, now or when they were last changed
    waiting:     left for the next update by `limit`
    failures:    which failed, and why; folders that may not be listed among them
    """

    new: int = 0
    unchanged: int = 0
    changed: int = 0
    removed: int = 0
    renamed: int = 0
    duplicates: int = 0
    recaptioned: int = 0
    failed: int = 0
    waiting: int = 0
    failures: tuple[Failure, ...] = ()


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Be the only writer of a library; the lock ends with the process, however that ends."""
    file = folder / "update.lock"
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        raise BadLibrary(
            f"{folder} may not be written (permission denied). Change its permissions, or give another "
            "--library."
        ) from None
    with os.fdopen(handle, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = lock.read().strip() or "unknown"
            raise BadLibrary(
                f"{folder} is being updated by process {owner}. Wait until it has ended, then run again."
            ) from None
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def feature_file(folder: Path, captioner: int, fingerprint: str) -> Path:
    """Where the features lie that one captioner's backbone gave."""
    return folder / f"features-{fingerprint[:16]}-{captioner}.f16"


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
        self.features = feature_file(self.folder, self.id, captioner.fingerprint)

    def run(
        self, root: Path, *, batch_size: int, progress: bool, limit: int | None, allow_empty: bool
    ) -> UpdateReport:
        """List, compare, write what needs no captioning, caption the rest."""
        listing = list_folder(root)
        plan = make_plan(self.catalogue, self.id, listing)
        if not listing.files and plan.gone and not allow_empty:
            raise BadLibrary(
                f"{root} holds no pictures any more, the library knows {len(plan.gone):,} of it. Nothing "
                "was changed: mount the disk or restore the folder and run again. If it is meant to be "
                "empty, say so (--allow-empty)."
            )
        moved = str(root) != restored(self.catalogue.meta("root"))
        if (
            moved
            and plan.gone
            and not plan.known_content
            and not plan.counts["unchanged"]
            and not allow_empty
        ):
            raise BadLibrary(
                f"{root} holds none of the {len(plan.gone):,} pictures that the library knows. Nothing was "
                "changed: give the folder that "
                "they were moved to, or another --library. If all of them are meant to be dropped, say so "
                "(--allow-empty)."
            )
        self._write_known(plan, root)
        tasks = plan.tasks[:limit]
        self._caption(tasks, plan, batch_size, progress)
        waiting = sum(len(task.files) for task in plan.tasks[len(tasks) :])
        self._drop_unused()
        return UpdateReport(
            **plan.counts, failed=len(plan.failures), waiting=waiting, failures=tuple(plan.failures)
        )

    def _adopt(self, recaption: bool) -> int:
        """The captioner's id in the catalogue; BadLibrary if the library is another's and is not to be
        captioned again."""
        known = self.catalogue.rows("SELECT id, fingerprint, decoding, name FROM captioners")
        current = self.catalogue.rows("SELECT value FROM meta WHERE key = 'captioner'")
        last = [row for row in known if current and str(row[0]) == str(current[0][0])]
        if last and self._is_ours(*last[0][1:3]):
            return int(last[0][0])
        if last and not recaption:
            theirs = f"{restored(last[0][3])} ({last[0][1][:12]}, {_summary(last[0][2])})"
            ours = f"{self.captioner.name} ({self.captioner.fingerprint[:12]}, {self.decoding.summary})"
            raise BadLibrary(
                f"{self.folder} was captioned by {theirs}, not by {ours}. Give another --library, or caption "
                "everything again (--recaption)."
            )
        with self.catalogue.transaction() as connection:
            connection.execute("DELETE FROM failures")  # another captioner may be able to read them
            found = next(((row[0],) for row in known if self._is_ours(*row[1:3])), None)
            if not found:
                decoding = json.dumps(self.decoding.to_json(self.folder.absolute()))
                values = (
                    self.captioner.fingerprint,
                    decoding,
                    stored(self.captioner.name),
                    json.dumps(self.captioner.describe()),
                )
                sql = (
                    "INSERT INTO captioners (fingerprint, decoding, name, described) VALUES (?, ?, ?, ?) "
                    "RETURNING id"
                )
                found = connection.execute(sql, values).fetchone()
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('captioner', ?)", found)
        return int(found[0])

    def _is_ours(self, fingerprint: str, decoding: str) -> bool:
        """Decodings are compared, not their texts: places of spaces may differ, and older releases wrote
        others."""
        return (
            fingerprint == self.captioner.fingerprint
            and decoding_from_json(json.loads(decoding)) == self.decoding
        )

    def _write_known(self, plan: Plan, root: Path) -> None:
        with self.catalogue.transaction() as connection:
            connection.execute("UPDATE meta SET value = ? WHERE key = 'root'", (stored(str(root)),))
            for file, sha256 in plan.known_content:
                _put_file(connection, file, sha256)
            connection.executemany(
                "DELETE FROM files WHERE path = ?", [(stored(name),) for name in plan.gone]
            )
            kept = {failure.path for failure in plan.failures}
            for (path,) in connection.execute("SELECT path FROM failures").fetchall():
                if restored(path) not in kept:
                    connection.execute("DELETE FROM failures WHERE path = ?", (path,))

    def _caption(self, tasks: Sequence[Task], plan: Plan, batch_size: int, progress: bool) -> None:
        queue = iter(tasks)
        paths = [task.files[0][0].path for task in tasks]
        with tqdm(
            total=len(tasks), unit="picture", desc="captioning", disable=not (progress and tasks)
        ) as bar:
            for results in self.captioner.caption_stream(
                paths, decoding=self.decoding, batch_size=batch_size
            ):
                self._write_batch(list(zip(islice(queue, len(results)), results, strict=True)), plan)
                bar.update(len(results))
        if next(queue, None) is not None:
            raise RuntimeError(f"{self.captioner.name} did not answer for every picture it was given.")

    def _write_batch(self, answers: Sequence[tuple[Task, CaptionResult | Failure]], plan: Plan) -> None:
        """Features first, then one transaction: a kill between the two leaves rows that nobody counts on."""
        done = [result for _, result in answers if isinstance(result, CaptionResult)]
        first = self.catalogue.value("SELECT rows FROM captioners WHERE id = ?", self.id)
        if done:
            features.append(self.features, first, np.stack([result.feature for result in done]))
        counts: Counter[str] = Counter()
        failures: list[Failure] = []
        with self.catalogue.transaction() as connection:
            if done:
                size = (len(done), done[0].feature.shape[0], self.id)
                connection.execute("UPDATE captioners SET rows = rows + ?, dim = ? WHERE id = ?", size)
            rows = iter(range(first, first + len(done)))
            for task, result in answers:
                if isinstance(result, Failure):
                    failures += [_put_failure(connection, file, result.reason) for file, _ in task.files]
                    continue
                _put_image(connection, result, self.id, next(rows))
                # If the file was rewritten while the update ran, its copies hold another content: the next
                # update sees them.
                written = task.files if task.sha256 in (None, result.sha256) else task.files[:1]
                for file, kind in written:
                    _put_file(connection, file, result.sha256)
                    counts[kind] += 1
        plan.counts += counts
        plan.failures += failures

    def _drop_unused(self) -> None:
        """Contents without a file, and captioners without a content."""
        with self.catalogue.transaction() as connection:
            connection.execute(
                "DELETE FROM images WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.sha256 = images.sha256)"
            )
            unused = connection.execute(
                "DELETE FROM captioners WHERE id <> ? AND id NOT IN (SELECT captioner FROM images) RETURNING "
                "id, fingerprint",
                (self.id,),
            ).fetchall()
        for number, fingerprint in unused:
            feature_file(self.folder, number, fingerprint).unlink(missing_ok=True)


def _summary(decoding: str) -> str:
    return decoding_from_json(json.loads(decoding)).summary


def _put_file(connection: sqlite3.Connection, file: Found, sha256: str) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
        (stored(file.name), file.size, file.mtime_ns, sha256),
    )
    connection.execute("DELETE FROM failures WHERE path = ?", (stored(file.name),))


def _put_failure(connection: sqlite3.Connection, file: Found, reason: str) -> Failure:
    values = (stored(file.name), stored(reason), file.size, file.ctime_ns)
    connection.execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", values)
    connection.execute("DELETE FROM files WHERE path = ?", (stored(file.name),))
    return Failure(file.name, reason)


def _put_image(connection: sqlite3.Connection, result: CaptionResult, captioner: int, row: int) -> None:
    connection.execute(
        "INSERT INTO images VALUES (?, ?, ?) "
        "ON CONFLICT (sha256) DO UPDATE SET captioner = excluded.captioner, feature_row = "
        "excluded.feature_row",
        (result.sha256, captioner, row),
    )
    connection.execute("DELETE FROM captions WHERE sha256 = ?", (result.sha256,))
    connection.executemany(
        "INSERT INTO captions VALUES (?, ?, ?, ?, ?)",
        [
            (result.sha256, n, caption.text, json.dumps(caption.tokens, ensure_ascii=False), caption.logprob)
            for n, caption in enumerate(result.captions)
        ],
    )
