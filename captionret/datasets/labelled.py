"""Pictures of which only labels are known, to be found by typing one: a folder for each category, or a table.

DIR/sea_horse/1.jpg                 the label "sea horse", or what DIR/queries.tsv says that one would type
DIR/queries.tsv                     two columns, folder and query, of some or all of the folders

image,label                         a table (CSV, TSV, Parquet); an image may stand on several rows
beach/1.jpg,dog
beach/1.jpg,sea
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..counting import counted
from ..errors import BadDataset
from ..images import find_images
from ..records import Item
from . import Dataset
from .labels import spelled
from .sources import Folders, assemble, folders_in
from .table import IMAGE_COLUMNS, SEPARATORS, column, table_rows

LABEL_COLUMNS = ("label", "category", "query", "class")
FOLDER_COLUMNS = ("folder", "category")
QUERY_COLUMNS = ("query", "label")
QUERIES = "queries.tsv"


def read(path: Path, spec: str) -> Dataset:
    """The pictures with their labels, in the order of the categories' names or of the rows.

    An item's id is its path relative to the folder, or its name as the table has it. Two folders may share a
    query. There are no splits: ask for "all".
    errors: BadDataset for what is neither a folder of categories nor a table of them, a row without image or
            label, a queries.tsv that names a folder which is not there
    """
    if path.is_dir():
        return _folders(path, spec)
    if path.suffix.lower() not in (*SEPARATORS, ".parquet"):
        raise BadDataset(
            f"{path} is neither a folder that holds one folder of pictures per category nor a table "
            f"({', '.join(SEPARATORS)}, .parquet) with the columns image and label."
        )
    return _table(path, spec)


def _folders(path: Path, spec: str) -> Dataset:
    categories = sorted(folders_in(path))
    queries = dict(_queries(path / QUERIES)) if (path / QUERIES).is_file() else {}
    if unknown := sorted(queries.keys() - set(categories)):
        raise BadDataset(
            f"{path / QUERIES} names the folder {unknown[0]!r}, which is not in {path}. Correct the name."
        )
    items: list[Item] = []
    bare: list[str] = []
    for category in categories:
        label = queries.get(category) or spelled(category)
        pictures = list(find_images(path / category))
        items += [Item(one.relative_to(path).as_posix(), one, labels=(label,)) for one in pictures]
        bare += [] if pictures else [category]
    if not items:
        raise BadDataset(
            f"{path} holds no categories: expected {path.name}/<category>/<name>.jpg, a folder per category."
        )
    notes = [f"{counted(len(bare), 'folders were')} left out: no pictures ({bare[0]})."] if bare else []
    return assemble(spec, items, notes=notes)


def _queries(file: Path) -> Iterator[tuple[str, str]]:
    """Each folder with what one would type to find its pictures."""
    for where, folder, query in _pairs(file, FOLDER_COLUMNS, QUERY_COLUMNS):
        if not folder or not query:
            raise BadDataset(f"{file}, {where}: a folder and a query are needed. Fill in both.")
        yield folder, query


def _table(path: Path, spec: str) -> Dataset:
    labels: dict[str, list[str]] = {}
    for where, name, label in _pairs(path, IMAGE_COLUMNS, LABEL_COLUMNS):
        if not name or not label:
            raise BadDataset(f"{path}, {where}: an image and a label are needed. Fill in both.")
        own = labels.setdefault(Path(name).as_posix(), [])
        own += [] if label in own else [label]
    folders = Folders()
    present = {name: path.parent / name for name in labels if folders.holds(path.parent / name)}
    items = [Item(name, file, labels=tuple(labels[name])) for name, file in present.items()]
    return assemble(spec, items, [name for name in labels if name not in present])


def _pairs(file: Path, first: Sequence[str], second: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """The place (for messages) of each row and its values in two columns, by the names these may have."""
    header, rows = table_rows(file)
    one, other = column(file, header, first), column(file, header, second)
    for where, row in rows:
        yield where, row[one].strip(), row[other].strip()
