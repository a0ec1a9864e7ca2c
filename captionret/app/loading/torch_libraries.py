"""PyTorch's shared libraries, loaded by the system's loader while Python does other things."""

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path

_NAMES = {"linux": ("libtorch_global_deps.so", "libtorch.so")}  # in the order in which PyTorch loads them


def load_torch_libraries() -> bool:
    """Load them without holding the interpreter, as `import torch` does for a quarter of its time: other
    threads run meanwhile. Returns whether they are loaded; where they are not, `import torch` loads them."""
    names, torch = _NAMES.get(sys.platform, ()), None if "torch" in sys.modules else find_spec("torch")
    if not names or torch is None or torch.origin is None:
        return False
    # A function of the C library: Python lets others run while it calls one, not while it opens a library.
    load = ctypes.CDLL(None).dlopen
    load.restype, load.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
    folder, loaded = Path(torch.origin).parent / "lib", True
    for name in names:
        scope = os.RTLD_GLOBAL if name == names[0] else os.RTLD_LOCAL  # as PyTorch has it
        loaded = loaded and load(os.fsencode(folder / name), os.RTLD_NOW | scope) is not None
    return loaded
