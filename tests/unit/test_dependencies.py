"""The parts depend on each other one way. An import against the arrow fails here, wherever in a module it stands."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "captionret"
FOUNDATION = {"errors", "records", "files", "text", "images", "word_vectors"}
# part -> the parts it may import; the foundation's own order is finer, and a part may always import itself
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "records": {"errors"},
    "files": {"errors"},
    "text": {"errors"},
    "images": {"errors", "records", "files"},
    "word_vectors": {"errors", "text"},
    "fetching": {"errors"},
    "datasets": FOUNDATION,
    "models": FOUNDATION | {"datasets"},
    "retrieval": {"records", "text", "errors", "word_vectors"},
    "report": FOUNDATION,
    "evaluation": {"records", "text", "errors", "files", "retrieval", "models"},  # models: the sentence encoder that makes relevance
    "training": FOUNDATION | {"datasets", "models", "evaluation", "retrieval"},
    "library": FOUNDATION | {"retrieval"},
    "searching": FOUNDATION | {"library", "retrieval", "models"},
    "cli": FOUNDATION | {"datasets", "models", "training", "evaluation", "library", "retrieval", "searching", "report", "fetching"},
}
WITHOUT_TORCH = [*sorted(FOUNDATION), "datasets", "retrieval", "library", "report", "searching"]


def modules() -> dict[str, Path]:
    """Every module by its dotted name inside the package: "retrieval.search"; a package by its own name."""
    files = {path: path.relative_to(PACKAGE).with_suffix("").parts for path in PACKAGE.rglob("*.py")}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for path, parts in files.items()}


MODULES = modules()


def imports(name: str) -> Iterator[str]:
    """What a module imports: "torch", "captionret.retrieval.search", ... with relative imports resolved."""
    path = MODULES[name]
    package = ["captionret", *name.split(".")] if name else ["captionret"]
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def parts_imported(name: str) -> set[str]:
    """The parts of the package a module imports; the package's own `__version__` is nobody's part."""
    own = {target for target in imports(name) if target.startswith("captionret.")}
    return {target.split(".")[1] for target in own} - {"__version__"}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_module_imports_only_what_stands_below_it(name: str) -> None:
    part = name.split(".")[0]
    if not part:
        assert not parts_imported(name), "the package itself loads its parts on first use"
        return
    assert part in MAY_IMPORT, f"{part} is a new part: give it a row in MAY_IMPORT"
    assert parts_imported(name) <= MAY_IMPORT[part] | {part}


@pytest.mark.parametrize("part", WITHOUT_TORCH)
def test_part_never_imports_torch(part: str) -> None:
    for name in MODULES:
        if name.split(".")[0] == part:
            assert not {target.split(".")[0] for target in imports(name)} & {"torch", "torchvision"}, f"{name} imports torch"


def test_nothing_imports_the_command_line() -> None:
    assert not [name for name in MODULES if name.split(".")[0] != "cli" and "cli" in parts_imported(name)]
