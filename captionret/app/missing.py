"""Data sets whose pictures are not on this disk: fetched one by one, as something reads or shows them.

    data = open_data("coco:data/coco", fetch_missing=True)

They are kept in the user's data, in the folder `fetched`; the data set's own folder stays as it is.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .. import __version__, absent
from ..counting import counted
from ..datasets import Dataset, open_dataset
from ..fetching import Manners, Visitor
from ..files import publishing
from ..home import data_folder
from ..images import open_image
from ..progress import bar
from ..records import Item

log = logging.getLogger(__name__)


def open_data(spec: str, fetch_missing: bool = False, manners: Manners | None = None) -> Dataset:
    """As `open_dataset`; with the pictures that are not here but have an address, where that is asked for.

    manners: how their hosts are visited; None: eight pictures a second
    """
    data = open_dataset(spec)
    if not fetch_missing or not data.absent:
        return data
    folder = data_folder("fetched") / spec.partition(":")[0]
    here = [item for item in data.items if item.path is not None]
    items, addresses = [], {}
    for one in data.absent:
        path = folder / one.place
        items.append(replace(one.item, path=path))
        if not path.is_file():
            addresses[path] = one.address
    visitor = Visitor(manners or Manners(f"captionret/{__version__}", per_host=8))

    def fetch(address: str, path: Path) -> None:
        content = visitor.get(address, "image/*").content
        open_image(content, at_least=1)  # a page in its place is not kept
        with publishing(path) as file:
            file.write(content)

    absent.expect(addresses, fetch)
    log.info(
        f"{counted(len(addresses), 'pictures are')} not here; those that are read are fetched into "
        f"{folder.absolute()}."
    )
    notes = data.notes if here else data.notes[:-1]  # the last says that captions alone are read
    return replace(data, items=(*here, *items), missing=(), notes=notes, absent=())


def brought(items: Sequence[Item], progress: bool | None = None) -> list[Item]:
    """The items whose pictures are here, fetched where they are expected; those that cannot be had are
    counted."""
    found = [
        item
        for item in bar(items, desc="pictures that are not here", unit="picture", show=progress)
        if item.path is None or item.path.is_file() or absent.bring(item.path)
    ]
    if len(found) < len(items):
        log.warning(f"{counted(len(items) - len(found), 'pictures were')} left out: not to be had.")
    return found
