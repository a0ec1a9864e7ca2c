"""Packs checkpoints/ into the package, and compiles the kernel where there is a compiler; everything else
about the distribution stands in pyproject.toml."""

from setuptools import Extension, find_packages, setup

KERNEL = Extension(
    "captionret.retrieval.index._kernel",
    ["captionret/retrieval/index/_kernel.c"],
    py_limited_api=True,  # one build for every Python from 3.11 on
    optional=True,  # without it the same is done by NumPy, slower
)

setup(
    packages=[*find_packages(include=["captionret*"]), "captionret._checkpoints"],
    package_dir={"captionret._checkpoints": "checkpoints"},
    ext_modules=[KERNEL],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
