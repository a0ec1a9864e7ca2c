"""A library's pictures by what other programs may call them: their hash, their path, or their bare name."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..catalogue.rows import NAME, TEXT, WHOLE, Rows, restored
from .captioners import CURRENT

_PICTURES = f"""
SELECT i.number, i.sha256, f.path FROM images AS i JOIN files AS f USING (sha256)
WHERE i.captioner = {CURRENT}
"""  # noqa: S608


@dataclass
class KnownPictures:
    """The numbers of a library's pictures.

    root: the folder of the pictures
    """

    root: Path
    by_hash: dict[str, int] = field(default_factory=dict)
    by_path: dict[str, int] = field(default_factory=dict)
    _by_name: dict[str, int | None] | None = None

    def find(self, path: str | None, sha256: str | None) -> int | None:
        """The picture that is meant; None for one that is not here."""
        if sha256 is not None and sha256.lower() in self.by_hash:
            return self.by_hash[sha256.lower()]
        if not path:
            return None
        path = path.replace(os.sep, "/").removeprefix("./")
        if path in self.by_path:
            return self.by_path[path]
        if Path(path).is_absolute():
            if Path(path).is_relative_to(self.root):
                return self.by_path.get(Path(path).relative_to(self.root).as_posix())
            return None
        return self.names.get(PurePosixPath(path).name) if "/" not in path else None

    @property
    def names(self) -> Mapping[str, int | None]:
        """By the bare name of a file, where only one picture has it; None where several do."""
        if self._by_name is None:
            self._by_name = {}
            for path, number in self.by_path.items():
                name = PurePosixPath(path).name
                same = self._by_name.get(name, number) == number
                self._by_name[name] = number if same else None
        return self._by_name


def read_known(rows: Rows, root: Path) -> KnownPictures:
    """Those that the present captioner captioned. errors: Damaged"""
    pictures = KnownPictures(root)
    for number, sha256, path in rows.table(_PICTURES, (WHOLE, TEXT, NAME)):
        pictures.by_hash[sha256] = pictures.by_path[restored(path)] = number
    return pictures
