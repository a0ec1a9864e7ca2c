"""Being the only writer of a library."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..errors import LibraryInUse, ReadOnlyLibrary
from ..files import no_space_named
from ..locks import InUse, locked
from ..remedies import remedy
from .catalogue.rows import CATALOGUE
from .names import no_library

UPDATE = "update.lock"  # of whoever changes pictures and captions
PREDICT = "predict.lock"  # of whoever predicts words, which may be done while an update runs
INDEX = "index.lock"  # of whoever writes the search index, which readers may do, too
_DOING = {UPDATE: "updated", PREDICT: "given word probabilities", INDEX: "indexed"}


@contextlib.contextmanager
def writing(folder: Path, what: str = UPDATE) -> Iterator[None]:
    """Be the only one who writes that part of a library.

    errors: LibraryInUse where another process does; ReadOnlyLibrary where the folder may not be written;
            NoSpace; BadLibrary where there is no library any more
    """
    if not (folder / CATALOGUE).is_file():  # or the lock's file would make the folder anew
        raise no_library(folder / CATALOGUE)
    with contextlib.ExitStack() as held:
        try:
            with no_space_named(folder / what):
                held.enter_context(locked(folder / what))
        except InUse as error:
            raise LibraryInUse(
                f"{folder} is being {_DOING[what]} by {error.holder}. Wait until it has ended, then run "
                "again."
            ) from None
        except OSError as error:
            raise ReadOnlyLibrary(
                f"{folder} may not be written ({error.strerror}).", remedy("another library")
            ) from None
        yield
