"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar, Literal

import numpy as np

from engine.activations import AnyActivation, Linear
from engine.catalogue import setting
from engine.initializers import AnyInitializer, GlorotUniform, Zeros
from engine.layer import Array, Layer, ParameterSpec, Shape, Site, Staged, Step, need_axis


class Dense(Layer):
    """Every unit takes every input: a = f(x W + b).

    x: (…, inputs), W: (inputs, units), b: (units), a: (…, units). With more than one axis, it works
    on the last one, at every place alike.

    Rumelhart, Hinton and Williams (1986), *Learning representations by back-propagating errors*.
    """

    kind: Literal["dense"] = "dense"
    group: ClassVar[str] = "basic"

    units: int = setting(8, ge=1, le=4096, unit="neurons", help="How many neurons the layer has.")
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
        need_axis(inputs[0])
        return (*inputs[0][:-1], self.units)

    def parameters(self, inputs: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        size = inputs[0][-1]
        weight = ParameterSpec("weight", (size, self.units), self.weight_init, size, self.units)
        if not self.bias:
            return (weight,)
        bias = ParameterSpec("bias", (self.units,), self.bias_init, size, self.units, decays=False)
        return weight, bias

    def multiply_adds(self, inputs: Sequence[Shape]) -> int:
        return prod(inputs[0]) * self.units

    def stage(self, site: Site) -> Staged:
        x = site.inputs[0]
        rows = x.reshape(-1, x.shape[-1])
        weight, bias = site.parameters["weight"], site.parameters.get("bias")
        z = np.empty((len(rows), self.units), x.dtype)
        if bias is not None and self.units == 1:
            # An array without axes adds three times as quickly as one that is broadcast.
            bias = bias.reshape(())
        activation = self.activation.stage(z)
        activate, product, add = activation.forward, rows.dot, np.add

        def forward() -> None:
            product(weight, z)
            if bias is not None:
                add(z, bias, z)
            activate()

        def backward(output_gradient: Array) -> tuple[list[Array | None], Step]:
            dz, differentiate = activation.backward(output_gradient.reshape(z.shape))
            weight_gradient = site.gradients["weight"]
            bias_gradient = site.gradients.get("bias")
            # A product with ones is several times faster than a sum over the batch.
            ones = np.ones(len(rows), x.dtype)
            dx = np.empty_like(rows) if site.wants_input_gradient[0] else None
            weight_product, bias_product, product = rows.T.dot, ones.dot, dz.dot
            weight_t = weight.T

            def run() -> None:
                differentiate()
                weight_product(dz, weight_gradient)
                if bias_gradient is not None:
                    bias_product(dz, bias_gradient)
                if dx is not None:
                    product(weight_t, dx)

            return [dx.reshape(x.shape) if dx is not None else None], run

        shape = (*x.shape[:-1], self.units)
        return Staged(activation.values.reshape(shape), forward, backward, z.reshape(shape))
