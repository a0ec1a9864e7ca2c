"""The engines and precisions, one row each. No torch.

A new engine is one row here and one module with a function `start`, see protocols.Start.
"""

from dataclasses import dataclass
from importlib.util import find_spec

from ....config import Registry
from ....errors import BadSetting


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """One row of ENGINES.

    package:    the Python package that it takes, besides PyTorch
    install:    how that package is had
    precisions: in which it computes
    devices:    on which it runs
    module:     beside this one, with its `start`
    """

    name: str
    about: str
    package: str | None
    install: str
    precisions: tuple[str, ...]
    devices: tuple[str, ...]
    module: str

    @property
    def installed(self) -> bool:
        """Whether its package is on this machine."""
        return self.package is None or find_spec(self.package) is not None


@dataclass(frozen=True, slots=True)
class PrecisionConfig:
    """One row of PRECISIONS.

    about: what it costs and brings, for people
    """

    name: str
    about: str


PRECISIONS: Registry[PrecisionConfig] = Registry(
    "precision",
    {
        row.name: row
        for row in (
            PrecisionConfig("float32", "the features that the checkpoints were trained on"),
            PrecisionConfig(
                "bfloat16",
                "half the digits: faster on a GPU and where the processor has matrix units for it (AMX), "
                "slower elsewhere",
            ),
            PrecisionConfig(
                "float16",
                "half the digits, more of them than bfloat16 has: for EfficientNet-Lite faster than float32 "
                "on processors that multiply it (AVX-512 FP16), by a kernel of our own",
            ),
            PrecisionConfig(
                "int8",
                "whole numbers of a byte: twice as fast where it was measured, in OpenVINO; features "
                "differ more",
            ),
        )
    },
)

ENGINES: Registry[EngineConfig] = Registry(
    "engine",
    {
        row.name: row
        for row in (
            EngineConfig(
                "torch",
                "PyTorch as it is: everywhere, and on a GPU",
                None,
                "",
                ("float32", "bfloat16"),
                ("cpu", "cuda", "mps", "xpu"),
                "torch_engine",
            ),
            EngineConfig(
                "openvino",
                "OpenVINO: the fastest on a processor",
                "openvino",
                "pip install openvino",
                ("float32", "bfloat16", "int8"),
                ("cpu",),
                "openvino_engine",
            ),
            EngineConfig(
                "onnx",
                "ONNX Runtime: on a processor, without OpenVINO",
                "onnxruntime",
                "pip install 'captionret[onnx]'",
                ("float32",),
                ("cpu",),
                "onnx_engine",
            ),
            EngineConfig(
                "compiled",
                "a kernel of our own for EfficientNet-Lite in float16",
                None,
                "",
                ("float16",),
                ("cpu",),
                "float16_engine",
            ),
        )
    },
)

# What `auto` takes, the first one that is installed and runs on the device. In this order by measurement, not
# at run time: benchmarks/engines.py compares speed and captions on validation pictures, see
# benchmarks/RESULTS.md. At float32 only what gives PyTorch's captions for at least 99 % of them stands here.
FASTEST = ("openvino", "onnx", "compiled", "torch")


@dataclass(frozen=True, slots=True)
class Compute:
    """How a CNN is to be run.

    engine:    a row of ENGINES, or "auto": the fastest one here that gives the same captions
    precision: a row of PRECISIONS
    errors:    UnknownName; BadSetting for a pair that there is not, or an engine that is not installed
    """

    engine: str = "auto"
    precision: str = "float32"

    def __post_init__(self) -> None:
        precision = PRECISIONS[self.precision]
        if self.engine == "auto":
            return
        row = ENGINES[self.engine]
        if precision.name not in row.precisions:
            able = [name for name, other in ENGINES.items() if precision.name in other.precisions]
            raise BadSetting(
                f"The engine {row.name} does not compute in {precision.name}. Choose {' or '.join(able)}, "
                f"or a precision of {row.name}: {', '.join(row.precisions)}."
            )
        if not row.installed:
            raise BadSetting(
                f"The engine {row.name} is not installed. Run: {row.install} - or take engine torch or auto."
            )

    @property
    def compiled(self) -> bool:
        """Whether a captioner's compiled beam search may be taken: unless PyTorch is asked for."""
        return self.engine != "torch"

    @property
    def suffix(self) -> str:
        """What tells its features apart from those of float32: "" or "-bfloat16"."""
        return "" if self.precision == "float32" else f"-{self.precision}"


AUTO = Compute()
