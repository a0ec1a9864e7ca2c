"""The CNN in ONNX Runtime, for processors on which OpenVINO has no wheel."""

import threading

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .export import exported
from .protocols import CannotRun, Run, Source, last_line


def start(source: Source, precision: str) -> Run:
    """See protocols.Start."""
    try:
        import onnxruntime
    except (ImportError, OSError) as error:
        raise CannotRun(f"ONNX Runtime cannot be loaded ({error}).") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        with exported(source, "onnx", "network.onnx", _save) as file:
            session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except (RuntimeError, ImportError) as error:  # of ONNX Runtime, or of tracing; exporting takes `onnx`
        raise CannotRun(f"ONNX Runtime cannot run {source.name} ({last_line(error)}).") from None
    lock = threading.Lock()

    def run(pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        with lock:
            pooled, grid = session.run(None, {"pixels": np.ascontiguousarray(pixels)})
        return torch.from_numpy(pooled), torch.from_numpy(grid)

    return run


def _save(source: Source, path: str) -> None:
    example = torch.zeros(2, source.size, source.size, 3, dtype=torch.uint8)
    names = ["pixels"], ["pooled", "grid"]
    some = {name: {0: "pictures"} for side in names for name in side}
    torch.onnx.export(
        source.network,
        (example,),
        path,
        dynamo=False,
        input_names=names[0],
        output_names=names[1],
        dynamic_axes=some,
    )
