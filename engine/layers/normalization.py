"""Layers that keep the size of their outputs steady."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

import numpy as np

from engine.catalogue import setting
from engine.initializers import Constant, Zeros
from engine.layer import (
    Array,
    Layer,
    ParameterSpec,
    Shape,
    Site,
    Staged,
    StateSpec,
    Step,
    need_axis,
)


class Normalization(Layer):
    """A layer that ends in a = γ x̂ + β, with γ and β trained for each feature (the last axis)."""

    group: ClassVar[str] = "normalization"

    epsilon: float = setting(
        1e-5, gt=0, le=1, scale="log", title="ε", help="Keeps the division away from 0."
    )

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        need_axis(inputs[0])
        return inputs[0]

    def parameters(self, inputs: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        size = inputs[0][-1]
        return (
            ParameterSpec("scale", (size,), Constant(value=1.0), size, size, decays=False),
            ParameterSpec("shift", (size,), Zeros(), size, size, decays=False),
        )


class BatchNorm(Normalization):
    """Each feature, over the batch, to mean 0 and variance 1: a = γ (x - mean) / √(variance + ε) + β.

    x, a: (…, features); mean and variance (divided by n) are over the batch and all axes but the
    last. Predictions use running means instead: running ← (1 - momentum) · running + momentum ·
    new, where the new variance is divided by n - 1. A frozen layer keeps γ and β, but goes on
    averaging.

    Ioffe and Szegedy (2015), *Batch Normalization: Accelerating Deep Network Training by Reducing
    Internal Covariate Shift*.
    """

    kind: Literal["batch_norm"] = "batch_norm"
    title: ClassVar[str] = "Batch norm"

    momentum: float = setting(
        0.1, gt=0, le=1, help="How much of each batch goes into the running means."
    )

    def state(self, inputs: Sequence[Shape]) -> tuple[StateSpec, ...]:
        size = inputs[0][-1]
        return StateSpec("mean", (size,), 0.0), StateSpec("variance", (size,), 1.0)

    def stage(self, site: Site) -> Staged:
        return (self._over_batch if site.training else self._running)(site)

    def _over_batch(self, site: Site) -> Staged:
        x = site.inputs[0]
        rows = x.reshape(-1, x.shape[-1])
        n, dtype = len(rows), x.dtype
        scale, shift = site.parameters["scale"], site.parameters["shift"]
        running_mean, running_variance = site.state["mean"], site.state["variance"]
        mean, variance, gain = (np.empty_like(scale) for _ in range(3))
        inverse, work = np.empty_like(scale), np.empty_like(scale)
        centred, output = np.empty_like(rows), np.empty_like(rows)
        share, epsilon = np.full(n, 1 / n, dtype), np.array(self.epsilon, dtype)
        keep, take = np.array(1 - self.momentum, dtype), np.array(self.momentum, dtype)
        unbiased = np.array(self.momentum * n / max(n - 1, 1), dtype)
        one, average = np.array(1, dtype), share.dot

        def forward() -> None:
            average(rows, mean)
            np.subtract(rows, mean, centred)
            np.multiply(centred, centred, output)
            average(output, variance)
            np.add(variance, epsilon, inverse)
            np.sqrt(inverse, inverse)
            np.divide(one, inverse, inverse)
            np.multiply(inverse, scale, gain)
            np.multiply(centred, gain, output)
            np.add(output, shift, output)
            np.multiply(running_mean, keep, running_mean)
            np.multiply(mean, take, work)
            np.add(running_mean, work, running_mean)
            np.multiply(running_variance, keep, running_variance)
            np.multiply(variance, unbiased, work)
            np.add(running_variance, work, running_variance)

        def backward(output_gradient: Array) -> tuple[list[Array | None], Step]:
            dy = output_gradient.reshape(rows.shape)
            dx, along = np.empty_like(rows), np.empty_like(scale)
            scale_gradient, shift_gradient = site.gradients["scale"], site.gradients["shift"]
            ones = np.ones(n, dtype)
            total, once = ones.dot, np.array(1 / n, dtype)

            def run() -> None:
                np.multiply(dy, centred, dx)
                total(dx, scale_gradient)
                np.multiply(scale_gradient, inverse, scale_gradient)
                total(dy, shift_gradient)
                # dx = γ / σ · (dy - mean(dy) - x̂ mean(dy x̂))
                np.multiply(scale_gradient, inverse, along)
                np.multiply(along, once, along)
                np.multiply(centred, along, dx)
                np.subtract(dy, dx, dx)
                np.multiply(shift_gradient, once, along)
                np.subtract(dx, along, dx)
                np.multiply(dx, gain, dx)

            return [dx.reshape(x.shape)], run

        return Staged(output.reshape(x.shape), forward, backward)

    def _running(self, site: Site) -> Staged:
        x = site.inputs[0]
        rows = x.reshape(-1, x.shape[-1])
        scale, shift = site.parameters["scale"], site.parameters["shift"]
        mean, variance = site.state["mean"], site.state["variance"]
        normal, output = np.empty_like(rows), np.empty_like(rows)
        inverse, epsilon = np.empty_like(scale), np.array(self.epsilon, x.dtype)
        one = np.array(1, x.dtype)

        def forward() -> None:
            np.add(variance, epsilon, inverse)
            np.sqrt(inverse, inverse)
            np.divide(one, inverse, inverse)
            np.subtract(rows, mean, normal)
            np.multiply(normal, inverse, normal)
            np.multiply(normal, scale, output)
            np.add(output, shift, output)

        def backward(output_gradient: Array) -> tuple[list[Array | None], Step]:
            dy = output_gradient.reshape(rows.shape)
            dx = np.empty_like(rows)
            differentiate = _stage_affine_gradients(site, dy, normal, dx)

            def run() -> None:
                differentiate()
                np.multiply(dy, scale, dx)
                np.multiply(dx, inverse, dx)

            return [dx.reshape(x.shape)], run

        return Staged(output.reshape(x.shape), forward, backward)


class LayerNorm(Normalization):
    """Each sample, over its features, to mean 0 and variance 1: a = γ (x - mean) / √(variance + ε) + β.

    x, a: (…, features); mean and variance are over the last axis, at every place on its own, and so
    the same in training and in prediction.

    Ba, Kiros and Hinton (2016), *Layer Normalization*.
    """

    kind: Literal["layer_norm"] = "layer_norm"
    title: ClassVar[str] = "Layer norm"

    def stage(self, site: Site) -> Staged:
        x = site.inputs[0]
        rows = x.reshape(-1, x.shape[-1])
        dtype = x.dtype
        scale, shift = site.parameters["scale"], site.parameters["shift"]
        normal, output = np.empty_like(rows), np.empty_like(rows)
        share, epsilon = np.full(x.shape[-1], 1 / x.shape[-1], dtype), np.array(self.epsilon, dtype)
        mean, inverse = np.empty(len(rows), dtype), np.empty(len(rows), dtype)
        mean_column, inverse_column = mean[:, None], inverse[:, None]
        one = np.array(1, dtype)

        def forward() -> None:
            np.dot(rows, share, mean)
            np.subtract(rows, mean_column, normal)
            np.multiply(normal, normal, output)
            np.dot(output, share, inverse)
            np.add(inverse, epsilon, inverse)
            np.sqrt(inverse, inverse)
            np.divide(one, inverse, inverse)
            np.multiply(normal, inverse_column, normal)
            np.multiply(normal, scale, output)
            np.add(output, shift, output)

        def backward(output_gradient: Array) -> tuple[list[Array | None], Step]:
            dy = output_gradient.reshape(rows.shape)
            dx, work = np.empty_like(rows), np.empty_like(rows)
            along = np.empty(len(rows), dtype)
            along_column = along[:, None]
            differentiate = _stage_affine_gradients(site, dy, normal, work)

            def run() -> None:
                differentiate()
                # With g = γ dy: dx = (g - mean(g) - x̂ mean(g x̂)) / σ
                np.multiply(dy, scale, dx)
                np.multiply(dx, normal, work)
                np.dot(work, share, along)
                np.multiply(normal, along_column, work)
                np.dot(dx, share, along)
                np.subtract(dx, work, dx)
                np.subtract(dx, along_column, dx)
                np.multiply(dx, inverse_column, dx)

            return [dx.reshape(x.shape)], run

        return Staged(output.reshape(x.shape), forward, backward)


def _stage_affine_gradients(
    site: Site, dy: Array, normal: Array, work: Array
) -> Callable[[], None]:
    """The gradients of γ and β in a = γ x̂ + β, summed over the rows. Uses `work` (rows, features)."""
    total = np.ones(len(dy), dy.dtype).dot
    scale_gradient, shift_gradient = site.gradients["scale"], site.gradients["shift"]

    def run() -> None:
        np.multiply(dy, normal, work)
        total(work, scale_gradient)
        total(dy, shift_gradient)

    return run
