"""A library's captions, words and facts as files for other programs, in one archive."""

import shutil
import tempfile
import zipfile
from pathlib import Path
from threading import BoundedSemaphore
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from ..errors import BadSetting, CaptionretError
from ..exchange import export
from ..exchange.formats import FORMATS
from .shelf import Shelved

OFFERED = ("parquet", "jsonl", "csv", "coco", "trec")  # those without pictures
_one = BoundedSemaphore(1)  # a large library takes a while, and room on the disk


class Busy(CaptionretError):
    """Another archive is being made."""


def archive(shelved: Shelved, form: str) -> FileResponse:
    """NAME-FORMAT.zip, which is deleted once it was sent.

    errors: BadSetting for a format that is not offered; Busy; as export
    """
    if form not in OFFERED:
        raise BadSetting(f"There is no format {form!r} here. There are: {', '.join(OFFERED)}.")
    if not _one.acquire(blocking=False):
        raise Busy("Another archive is being made. Try again in a moment.")
    folder = Path(tempfile.mkdtemp(prefix="captionret-"))
    try:
        export(shelved.library, form, folder / "files", progress=False)
        content = folder / "archive.zip"
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as packed:
            for file in sorted((folder / "files").iterdir()):
                packed.write(file, file.name)
                file.unlink()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        _one.release()
    name = quote(f"{shelved.id}-{form}.zip")
    return FileResponse(
        content,
        media_type="application/zip",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"},
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )


def offered() -> dict[str, str]:
    """What each format is, in a sentence."""
    return {name: FORMATS[name].about for name in OFFERED}
