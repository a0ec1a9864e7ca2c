"""Show libraries on a page in the browser: search them by words and pictures, see why, correct captions.

captionret serve                                    # every library; without any the samples
captionret serve --library photos --library holidays --open
captionret serve --library photos --read-only
captionret serve --library photos --uploads added   # dropped pictures are kept in the folder added
captionret serve --reports comparison evaluation    # pages of compare-variants, evaluate-retrieval, hubness
captionret serve --roots ~/Pictures                 # the page may make libraries of folders below it
captionret serve --host 0.0.0.0                     # for other machines, which have to show a token

Nothing leaves the machine. Stop it with Ctrl-C.
"""

import argparse
import logging
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from ..errors import BadLibrary, BadSetting
from ..web.threads import work_side_by_side
from .options import FOUND, add_device, parser, path_argument
from .running import show_log

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until Ctrl-C."""
    given = _options().parse_args(arguments)
    work_side_by_side()
    try:
        from ..web.serving import serve
    except ModuleNotFoundError as error:
        raise BadSetting(f"The page needs {error.name}. Install it: pip install fastapi uvicorn.") from None
    from ..web.settings import Settings

    settings = Settings(
        libraries=_libraries(given.library),
        host=given.host,
        port=given.port,
        token=given.token or "",
        names=tuple(given.name),
        read_only=given.read_only,
        roots=tuple(given.roots),
        reports=tuple(given.reports),
        uploads=given.uploads,
        device=given.device,
    )

    def started(address: str) -> None:
        print(address, flush=True)
        show_log(logging.WARNING)  # not a line for each query
        if given.open:
            webbrowser.open(address)

    serve(settings, started)
    return FOUND


def _libraries(names: Sequence[str]) -> tuple[Path, ...]:
    """The folders of libraries that were named; else of all that are known, the last changed first."""
    from ..app.places import find_library, known_libraries

    if not names:
        return tuple(path for path in known_libraries() if _opens(path))
    paths = [find_library(name) for name in names]
    for name, path in zip(names, paths, strict=True):
        if not (path / "catalogue.sqlite").is_file():
            raise BadLibrary(
                f"There is no library {name}. Make it: captionret index FOLDER --library {name}."
            )
    return tuple(dict.fromkeys(paths))


def _opens(path: Path) -> bool:
    """Whether a library that nobody named can be opened; else it is left out."""
    from ..library import Library

    try:
        Library.open(path).close()
    except BadLibrary as error:
        log.warning(f"{path.name} is left out: {error.message}")
        return False
    return True


def _options() -> argparse.ArgumentParser:
    options = parser("serve", __doc__ or "")
    options.add_argument(
        "--library",
        action="append",
        default=[],
        metavar="NAME",
        help="its name, or a path; may be given several times (default: all that are known)",
    )
    options.add_argument("--port", type=int, default=8000, metavar="N", help="0: any (default: %(default)s)")
    options.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="listened on (default: this machine alone)"
    )
    options.add_argument(
        "--token", metavar="TEXT", help="what a browser has to show once (default: one is made where needed)"
    )
    options.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HOST",
        help="a further name by which browsers may call this machine, as photos.local",
    )
    options.add_argument("--open", action="store_true", help="open the page in the browser")
    options.add_argument("--read-only", action="store_true", help="refuse whatever would change a library")
    options.add_argument(
        "--uploads",
        metavar="FOLDER",
        help="take pictures that are dropped on the page, into this folder below the library's root",
    )
    options.add_argument(
        "--roots",
        type=path_argument,
        nargs="+",
        default=[],
        metavar="DIR",
        help="let the page make new libraries of folders below these",
    )
    options.add_argument(
        "--reports",
        type=path_argument,
        nargs="+",
        default=[],
        metavar="DIR",
        help="show the reports that commands wrote below these folders",
    )
    add_device(options)
    return options
