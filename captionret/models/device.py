"""Where a network computes."""

import torch

from ..errors import BadSetting


def choose_device(name: str = "auto") -> torch.device:
    """ "auto": the GPU where there is one. BadSetting for a device that this machine doesn't have, or that
    doesn't compute."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.empty(0, device=name).device
        if device.type == "meta":  # computes nothing: every answer would be empty
            raise RuntimeError("it holds no numbers")
        return device
    except (RuntimeError, AssertionError) as error:
        raise BadSetting(
            f"The device {name!r} cannot be used here ({str(error).splitlines()[0]}). Choose auto or cpu."
        ) from None


def placed(tensor: torch.Tensor, device: torch.device | None) -> torch.Tensor:
    """A tensor on a device, None: where it is; to a GPU through pinned memory, which nothing waits for."""
    if device is None or device.type != "cuda":
        return tensor if device is None else tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
