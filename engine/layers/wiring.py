"""Layers that compute nothing of their own: they reshape and bring branches together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from math import prod
from typing import ClassVar, Literal

import numpy as np

from engine.errors import SpecError, problem
from engine.layer import Array, Layer, Shape, Site, Staged, Step, nothing

MOST_BRANCHES = 16


class Flatten(Layer):
    """All numbers of a sample in one row: (a, b, …) becomes (a · b · …). Between images and dense layers."""

    kind: Literal["flatten"] = "flatten"
    group: ClassVar[str] = "wiring"

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        return (prod(inputs[0]),)

    def stage(self, site: Site) -> Staged:
        x = site.inputs[0]
        output = x.reshape(len(x), prod(x.shape[1:]))
        return Staged(output, nothing, lambda dy: ([dy.reshape(x.shape)], nothing))


class Add(Layer):
    """The sum of its inputs, number by number: a = x₁ + x₂ + …; all of the same shape.

    Adding a layer's input to its output makes a skip connection, which gradients pass undiminished.

    He, Zhang, Ren and Sun (2016), *Deep Residual Learning for Image Recognition*.
    """

    kind: Literal["add"] = "add"
    group: ClassVar[str] = "wiring"
    arity: ClassVar[tuple[int, int]] = (2, MOST_BRANCHES)

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        for index, shape in enumerate(inputs):
            if shape != inputs[0]:
                raise SpecError(
                    problem(
                        ("inputs", index),
                        "shapes_differ",
                        "has the shape {given}, and the first input has {expected}",
                        "Give the layers before it the same number of units.",
                        given=list(shape),
                        expected=list(inputs[0]),
                    )
                )
        return inputs[0]

    def stage(self, site: Site) -> Staged:
        first, second, *others = site.inputs
        output = np.empty_like(first)

        def forward() -> None:
            np.add(first, second, output)
            for other in others:
                np.add(output, other, output)

        def backward(output_gradient: Array) -> tuple[list[Array | None], Step]:
            # Every branch gets the same gradient, so it gets the same array.
            return [output_gradient] * len(site.inputs), nothing

        return Staged(output, forward, backward)


class Concat(Layer):
    """Its inputs side by side along the last axis: (…, a) and (…, b) become (…, a + b).

    The axes before the last must agree. What an earlier layer found is kept beside what later ones
    make of it.

    Huang, Liu, van der Maaten and Weinberger (2017), *Densely Connected Convolutional Networks*.
    """

    kind: Literal["concat"] = "concat"
    group: ClassVar[str] = "wiring"
    arity: ClassVar[tuple[int, int]] = (2, MOST_BRANCHES)

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        for index, shape in enumerate(inputs):
            if not shape or shape[:-1] != inputs[0][:-1]:
                raise SpecError(
                    problem(
                        ("inputs", index),
                        "shapes_do_not_join",
                        "has the shape {given}, which does not go beside {expected}",
                        "All axes but the last must be the same.",
                        given=list(shape),
                        expected=list(inputs[0]),
                    )
                )
        return (*inputs[0][:-1], sum(shape[-1] for shape in inputs))

    def stage(self, site: Site) -> Staged:
        widths = [x.shape[-1] for x in site.inputs]
        edges = [sum(widths[:k]) for k in range(len(widths) + 1)]
        output = np.empty((*site.inputs[0].shape[:-1], edges[-1]), site.inputs[0].dtype)

        def parts(whole: Array) -> list[Array]:
            return [whole[..., a:b] for a, b in pairwise(edges)]

        copies = [
            partial(np.copyto, part, x) for part, x in zip(parts(output), site.inputs, strict=True)
        ]

        def forward() -> None:
            for copy in copies:
                copy()

        def backward(output_gradient: Array) -> tuple[list[Array | None], Step]:
            gradients = [
                np.empty_like(x) if wanted else None
                for x, wanted in zip(site.inputs, site.wants_input_gradient, strict=True)
            ]
            copies_back = [
                partial(np.copyto, gradient, part)
                for gradient, part in zip(gradients, parts(output_gradient), strict=True)
                if gradient is not None
            ]

            def run() -> None:
                for copy in copies_back:
                    copy()

            return gradients, run

        return Staged(output, forward, backward)
