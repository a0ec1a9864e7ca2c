"""Bringing a library up to date with its folder: only what is new or changed is captioned."""

import json
import logging
import os
from pathlib import Path

from ..decoding import Decoding
from ..errors import BadLibrary
from ..remedies import remedy
from .captions.adopting import adopt
from .captions.captioning import BatchWriter
from .captions.made_by import from_folder
from .catalogue import writes
from .catalogue.catalogue import Catalogue
from .catalogue.documents import read_own
from .catalogue.rows import stored
from .index.writing import write_index
from .listing import Listing
from .missing_facts import read_missing_facts
from .protocols import Captioning
from .report import UpdateReport
from .scan import UNSEEN, Plan, Remembered, make_plan, remembered
from .vectors import features

log = logging.getLogger(__name__)


class Updater:
    """One update of one library, with the writer's lock held."""

    def __init__(
        self, catalogue: Catalogue, captioner: Captioning, decoding: Decoding, recaption: bool
    ) -> None:
        self.catalogue = catalogue
        self.folder = catalogue.file.parent
        self.id = adopt(catalogue, captioner, decoding, recaption)
        self.batches = BatchWriter(catalogue, captioner, self.id, decoding)

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

        whole: whether the listing is of all pictures, so that what is not in it is gone; else what
               it calls so
        """
        known = remembered(self.catalogue, self.id, None if whole else listing)
        plan = make_plan(known, listing, whole)
        if whole and not allow_empty:
            self._refuse_to_lose_all(root, listing, plan)
        self._warn_of_own_captions(plan, known)
        self._write_known(plan, root, listing, known, whole)
        tasks = plan.tasks[:limit]
        self.batches.caption(tasks, plan, batch_size, progress)
        waiting = plan.silent + sum(len(task.files) for task in plan.tasks[len(tasks) :])
        if whole:
            self._drop_unused()
        else:
            self._drop_replaced(listing, known)
        read_missing_facts(self.catalogue, root, None if whole else listing)
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
        from ..images import IGNORE_FILE

        gone = [name for name in plan.gone if not os.path.isabs(name)]
        if gone and all(os.path.isabs(file.name) for file in listing.files):
            if listing.leaves_out:
                raise BadLibrary(
                    f"All {len(gone):,} pictures of {root} are left out by patterns, of the library or in a "
                    f"{IGNORE_FILE}. Nothing was changed: write them so that some stay.",
                    remedy("allow empty"),
                )
            raise BadLibrary(
                f"{root} holds no pictures any more, the library knows {len(gone):,} of it. Nothing "
                "was changed: mount the disk or restore the folder and run again.",
                remedy("allow empty"),
            )
        with self.catalogue.reading() as rows:
            relocated = str(root) != rows.meta("root")
        kept = plan.known_content or plan.counts["unchanged"]
        if relocated and gone and not kept:
            raise BadLibrary(
                f"{root} holds none of the {len(gone):,} pictures that the library knows. Nothing was "
                "changed: give the folder that they were moved to, or use another library.",
                remedy("allow empty"),
            )

    def _write_known(self, plan: Plan, root: Path, listing: Listing, known: Remembered, whole: bool) -> None:
        with self.catalogue.transaction() as connection:
            writes.put_meta(connection, "root", stored(str(root)))
            there = from_folder(self.folder, root)
            if there is not None:
                writes.put_meta(connection, "root_from_library", stored(there))
            for file, sha256 in plan.known_content:
                writes.put_file(connection, file, sha256)
            writes.drop_files(connection, plan.gone)
            if whole:
                writes.put_meta(connection, "disks", json.dumps(sorted(listing.disks)))
                kept = {failure.path for failure in plan.failures}
                writes.drop_failures(connection, [name for name in known.failed if name not in kept])
            else:
                seen = (file.name for file in listing.files if file.name in known.failed)
                tried = [name for name in seen if known.failed[name].size == UNSEEN]
                writes.drop_failures(connection, [*listing.gone, *tried])
            for file, reason in plan.unread:
                writes.put_failure(connection, file, reason, self.id, forget=False)

    def _warn_of_own_captions(self, plan: Plan, known: Remembered) -> None:
        """Say that a person's caption was of what its file showed before."""
        with self.catalogue.reading() as rows:
            own = read_own(rows)
        changed = [file.name for task in plan.tasks for file, kind in task.files if kind == "changed"]
        for name in changed if own else ():
            text = own.get(known.files[name].sha256)
            if text is not None:
                log.warning(f"{name} was changed; its caption {text!r} was of what it showed before.")

    def _drop_replaced(self, listing: Listing, known: Remembered) -> None:
        """Contents that the listed files held before, and those that are gone."""
        names = (*(file.name for file in listing.files), *listing.gone)
        before = {known.files[name].sha256 for name in names if name in known.files}
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
