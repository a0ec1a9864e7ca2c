"""The optimizer of a training, its learning rate, its averaged weights and its precision."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ..config import TrainingConfig

_DTYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
# whether such a device multiplies bfloat16 by itself
_QUICK = {"cuda": torch.cuda.is_bf16_supported, "cpu": torch.cpu._is_avx512_bf16_supported}
PRECISIONS = ("auto", *_DTYPES)


def make_optimizer(
    module: nn.Module, config: TrainingConfig, rates: dict[str, float]
) -> torch.optim.Optimizer:
    """The optimizer that `config` names. rates: see groups."""
    parts = groups(module, config.weight_decay, rates)
    if config.optimizer == "adam":
        return torch.optim.AdamW(parts, lr=config.learning_rate, fused=True)
    return torch.optim.SGD(
        parts, lr=config.learning_rate, momentum=0.9, nesterov=config.optimizer == "nesterov"
    )


def groups(module: nn.Module, weight_decay: float, rates: dict[str, float]) -> list[dict[str, Any]]:
    """Weight decay for matrices only; biases, norms and embeddings are left alone.

    rates: name of a part of the module -> factor of its learning rate, noted in its group as "rate"
    """
    embeddings = {id(part.weight) for part in module.modules() if isinstance(part, nn.Embedding)}
    found: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            decay = weight_decay if parameter.ndim > 1 and id(parameter) not in embeddings else 0.0
            found.setdefault((decay, rates.get(name.split(".")[0], 1.0)), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "rate": rate}
        for (decay, rate), parameters in found.items()
    ]


def rate_at(done: float, config: TrainingConfig) -> float:
    """The learning rate's factor when `done` (0 to 1) of the training is over."""
    if done < config.warmup:
        return max(done / config.warmup, 1e-3)
    if config.schedule == "constant":
        return 1.0
    done = (done - config.warmup) / (1 - config.warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


def averaged(module: nn.Module, decay: float) -> AveragedModel | None:
    """A moving average of the module's weights; None for a `decay` of 0.

    It forgets the first steps sooner: after step n the past's share is min(decay, (1 + n) / (10 + n)).
    """
    if not decay:
        return None

    def average(
        past: tuple[Tensor, ...] | list[Tensor], new: tuple[Tensor, ...] | list[Tensor], count: object
    ) -> None:
        if not past[0].is_floating_point():
            torch._foreach_copy_(list(past), list(new))
            return
        # not `count`, which is a copy of it on the device and would be waited for
        steps = int(made.n_averaged)
        weight = min(decay, (1 + steps) / (10 + steps))
        torch._foreach_lerp_(list(past), list(new), 1 - weight)

    made = AveragedModel(module, multi_avg_fn=average, use_buffers=True)
    return made


def autocast_to(precision: str, device: torch.device) -> torch.dtype | None:
    """What to compute in beside float32; None for float32 alone.

    precision: "auto" takes bfloat16 where the hardware multiplies it, else float32; float16, for GPUs without
               bfloat16, scales the loss so that small gradients are not lost
    """
    if precision == "auto":
        quick = device.type in _QUICK and _QUICK[device.type]()
        precision = "bfloat16" if quick else "float32"
    return _DTYPES[precision]
