"""Large arrays are the system's again once they are free, where the C library can be told so."""

import sys
from types import SimpleNamespace

import pytest

from captionret.cli import memory


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc alone")
def test_threshold_and_arenas_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda *given: calls.append(given))
    monkeypatch.setattr("ctypes.CDLL", lambda name: library)
    memory.give_back_large_blocks()
    assert calls == [(-3, 1 << 20), (-8, 2)]


def test_other_systems_and_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: SimpleNamespace())
    memory.give_back_large_blocks()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr("ctypes.CDLL", lambda name: pytest.fail("it was asked"))
    memory.give_back_large_blocks()
