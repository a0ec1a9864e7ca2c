"""How the threads of NumPy and PyTorch wait in a server, where answers run side by side already, and in the
processes that it starts, which run alone."""

import os

# Threads of a matrix product wait for each other, busily, for cores that other answers use: over a million
# pictures NumPy's took half as much of the processor again, and PyTorch's a third more until the first
# picture that was sent to a busy machine had its answer.
_SIDE_BY_SIDE = {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
_set: set[str] = set()


def work_side_by_side() -> None:
    """Let threads stand in nobody's way, unless the environment says otherwise. To be called before NumPy and
    PyTorch are imported."""
    for name, value in _SIDE_BY_SIDE.items():
        if name not in os.environ:
            os.environ[name] = value
            _set.add(name)


def environment_alone() -> dict[str, str]:
    """The environment as it was before."""
    return {name: value for name, value in os.environ.items() if name not in _set}
