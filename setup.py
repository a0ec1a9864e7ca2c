"""Packs checkpoints/ into the package, and compiles the kernels where there is a compiler; everything else
about the distribution stands in pyproject.toml."""

import sys

from setuptools import Extension, find_packages, setup

KERNELS = [
    Extension(
        f"captionret.{package}.{name}",
        [f"captionret/{package.replace('.', '/')}/{name}.c"],
        extra_link_args=["-s"] if sys.platform == "linux" else [],  # what debuggers read is two thirds of it
        py_limited_api=True,  # one build for every Python from 3.11 on
        optional=True,  # without it the same is done by NumPy or PyTorch, slower
    )
    for package, name in (
        ("retrieval.index", "_kernel"),
        ("retrieval.index", "_halves"),
        ("retrieval.index", "_likelihood"),
        ("images", "_resize"),
        ("models.captioning", "_decoder"),
        ("models.vision.engines", "_float16"),
    )
]

setup(
    packages=[*find_packages(include=["captionret*"]), "captionret._checkpoints"],
    package_dir={"captionret._checkpoints": "checkpoints"},
    ext_modules=KERNELS,
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
