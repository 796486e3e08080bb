"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar, Literal

import numpy as np

from engine.activations import Activation, AnyActivation, Linear
from engine.catalogue import setting
from engine.errors import SpecError, problem
from engine.initializers import AnyInitializer, GlorotUniform, Zeros
from engine.layer import Array, Layer, ParameterSpec, Shape, Site, Staged, Step


class Dense(Layer):
    """Every unit takes every input: a = f(x W + b).

    x: (…, inputs), W: (inputs, units), b: (units), a: (…, units). With more than one axis, it works
    on the last one, at every place alike.
    """

    kind: Literal["dense"] = "dense"
    group: ClassVar[str] = "basic"

    units: int = setting(8, ge=1, le=4096, help="How many neurons the layer has.", unit="neurons")
    activation: AnyActivation = setting(
        Linear(), help="The function of each neuron's weighted sum."
    )
    bias: bool = setting(True, help="Whether each neuron adds a number of its own.")
    weight_init: AnyInitializer = setting(
        GlorotUniform(), title="First weights", help="How the first weights are drawn."
    )
    bias_init: AnyInitializer = setting(
        Zeros(), title="First biases", help="How the first biases are drawn."
    )

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        if not inputs[0]:
            raise SpecError(
                problem(
                    (),
                    "no_axis",
                    "takes a list of numbers, and gets a single one",
                    "Put it after the input or another layer.",
                )
            )
        return (*inputs[0][:-1], self.units)

    def parameters(self, inputs: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        size = inputs[0][-1]
        weight = ParameterSpec("weight", (size, self.units), self.weight_init, size, self.units)
        if not self.bias:
            return (weight,)
        return weight, ParameterSpec(
            "bias", (self.units,), self.bias_init, size, self.units, decays=False
        )

    def multiply_adds(self, inputs: Sequence[Shape]) -> int:
        return prod(inputs[0]) * self.units

    def stage(self, site: Site) -> Staged:
        x = site.inputs[0]
        rows = x.reshape(-1, x.shape[-1])
        weight, bias = site.parameters["weight"], site.parameters.get("bias")
        z = np.empty((len(rows), self.units), x.dtype)
        activation: Activation = self.activation
        act = activation.stage(z)
        activate, dot, add = act.forward, np.dot, np.add

        if bias is not None:

            def forward() -> None:
                dot(rows, weight, z)
                add(z, bias, z)
                activate()
        else:

            def forward() -> None:
                dot(rows, weight, z)
                activate()

        shape = (*x.shape[:-1], self.units)

        def backward(output_gradient: Array) -> tuple[list[Array | None], Step]:
            dz, differentiate = act.backward(output_gradient.reshape(z.shape))
            weight_gradient, bias_gradient = site.gradients["weight"], site.gradients.get("bias")
            # A product with ones is several times faster than a sum over the batch.
            ones = np.ones(len(rows), x.dtype)
            dx = np.empty_like(rows) if site.wants_input_gradient[0] else None
            rows_t, weight_t = rows.T, weight.T

            def run() -> None:
                differentiate()
                dot(rows_t, dz, weight_gradient)
                if bias_gradient is not None:
                    dot(ones, dz, bias_gradient)
                if dx is not None:
                    dot(dz, weight_t, dx)

            return [dx.reshape(x.shape) if dx is not None else None], run

        return Staged(act.values.reshape(shape), forward, backward, z.reshape(shape))
