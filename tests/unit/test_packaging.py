"""What the distribution declares, beside what the package really is."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from captionret import __version__, home

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OPTIONAL = {
    "transformers",
    "open-clip-torch",
    "timm",
    "huggingface-hub",
    "pycocoevalcap",
    "tensorboard",
    "onnxruntime",
    "rawpy",
    "pillow-jxl-plugin",
    "av",
}  # extras; whoever imports one says what to install


def required() -> set[str]:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    names = (re.match(r"[\w.-]+", line) for line in lines)
    return {name.group().lower().replace("_", "-") for name in names if name}


def imported() -> dict[str, str]:
    """The packages of others that the package imports, wherever in a module, each with a module that does."""
    found: dict[str, str] = {}
    for path in (ROOT / "captionret").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            found |= {name.split(".")[0]: str(path) for name in names}
    return {name: path for name, path in found.items() if name not in sys.stdlib_module_names}


def test_everything_that_is_imported_is_required() -> None:
    distributions = packages_distributions()
    for name, path in imported().items():
        owners = {owner.lower().replace("_", "-") for owner in distributions.get(name, [name])}
        assert owners & (required() | OPTIONAL | {"captionret"}), f"{path} imports {name}"


def test_the_shipped_checkpoints_are_packed_and_no_others() -> None:
    packed = PROJECT["tool"]["setuptools"]["package-data"]["captionret._checkpoints"]
    assert packed == [f"{name}/*" for name in home.SHIPPED]
    size = sum(
        path.stat().st_size for name in home.SHIPPED for path in (ROOT / "checkpoints" / name).iterdir()
    )
    assert size < 30e6


def test_data_files_of_the_package_are_packed() -> None:
    packed = PROJECT["tool"]["setuptools"]["package-data"]
    for path in (ROOT / "captionret").rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc", ".so", ".pyd"):  # compiled when installed
            owner = next(folder for folder in path.parents if (folder / "__init__.py").is_file())
            patterns = packed.get(".".join(owner.relative_to(ROOT).parts), [])
            assert any(path in owner.glob(pattern) for pattern in patterns), f"{path} is not packed"


def test_the_citation_is_of_this_version() -> None:
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_every_python_that_is_tested_is_declared() -> None:
    tested = re.search(r"python: \[(.*)\]", (ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    assert tested
    for version in re.findall(r'"([\d.]+)"', tested[1]):
        assert f"Programming Language :: Python :: {version}" in PROJECT["project"]["classifiers"]
