"""Features that others computed and pickled: a dictionary of tensors or arrays by image id, as
resnet18_features_train.pkl. Nothing of such a file is run.
"""

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch._utils import _rebuild_tensor

from ...errors import BadCheckpoint
from ...files import content_of
from ..pickles import MALFORMED, SafeReader

_OLD_TORCH = pickle.dumps(0x1950A86A20F9469CFC6C, 2)  # how torch.save began a file before release 1.6
_MOST = 1_000_000  # numbers of one image


def read_features(path: Path | str) -> dict[str, NDArray[np.float32]]:
    """Each image's feature by its id, as text; all (D,) float32 of one D.

    path:   what pickle.dump or torch.save wrote
    errors: BadCheckpoint for a file that asks for anything but tensors, arrays and dictionaries, that is
            damaged, or whose features are not of one size, finite, and one for each image
    """
    try:
        content = content_of(path)
    except OSError as error:
        raise BadCheckpoint(f"{path} cannot be read ({error.strerror}). Check the path.") from None
    try:
        value = _loaded(content, path)
    except MALFORMED as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise BadCheckpoint(
            f"{path} is damaged, or no file of features ({reason[0][:200]}). It was not run. Fetch it again."
        ) from None
    if not isinstance(value, dict) or not value:
        raise BadCheckpoint(f"{path} holds no dictionary of features by image id. Give another file.")
    found = {_id_of(key, path): _row(row, key, path) for key, row in value.items()}
    sizes = {len(row) for row in found.values()}
    if len(sizes) > 1 or len(found) < len(value):
        raise BadCheckpoint(
            f"{path}: its features are not one of the same size for each image. Compute them again."
        )
    return found


def _loaded(content: bytes, path: Path | str) -> object:
    if content.startswith((b"PK", _OLD_TORCH)):  # what torch.save wrote
        return _tensors(content)
    return SafeReader(path, io.BytesIO(content), _KNOWN, "features").load()


def _tensors(content: bytes) -> object:
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _id_of(key: object, path: Path | str) -> str:
    if isinstance(key, str | int | np.integer) and not isinstance(key, bool):
        return str(key)
    raise BadCheckpoint(
        f"{path}: {str(key)[:60]!r} is no image id. Give a dictionary of features by image id."
    )


def _row(value: object, key: object, path: Path | str) -> NDArray[np.float32]:
    """(D,), whatever other sides of length 1 the network left."""
    if isinstance(value, torch.Tensor):
        numbers = value.numel() if value.layout == torch.strided and value.dtype.is_floating_point else 0
        row = value.detach().float().numpy() if 0 < numbers <= _MOST else None
    else:
        whole = isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and 0 < value.size <= _MOST
        row = np.asarray(value, np.float32) if whole else None
    if row is None or max(row.shape, default=1) != row.size or not np.isfinite(row).all():
        raise BadCheckpoint(
            f"{path}: image {str(key)[:60]} has no vector of finite numbers. Compute it again."
        )
    return row.reshape(-1).copy()


def _rebuilt(storage: Any, offset: int, size: Any, stride: Any, *_: object) -> torch.Tensor:
    rebuilt: torch.Tensor = _rebuild_tensor(storage, offset, tuple(size), tuple(stride))
    return rebuilt


def _from_buffer(buffer: Any, dtype: np.dtype[Any], shape: Any, order: Any) -> NDArray[Any]:
    return np.frombuffer(bytes(buffer), dtype).reshape(shape, order="F" if order == "F" else "C")


def _encoded(text: str, encoding: str = "latin1") -> bytes:
    return text.encode("latin1")


_KNOWN: dict[tuple[str, str], Callable[[], Any]] = {
    ("torch._utils", "_rebuild_tensor_v2"): lambda: lambda *given: _rebuilt(*given),
    ("torch.storage", "_load_from_bytes"): lambda: lambda content: _tensors(content),
    ("torch", "Size"): lambda: lambda *given: tuple(*given),
    ("collections", "OrderedDict"): lambda: OrderedDict,
    ("numpy._core.multiarray", "_reconstruct"): lambda: lambda kind, shape, code: np.ndarray((0,), np.int8),
    ("numpy._core.numeric", "_frombuffer"): lambda: lambda *given: _from_buffer(*given),
    ("numpy", "ndarray"): lambda: np.ndarray,
    ("numpy", "dtype"): lambda: np.dtype,
    ("_codecs", "encode"): lambda: lambda *given: _encoded(*given),
}
