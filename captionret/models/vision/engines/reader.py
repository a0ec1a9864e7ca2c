"""A backbone at work in the engine that was asked for, or the fastest one here."""

import logging
import threading
from importlib import import_module

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ....errors import BadSetting
from .protocols import CannotRun, Run, Source, Start
from .rows import ENGINES, FASTEST, Compute, EngineConfig

log = logging.getLogger(__name__)

# Pictures to come from which on starting another engine than PyTorch, about a second, pays.
WORTH_STARTING = 64


class Reader:
    """Runs one backbone. The engine is started when it is first needed.

    device: the kind of device that the backbone's weights are on: "cpu", "cuda"
    """

    def __init__(self, source: Source, compute: Compute, device: str) -> None:
        self.source, self._compute, self._device = source, compute, device
        self._run: Run | None = None
        self._starting = threading.Lock()
        self._settled = False  # whether no faster engine is to be looked for
        self._expected = 0
        self.engine = ""  # the row that runs, once something was read

    def expect(self, pictures: int) -> None:
        """So many are to come: for a few, `auto` keeps to PyTorch, which is started soonest."""
        self._expected = max(self._expected, pictures)

    def read(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """pixels (N, S, S, 3) uint8 -> pooled (N, dim), grid (N, cells, depth), float32.

        errors: BadSetting for an engine that was asked for and does not run here
        """
        if not self._settled:
            with self._starting:
                if not self._settled:
                    self._begin(max(self._expected, len(pixels)))
        assert self._run is not None
        return self._run(pixels)

    def _begin(self, pictures: int) -> None:
        """Start the engine, or for a few pictures PyTorch."""
        rows, reason = self._rows(), ""
        if self._compute.engine == "auto" and pictures < WORTH_STARTING and rows[-1].name == "torch":
            if self._run is None:
                self._start(rows[-1])
            self._settled = len(rows) == 1
            return
        for row in rows:
            try:
                self._start(row)
            except CannotRun as error:
                if self._compute.engine != "auto":
                    raise BadSetting(f"{error} Choose another engine or precision.") from None
                reason = f"{error} "
                log.info(f"{error} A slower engine is taken." if row is not rows[-1] else str(error))
                continue
            if len(rows) > 1:
                log.info(f"{self.source.name} runs in {row.name}, {self._compute.precision}.")
            self._settled = True
            return
        raise BadSetting(
            f"{reason}No engine here computes in {self._compute.precision} on {self._device}. Choose another "
            "precision."
        )

    def _start(self, row: EngineConfig) -> None:
        start: Start = import_module(f".{row.module}", __package__).start
        self._run, self.engine = start(self.source, self._compute.precision), row.name

    def _rows(self) -> list[EngineConfig]:
        """The engines that may run, the first that can does."""
        precision, engine = self._compute.precision, self._compute.engine
        if engine == "auto":
            known = [ENGINES[name] for name in FASTEST]
            return [
                row
                for row in known
                if precision in row.precisions and self._device in row.devices and row.installed
            ]
        row = ENGINES[engine]
        if self._device not in row.devices:
            raise BadSetting(
                f"The engine {row.name} runs on {' and '.join(row.devices)}, not on {self._device}. Choose "
                "engine torch or another device."
            )
        return [row]
