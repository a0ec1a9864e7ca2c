"""The CNN in OpenVINO: three to four times PyTorch's speed on a processor, and the same features."""

import logging
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .export import exported
from .int8 import rounded
from .protocols import CannotRun, Run, Source, last_line

if TYPE_CHECKING:
    from openvino import Core

# Pictures that a thread takes through the network at a time. A fixed number makes it a little faster, and its
# memory small.
PIECE = 4
_HINTS = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}  # of what is not rounded to bytes
_CAPABILITIES = {"float32": "FP32", "bfloat16": "BF16", "int8": "INT8"}


@cache
def started() -> "Core":
    """OpenVINO for as long as the process lasts. Where it ends in another thread than it began in, it frees
    the memory that the first one's signals are handled on, and Ctrl-C ends in a segmentation fault."""
    with _unreported():
        import openvino as ov

    return ov.Core()


def start(source: Source, precision: str) -> Run:
    """See protocols.Start."""
    try:
        with _unreported():
            import openvino as ov
    except (ImportError, OSError) as error:
        raise CannotRun(f"OpenVINO cannot be loaded ({error}).") from None
    core = started()
    capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if _CAPABILITIES[precision] not in capabilities:
        raise CannotRun(f"This processor does not compute in {precision}.")
    if precision == "int8":
        source = rounded(source)
    threads = torch.get_num_threads()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": threads,
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
    }
    try:
        made_for = f"openvino-{ov.__version__.split('-')[0]}-by-{PIECE}"
        with exported(source, made_for, "network.xml", _save) as file:
            compiled = core.compile_model(core.read_model(file), "CPU", settings)
    except (RuntimeError, ImportError, AttributeError) as error:  # of OpenVINO, or of exporting the network
        raise CannotRun(f"OpenVINO cannot run {source.name} ({last_line(error)}).") from None
    return _Pieces([compiled.create_infer_request() for _ in range(threads)]).run


class _Tensor(Protocol):
    data: NDArray[np.float32]


class _Request(Protocol):
    """Of OpenVINO: one network with its own memory."""

    def get_input_tensor(self) -> _Tensor: ...
    def get_output_tensor(self, index: int) -> _Tensor: ...
    def start_async(self) -> None: ...
    def wait(self) -> None: ...


class _Pieces:
    """Batches cut into pieces, which threads take in turn: each runs a whole network, so that none waits
    for another after every layer."""

    def __init__(self, requests: Sequence[_Request]) -> None:
        self._pool = ThreadPoolExecutor(len(requests), thread_name_prefix="cnn")
        self._shapes = [requests[0].get_output_tensor(index).data.shape[1:] for index in (0, 1)]
        self._free: SimpleQueue[_Request] = SimpleQueue()
        for request in requests:
            self._free.put(request)

    def run(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """See protocols.Run."""
        pooled, grid = (np.empty((len(pixels), *shape), np.float32) for shape in self._shapes)
        pieces = [slice(start, start + PIECE) for start in range(0, len(pixels), PIECE)]
        for _ in self._pool.map(lambda rows: self._piece(pixels[rows], (pooled[rows], grid[rows])), pieces):
            pass
        return torch.from_numpy(pooled), torch.from_numpy(grid)

    def _piece(self, pixels: NDArray[np.uint8], into: Sequence[NDArray[np.float32]]) -> None:
        """Pixels are copied into the request's own memory, and features out of it: an array of Python's that
        OpenVINO lets go of in one thread while another sets its own stops both for ever."""
        request = self._free.get()
        try:
            request.get_input_tensor().data[: len(pixels)] = pixels  # what stands behind them is not read
            request.start_async()
            request.wait()
            for index, rows in enumerate(into):
                rows[:] = request.get_output_tensor(index).data[: len(pixels)]
        finally:
            self._free.put(request)


def _save(source: Source, path: str) -> None:
    """Not by openvino.convert_model, which reports its use over the network."""
    import openvino as ov
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.fx_decoder import TorchFXPythonDecoder
    from openvino.passes import ConstantFolding, Manager
    from torch.export import export

    example = torch.zeros(PIECE, source.size, source.size, 3, dtype=torch.uint8)
    with _unheard("fx_decoder"):  # it warns, with tracebacks, of operations that this PyTorch does not have
        # held by name: OpenVINO does not own it
        decoder = TorchFXPythonDecoder.from_exported_program(export(source.network, (example,)))
    frontend = FrontEndManager().load_by_framework("pytorch")
    model = frontend.convert(frontend.load(decoder))
    model.reshape(ov.PartialShape(example.shape))
    passes = Manager()
    passes.register_pass(
        ConstantFolding()
    )  # steps of rounding as plain numbers, or nothing computes in bytes
    passes.run_passes(model)
    ov.save_model(model, path, compress_to_fp16=False)


@contextmanager
def _unreported() -> Iterator[None]:
    """Without OpenVINO's report of its import, which goes to Google Analytics with an id of this user that it
    keeps in the home folder."""
    there = sys.modules.get("openvino_telemetry")
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # as if it were not installed
    try:
        yield
    finally:
        sys.modules.pop("openvino_telemetry", None)
        if there is not None:
            sys.modules["openvino_telemetry"] = there


@contextmanager
def _unheard(module: str) -> Iterator[None]:
    """Without what a module says that has no logger of its own, and would give the program a handler."""

    def others(record: logging.LogRecord) -> bool:
        return record.module != module

    root, nowhere = logging.getLogger(), logging.NullHandler()
    root.addFilter(others)
    root.addHandler(nowhere)
    try:
        yield
    finally:
        root.removeHandler(nowhere)
        root.removeFilter(others)
