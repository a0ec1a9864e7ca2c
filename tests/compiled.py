"""The package's C sources, compiled by the tests that need them."""

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

COMPILER = shutil.which("cc") or shutil.which("gcc")


def compiled(source: Path, folder: Path) -> ModuleType:
    """A module, from the source that is here, whatever was built before. It skips where nothing compiles."""
    if COMPILER is None or sys.platform == "win32":
        pytest.skip("there is no C compiler here")
    built, include = folder / f"{source.stem}.so", sysconfig.get_path("include")
    if not (Path(include) / "Python.h").is_file():
        pytest.skip("Python's headers are not here")
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    command = [COMPILER, "-O2", "-fPIC", *shared, f"-I{include}", str(source), "-o", str(built)]
    subprocess.run(command, check=True)
    spec = importlib.util.spec_from_file_location(source.stem, built)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
