"""Whether a library is whole, and still true of its folder."""

from pathlib import Path

from . import features
from .catalogue import Catalogue, restored
from .update import feature_file


def problems(catalogue: Catalogue, root: Path) -> list[str]:
    """One sentence for each thing that is wrong; empty if nothing is."""
    damage = [row[0] for row in catalogue.rows("PRAGMA integrity_check") if row[0] != "ok"]
    if damage:
        return [f"{catalogue.file} is damaged: {message}." for message in damage]
    return [*_inside(catalogue), *_on_disk(catalogue, root)]


def _inside(catalogue: Catalogue) -> list[str]:
    found = [
        f"{catalogue.file} has a row in {row[0]} that belongs to nothing."
        for row in catalogue.rows("PRAGMA foreign_key_check")
    ]
    bare = (
        "SELECT sha256 FROM images WHERE NOT EXISTS (SELECT 1 FROM captions WHERE captions.sha256 = "
        "images.sha256 AND n = 0)"
    )
    found += [f"The image with the hash {sha256} has no caption." for (sha256,) in catalogue.rows(bare)]
    beyond = (
        "SELECT sha256 FROM images JOIN captioners ON captioners.id = images.captioner WHERE "
        "feature_row >= rows"
    )
    found += [
        f"The image with the hash {sha256} has a feature row that does not exist."
        for (sha256,) in catalogue.rows(beyond)
    ]
    for number, fingerprint, rows, dim in catalogue.rows(
        "SELECT id, fingerprint, rows, dim FROM captioners WHERE rows > 0"
    ):
        problem = features.check(feature_file(catalogue.file.parent, number, fingerprint), rows, dim)
        found += [problem] if problem else []
    stale = catalogue.value(
        "SELECT COUNT(*) FROM images WHERE captioner <> (SELECT value FROM meta WHERE key = 'captioner')"
    )
    total = catalogue.value("SELECT COUNT(*) FROM images")
    return (
        [*found, f"{stale:,} of {total:,} images wait to be captioned again. Run the update once more."]
        if stale
        else found
    )


def _on_disk(catalogue: Catalogue, root: Path) -> list[str]:
    if not root.is_dir():
        return [f"{root}, the folder of its pictures, is not there."]
    found = []
    for path, size, mtime_ns in catalogue.rows("SELECT path, size, mtime_ns FROM files"):
        file = root / restored(path)
        if not file.is_file():
            found.append(f"{file} is not there any more. Run the update.")
        elif (file.stat().st_size, file.stat().st_mtime_ns) != (size, mtime_ns):
            found.append(f"{file} has changed since it was captioned. Run the update.")
    return sorted(found)
