"""The CNN in OpenVINO: three to four times PyTorch's speed on a processor, and the same features."""

import logging
import threading

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .export import exported
from .protocols import CannotRun, Run, Source, last_line

log = logging.getLogger(__name__)

_HINTS = {"float32": "f32", "bfloat16": "bf16"}
_CAPABILITIES = {"float32": "FP32", "bfloat16": "BF16"}


def start(source: Source, precision: str) -> Run:
    """See protocols.Start."""
    try:
        import openvino as ov
    except (ImportError, OSError) as error:
        raise CannotRun(f"OpenVINO cannot be loaded ({error}).") from None
    core = ov.Core()
    capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if _CAPABILITIES[precision] not in capabilities:
        raise CannotRun(f"This processor does not compute in {precision}.")
    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
    }
    try:
        with exported(source, f"openvino-{ov.__version__.split('-')[0]}", "network.xml", _save) as file:
            request = core.compile_model(core.read_model(file), "CPU", settings).create_infer_request()
    except (RuntimeError, ImportError, AttributeError) as error:  # of OpenVINO, or of tracing the network
        raise CannotRun(f"OpenVINO cannot run {source.name} ({last_line(error)}).") from None
    lock = threading.Lock()

    def run(pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        with lock:
            found = request.infer([np.ascontiguousarray(pixels)])
            pooled, grid = (torch.from_numpy(found[index]) for index in (0, 1))
        return pooled, grid

    return run


def _save(source: Source, path: str) -> None:
    """Not by openvino.convert_model, which reports its use over the network."""
    import openvino as ov
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    example = torch.zeros(2, source.size, source.size, 3, dtype=torch.uint8)
    traced = torch.jit.trace(source.network, (example,), check_trace=False)
    decoder = TorchScriptPythonDecoder(traced)  # held by name: OpenVINO does not own it
    frontend = FrontEndManager().load_by_framework("pytorch")
    model = frontend.convert(frontend.load(decoder))
    model.reshape(ov.PartialShape([-1, source.size, source.size, 3]))
    ov.save_model(model, path, compress_to_fp16=False)
