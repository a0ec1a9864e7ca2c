"""The parts depend on each other one way and never in a circle. An import against the arrow fails here,
wherever in a module it stands."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "captionret"
FOUNDATION = {
    "errors",
    "absent",
    "home",
    "counting",
    "config",
    "remedies",
    "progress",
    "records",
    "decoding",
    "files",
    "checked_files",
    "locks",
    "compiled",
    "text",
    "treebank",
    "images",
    "word_vectors",
    "caption_files",
    "image_classes",
    "uncollected",
}
# part -> the parts it may import; the foundation's own order is finer, and a part may always import itself
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "home": {"errors", "remedies", "files"},
    "remedies": {"errors", "config"},
    "progress": set(),
    "counting": set(),
    "records": {"errors", "remedies"},
    "decoding": {"counting", "errors", "remedies", "config", "records"},
    "absent": {"errors"},
    "files": {"absent", "errors", "remedies"},
    "checked_files": {"errors", "files", "home"},
    "locks": set(),
    "compiled": set(),
    "text": {"errors", "remedies", "treebank"},
    "treebank": set(),
    "config": {"errors"},
    "images": {"absent", "compiled", "errors", "remedies", "records", "files", "progress"},
    "word_vectors": {"counting", "errors", "home", "remedies", "text", "word_index"},
    "word_index": {"errors", "files"},
    "image_classes": set(),
    "uncollected": set(),
    "caption_files": {"counting", "errors", "text"},
    "fetching": {"counting", "errors", "remedies"},
    "datasets": FOUNDATION,
    "retrieval": FOUNDATION - {"images"},
    "models": FOUNDATION | {"datasets"},
    "report": FOUNDATION,
    # models: the sentence encoder that makes relevance
    "evaluation": FOUNDATION | {"retrieval", "models"},
    "training": FOUNDATION | {"datasets", "models", "evaluation", "retrieval"},
    "library": FOUNDATION | {"retrieval"},
    "exchange": FOUNDATION | {"library", "retrieval"},
    "captioners": FOUNDATION | {"fetching"},
    "testing": FOUNDATION | {"captioners"},
    "collecting": FOUNDATION | {"datasets", "report", "fetching"},
    "app": FOUNDATION
    | {"datasets", "models", "training", "evaluation", "library", "retrieval", "report", "fetching"}
    | {"captioners", "exchange", "collecting"},
    "__main__": {"cli"},
    "web": FOUNDATION | {"library", "retrieval", "report", "app", "exchange"},
    "cli": FOUNDATION
    | {"datasets", "models", "training", "evaluation", "library", "retrieval", "report", "fetching", "app"}
    | {"captioners", "exchange", "collecting", "web"},
}
WITHOUT_TORCH = [*sorted(FOUNDATION), "datasets", "retrieval", "library", "exchange", "report"]
WITHOUT_TORCH += ["app", "cli", "web"]


def modules() -> dict[str, Path]:
    """Every module by its dotted name inside the package: "retrieval.search"; a package by its own name."""
    files = {path: path.relative_to(PACKAGE).with_suffix("").parts for path in PACKAGE.rglob("*.py")}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for path, parts in files.items()}


MODULES = modules()


def imports(name: str, for_types: bool = False) -> Iterator[tuple[str, int]]:
    """What a module imports, with the column it stands in: "torch", "captionret.retrieval.search", ...;
    relative imports resolved. for_types: also what only type checkers import."""
    path = MODULES[name]
    package = ["captionret", *name.split(".")] if name else ["captionret"]
    if path.name != "__init__.py":
        package = package[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in node.body
        for inner in ast.walk(child)
    }
    for node in ast.walk(tree):
        if node in typing_only and not for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.col_offset) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((f"{origin}.{alias.name}", node.col_offset) for alias in node.names)


def parts_imported(name: str) -> set[str]:
    """The parts of the package a module imports; the package's own `__version__` is nobody's part."""
    own = {target for target, _ in imports(name) if target.startswith("captionret.")}
    return {target.split(".")[1] for target in own} - {"__version__"}


def modules_imported(name: str) -> set[str]:
    """The modules of the package that a module imports, wherever in it, for type checkers too; a package
    stands for its __init__."""
    found = set()
    for target, _ in imports(name, for_types=True):
        if target.startswith("captionret."):
            inside = target.removeprefix("captionret.")
            while inside and inside not in MODULES:
                inside = inside.rpartition(".")[0]
            found.add(inside)
    return found - {name, ""}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_module_imports_only_what_stands_below_it(name: str) -> None:
    part = name.split(".")[0]
    if not part:
        assert not parts_imported(name), "the package itself loads its parts on first use"
        return
    assert part in MAY_IMPORT, f"{part} is a new part: give it a row in MAY_IMPORT"
    assert parts_imported(name) <= MAY_IMPORT[part] | {part}


@pytest.mark.parametrize("part", WITHOUT_TORCH)
def test_part_imports_torch_only_when_it_is_used(part: str) -> None:
    """app and cli load models inside functions; the parts below them never import torch at all."""
    for name in MODULES:
        if name.split(".")[0] == part:
            direct = {
                target.split(".")[0]
                for target, column in imports(name)
                if column == 0 or part not in ("app", "cli")
            }
            assert not direct & {"torch", "torchvision"}, f"{name} imports torch"


def test_no_module_stands_in_a_circle() -> None:
    """Not even one that an import inside a function or for type checkers alone hides. A package and its own
    modules are one place."""
    graph = {
        name: {other for other in modules_imported(name) if not name.startswith(f"{other}.")}
        for name in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


def test_benchmarks_and_examples_call_the_package_not_its_commands() -> None:
    """Not even in the text of a program that they run; `python -m captionret COMMAND` is how a command is
    measured."""
    outside = [path for name in ("benchmarks", "examples") for path in (PACKAGE.parent / name).glob("*.py")]
    assert len(outside) > 10
    assert [path.name for path in outside if "captionret.cli" in path.read_text("utf-8")] == []


def test_nothing_imports_the_command_line() -> None:
    others = [name for name in MODULES if name.split(".")[0] not in ("cli", "__main__")]
    assert not [name for name in others if "cli" in parts_imported(name)]
