"""Packs checkpoints/ into the package; everything else about the distribution stands in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["captionret*"]), "captionret._checkpoints"],
    package_dir={"captionret._checkpoints": "checkpoints"},
)
