"""An activation that stands on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from engine.activations import AnyActivation, ReLU
from engine.catalogue import setting
from engine.layer import Array, Layer, Shape, Site, Staged, Step


class ActivationLayer(Layer):
    """An activation on its own: a = f(x), at every number of the input alike; same shape.

    For places where a layer's own setting does not reach, such as after a normalization or an
    addition.
    """

    kind: Literal["activation"] = "activation"
    group: ClassVar[str] = "basic"

    activation: AnyActivation = setting(ReLU(), help="The function that is applied.")

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        return inputs[0]

    def stage(self, site: Site) -> Staged:
        x = site.inputs[0]
        activation = self.activation.stage(x)

        def backward(output_gradient: Array) -> tuple[list[Array | None], Step]:
            dx, run = activation.backward(output_gradient)
            return [dx], run

        return Staged(activation.values, activation.forward, backward, x)
