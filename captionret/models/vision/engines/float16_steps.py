"""A network of convolutions as a list of steps for the kernel _float16.c, and its weights in the order in
which the kernel reads them.

The network is traced by torch.export. It may hold convolutions of one pixel, those of one channel each, a
first one over the pixels, ReLU6, sums of two, zeros around a picture, and means over a grid: an
EfficientNet-Lite with its batch norms folded in, whatever blocks it has beside its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.export import ExportedProgram, export
from torch.fx import Node

from .float16_plan import DEPTHWISE, FIRST, LANES, PIXELS, POINTWISE, Place, Plan, Step, laid_out
from .protocols import CannotRun, Source


@dataclass(frozen=True, slots=True)
class _Grid:
    """What a step gives: the step's number; height, width and channels; zeros that are to stand around it."""

    number: int
    shape: tuple[int, int, int]
    padded: bool = False
    top: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class _Means:
    """The means over these grids, one behind the other."""

    grids: tuple[_Grid, ...]


_Value: TypeAlias = Tensor | _Grid | _Means


def plan_of(source: Source, pictures: int) -> Plan:
    """The steps for so many pictures at a time. errors: CannotRun for a network with other parts"""
    example = torch.zeros(2, source.size, source.size, 3, dtype=torch.uint8)
    tracing = _Tracing(source.name, source.size)
    pooled, grid = tracing.run(export(source.network, (example,)))
    numbers = [*(one.number for one in pooled.grids), grid.number]
    places, memory = laid_out(tracing.steps, numbers, pictures)

    def place(one: _Grid) -> Place:
        return places[one.number], one.shape[0] * one.shape[1], one.shape[2]

    for step in tracing.steps:
        step.from_, step.to = places.get(step.from_, -1), places[step.to]
        step.added = places.get(step.added, -1)
    steps = np.array([astuple(step) for step in tracing.steps], np.int64)
    weights = np.concatenate(tracing.weights)
    return Plan(steps, weights, memory, tuple(place(one) for one in pooled.grids), place(grid))


@dataclass(slots=True)
class _Tracing:
    """The steps so far, and the weights in their order. name: of the network, for messages; size: of its
    pictures, in pixels"""

    name: str
    size: int
    steps: list[Step] = field(default_factory=list)
    weights: list[NDArray[np.float16]] = field(default_factory=list)
    written: int = 0  # numbers of weights

    def run(self, program: ExportedProgram) -> tuple[_Means, _Grid]:
        """The pooled feature and the grid."""
        values: dict[Node, _Value] = {}
        constants = {**dict(program.state_dict), **program.constants}
        named = {
            spec.arg.name: constants[spec.target]
            for spec in program.graph_signature.input_specs
            if spec.target is not None
        }
        # what is done to a pixel, done to all 256 that there are
        every = torch.arange(256, dtype=torch.uint8).view(256, 1, 1, 1).expand(256, 1, 1, 3)
        for node in program.graph.nodes:
            if node.op == "placeholder":
                values[node] = named.get(node.name, every)
            elif node.op == "call_function":
                values[node] = self._value(node, values)
        pooled, grid = (values[node] for node in list(program.graph.nodes)[-1].args[0])
        if not isinstance(pooled, _Means) or not isinstance(grid, _Grid):
            raise self._unknown("an end")
        return pooled, grid

    def _value(self, node: Node, values: Mapping[Node, _Value]) -> _Value:
        operation = str(node.target).split(".")[1]
        given = [values[one] for one in node.all_input_nodes]
        if all(isinstance(one, Tensor) for one in given) and operation not in ("pad", "conv2d"):
            return _computed(node, values)
        if operation == "pad":
            return self._padded(node, given[0])
        if operation == "conv2d":
            return self._convolution(node, values)
        if operation == "cat":
            return _Means(tuple(grid for one in given if isinstance(one, _Means) for grid in one.grids))
        grids = [one for one in given if isinstance(one, _Grid) and not one.padded]
        if not grids:
            raise self._unknown(operation)
        if operation == "mean" and _numbers(node, 1) == (2, 3):
            return _Means((grids[0],))
        if operation in ("flatten", "transpose"):  # cells lie one behind the other already
            return grids[0]
        if operation == "relu6" or (operation == "hardtanh" and tuple(node.args[1:]) == (0.0, 6.0)):
            self._maker(node.all_input_nodes[0], grids[0]).clipped = 1
            return grids[0]
        if operation == "add" and len(grids) == 2:
            both = zip(grids, node.all_input_nodes, strict=True)
            (other, _), (last, made_by) = sorted(both, key=lambda one: one[0].number)
            step = self._maker(made_by, last)
            if step.kind == POINTWISE and not step.clipped and step.added < 0:
                step.added = other.number
                return last
        raise self._unknown(operation)

    def _maker(self, node: Node, grid: _Grid) -> Step:
        """The step that gives a grid, which nothing else has read before it was changed."""
        if len(node.users) != 1:
            raise self._unknown("a result that is read twice")
        return next(step for step in self.steps if step.to == grid.number)

    def _padded(self, node: Node, given: _Value) -> _Grid:
        left, right, top, bottom = _numbers(node, 1)
        if any(value not in (0.0, None) for value in node.args[3:]) or min(left, right, top, bottom) < 0:
            raise self._unknown("padding")
        if isinstance(given, Tensor):
            return self._pixels(given, (top, left), (top + bottom, left + right))
        assert isinstance(given, _Grid)
        return _Grid(given.number, given.shape, True, given.top + top, given.left + left)

    def _pixels(self, table: Tensor, first: tuple[int, int], more: tuple[int, int]) -> _Grid:
        """The picture as numbers. table: (256, 3, 1, 1); first: rows above it and columns before it; more:
        rows and columns in all"""
        high, wide = self.size + more[0], self.size + more[1]
        at = self._kept(table.flatten(1).T.numpy())
        kept = Step(PIXELS, -1, 0, -1, at, 0, 3, 3, self.size, self.size, 0, 1, *first, high, wide)
        self.steps.append(kept)
        return _Grid(0, (high, wide, 3))

    def _convolution(self, node: Node, values: Mapping[Node, _Value]) -> _Grid:
        given, weight, bias = (values[one] for one in node.all_input_nodes)
        stride, across = _numbers(node, 3, (1, 1))
        above, before = _numbers(node, 4, (0, 0))
        (groups,) = _numbers(node, 6, (1,))
        assert isinstance(weight, Tensor) and isinstance(bias, Tensor)
        if isinstance(given, Tensor):
            given = self._pixels(given, (above, before), (2 * above, 2 * before))
            above = before = 0
        assert isinstance(given, _Grid)
        columns, _, kernel, other = weight.shape
        kinds = {
            POINTWISE: groups == kernel == stride == 1 and not (given.padded or above or before),
            DEPTHWISE: groups == columns == given.shape[2] and columns > 1,
            FIRST: groups == 1 and given.number == 0 and not (given.padded or above or before),
        }
        kind = next((kind for kind, fits in kinds.items() if fits), None)
        if kind is None or kernel != other or stride != across or _numbers(node, 5, (1, 1)) != (1, 1):
            raise self._unknown("a convolution")
        high, wide = node.meta["val"].shape[2:]
        number = len(self.steps)
        top, left = given.top + above, given.left + before
        packed = self._kept(_packed(weight, kind)), self._kept(_filled(bias[None], 64))
        shapes = (given.shape[2], columns, *given.shape[:2], kernel, stride, top, left, int(high), int(wide))
        self.steps.append(Step(kind, given.number, number, -1, *packed, *shapes))
        return _Grid(number, (int(high), int(wide), columns))

    def _kept(self, weights: NDArray[np.float32]) -> int:
        """Where these weights begin."""
        with np.errstate(over="ignore"):
            kept = weights.astype(np.float16).ravel()
        if not np.isfinite(kept).all():
            raise CannotRun(f"{self.name} has weights that float16 cannot hold.")
        place, self.written = self.written, self.written + -(-len(kept) // LANES) * LANES
        self.weights.append(np.pad(kept, (0, self.written - place - len(kept))))
        return place

    def _unknown(self, what: str) -> CannotRun:
        return CannotRun(f"{self.name} has {what} that float16 is not made for.")


def _numbers(node: Node, at: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
    """An argument of an operation: whole numbers, or one."""
    given = cast("Sequence[int] | int", node.args[at]) if at < len(node.args) else default
    return (given,) if isinstance(given, int) else tuple(given)


def _computed(node: Node, values: Mapping[Node, _Value]) -> Tensor:
    """What an operation gives of tensors that are known."""

    def known(one: object) -> object:
        if isinstance(one, Node):
            return values[one]
        return [known(part) for part in one] if isinstance(one, list | tuple) else one

    operation = cast("Callable[..., Tensor]", node.target)
    return operation(*map(known, node.args), **{name: known(one) for name, one in node.kwargs.items()})


def _filled(rows: Tensor, lanes: int) -> NDArray[np.float32]:
    """(K, C) with zeros behind it, up to a multiple of lanes."""
    return np.pad(rows.numpy(), ((0, 0), (0, -rows.shape[1] % lanes)))


def _packed(weight: Tensor, kind: int) -> NDArray[np.float32]:
    """The weights of a convolution, (columns, depth, K, K), as the kernel reads them."""
    if kind == DEPTHWISE:
        return _filled(weight.flatten(1).T, LANES)
    rows = weight.permute(2, 3, 1, 0).flatten(0, 2)  # by line and column of the kernel, then by channel
    blocks = [_filled(rows[:, start : start + 64], LANES).ravel() for start in range(0, rows.shape[1], 64)]
    return np.concatenate(blocks)
