"""Where a network computes."""

import torch

from ..errors import BadSetting


def choose_device(name: str = "auto") -> torch.device:
    """ "auto": the GPU where there is one. BadSetting for a device this machine has not."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise BadSetting(
            f"The device {name!r} cannot be used here ({str(error).splitlines()[0]}). Use --device auto or "
            "cpu."
        ) from None
