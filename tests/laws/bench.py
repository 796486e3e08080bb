"""A layer on its own, with arrays around it, to be tried and measured."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import SpecError
from engine.layer import Layer, Shape, Site
from engine.randomness import stream

Array = npt.NDArray[Any]

# A layer is tried on every one of these that it takes.
SMALL: tuple[Shape, ...] = ((5,), (4, 3), (6, 6, 2))
# (shape, batch): every array, with one number a feature, a sample or a place, is large in one of them.
LARGE: tuple[tuple[Shape, int], ...] = (((5000,), 4), ((3,), 5000), ((70, 80, 2), 2))
# Bytes for Python's own objects and NumPy's bookkeeping in one step; the arrays above are larger.
OVERHEAD = 4096


def accepted(layer: Layer, candidates: Sequence[Shape]) -> list[list[Shape]]:
    """The input shapes that the layer takes, with as few and, where it may, one more input."""
    least, most = type(layer).arity
    found = []
    for shape in candidates:
        for count in sorted({least, min(least + 1, most)}):
            try:
                layer.output_shape([shape] * count)
            except SpecError:
                continue
            found.append([shape] * count)
    return found


class Bench:
    """A layer staged over random inputs, parameters, state and output gradient.

    `forward` is a function of `inputs` and `parameters` alone: it puts noise and state back first.
    """

    def __init__(
        self,
        layer: Layer,
        shapes: Sequence[Shape],
        batch: int = 6,
        training: bool = True,
        dtype: npt.DTypeLike = np.float64,
        wanted: bool = True,
        seed: int = 0,
    ) -> None:
        random = np.random.default_rng(seed)
        self.layer, self.shapes, self.training = layer, shapes, training

        def normal(shape: Shape) -> Array:
            return random.normal(size=shape).astype(dtype)

        self.inputs = [normal((batch, *shape)) for shape in shapes]
        specs = layer.parameters(shapes)
        self.parameters = {s.name: normal(s.shape) for s in specs}
        self.gradients = {s.name: np.full(s.shape, np.nan, dtype) for s in specs}
        self.state = {
            s.name: (s.initial + 0.5 * random.random(s.shape)).astype(dtype)
            for s in layer.state(shapes)
        }
        self.first_state = {name: array.copy() for name, array in self.state.items()}
        self.random = stream(seed, "noise")
        self.site = Site(
            batch=batch,
            inputs=self.inputs,
            parameters=self.parameters,
            gradients=self.gradients,
            state=self.state,
            random=self.random,
            training=training,
            wants_input_gradient=[wanted] * len(shapes),
        )
        self.staged = layer.stage(self.site)
        self.output_gradient = normal((batch, *layer.output_shape(shapes)))
        self.input_gradients, self.backward = self.staged.backward(self.output_gradient)
        self._noise = self.random.bit_generator.state

    @property
    def noise_used(self) -> bool:
        return bool(self.random.bit_generator.state != self._noise)

    def forward(self) -> Array:
        self.random.bit_generator.state = self._noise
        for name, array in self.state.items():
            array[...] = self.first_state[name]
        self.staged.forward()
        return self.staged.output

    def projection(self) -> float:
        """The output along the output gradient: what the backward pass differentiates."""
        return float(np.vdot(self.output_gradient, self.forward()))


def slope(value: Callable[[], float], at: Sequence[Array], along: Sequence[Array]) -> float:
    """The derivative of `value` in a direction, by a central difference; the arrays are put back."""
    step, results = 1e-6, []
    saved = [array.copy() for array in at]
    for sign in (1, -1):
        for array, here, direction in zip(at, saved, along, strict=True):
            array[...] = here + sign * step * direction
        results.append(value())
    for array, here in zip(at, saved, strict=True):
        array[...] = here
    return (results[0] - results[1]) / (2 * step)


def allocated(step: Callable[[], object], rounds: int = 3) -> int:
    """The most bytes held at once by a step that has run before, beyond those it started with.

    Python's own objects (numbers, frames) come to a few hundred; an array adds its size. NumPy's
    loops have buffers beside arrays, which are made small for the measurement.
    """
    buffer = np.setbufsize(16)
    for _ in range(rounds):
        step()
    gc.disable()
    tracemalloc.start()
    try:
        step()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(rounds):
            step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        gc.enable()
        np.setbufsize(buffer)
