"""The laws of layers, and of activations on their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine.activations import Tanh
from engine.catalogue import Part
from engine.layer import Layer
from engine.layers.activation import ActivationLayer
from engine.layers.dense import Dense
from engine.randomness import stream
from tests.laws.bench import LARGE, OVERHEAD, SMALL, Bench, accepted, allocated, slope
from tests.laws.examples import family_examples, label
from tests.laws.torch_twins import LAYERS, Given


def changes_inner_part(example: Any) -> bool:
    return any(isinstance(getattr(example, name), Part) for name in example.model_fields_set)


# The bench draws weights of its own, whatever the initializer; activations are tried on their own.
EXAMPLES: list[Any] = [
    *(e for e in family_examples("layer") if not changes_inner_part(e)),
    Dense(id="node", activation=Tanh()),
    *(ActivationLayer(id="node", activation=a) for a in family_examples("activation")),
]

every_layer = pytest.mark.parametrize("layer", EXAMPLES, ids=label)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["training", "predicting"])


@every_layer
def test_takes_some_shape(layer: Layer) -> None:
    assert accepted(layer, SMALL)
    assert accepted(layer, [shape for shape, _ in LARGE])


@every_layer
@both_modes
def test_arrays_are_as_declared(layer: Layer, training: bool) -> None:
    for shapes in accepted(layer, SMALL):
        for dtype in (np.float32, np.float64):
            bench = Bench(layer, shapes, training=training, dtype=dtype)
            assert bench.forward().shape == (6, *layer.output_shape(shapes))
            bench.backward()
            arrays = [bench.staged.output, *bench.input_gradients]
            if bench.staged.before is not None:
                arrays.append(bench.staged.before)
                assert bench.staged.before.shape == bench.staged.output.shape
            for array in arrays:
                assert array is not None
                assert array.dtype == dtype
                assert array.flags.c_contiguous
            for gradient, given in zip(bench.input_gradients, bench.inputs, strict=True):
                assert gradient is not None
                assert gradient.shape == given.shape


@every_layer
@both_modes
def test_gradients_agree_with_a_central_difference(layer: Layer, training: bool) -> None:
    """One random direction stands for all: two forward passes, whatever the size."""
    for shapes in accepted(layer, SMALL):
        bench = Bench(layer, shapes, training=training)
        bench.forward()
        bench.backward()
        pairs = {
            f"input {k}": (given, gradient.copy())
            for k, (given, gradient) in enumerate(
                zip(bench.inputs, bench.input_gradients, strict=True)
            )
            if gradient is not None
        } | {n: (p, bench.gradients[n].copy()) for n, p in bench.parameters.items()}
        random = np.random.default_rng(1)
        for name, (array, gradient) in pairs.items():
            direction = random.normal(size=array.shape)
            numeric = slope(bench.projection, [array], [direction])
            assert float(np.vdot(gradient, direction)) == pytest.approx(
                numeric, rel=1e-6, abs=1e-7
            ), f"{name} of {shapes}"


@every_layer
@both_modes
def test_writes_nothing_but_its_own_arrays(layer: Layer, training: bool) -> None:
    for shapes in accepted(layer, SMALL):
        bench = Bench(layer, shapes, training=training)
        given = [*bench.inputs, bench.output_gradient, *bench.parameters.values()]
        before = [array.copy() for array in given]
        bench.forward()
        bench.backward()
        for array, copy in zip(given, before, strict=True):
            np.testing.assert_array_equal(array, copy)
        if not training:
            assert not bench.noise_used
            for name, array in bench.state.items():
                np.testing.assert_array_equal(array, bench.first_state[name])


@every_layer
def test_gradients_are_overwritten(layer: Layer) -> None:
    """They hold NaN before the first pass; a second pass finds the same again."""
    for shapes in accepted(layer, SMALL):
        bench = Bench(layer, shapes)
        passes = []
        for _ in range(2):
            bench.forward()
            bench.backward()
            gradients = [*bench.input_gradients, *bench.gradients.values()]
            passes.append([g.copy() for g in gradients if g is not None])
        for first, second in zip(*passes, strict=True):
            assert np.isfinite(first).all()
            np.testing.assert_array_equal(first, second)


@every_layer
def test_parameters_need_no_input_gradient(layer: Layer) -> None:
    for shapes in accepted(layer, SMALL):
        full, lean = Bench(layer, shapes), Bench(layer, shapes, wanted=False)
        for bench in (full, lean):
            bench.forward()
            bench.backward()
        assert len(lean.input_gradients) == len(shapes)
        for name, gradient in full.gradients.items():
            np.testing.assert_array_equal(gradient, lean.gradients[name])


@every_layer
@both_modes
def test_samples_do_not_see_each_other(layer: Layer, training: bool) -> None:
    """Always in predictions; in training wherever the layer has neither noise nor running state."""
    for shapes in accepted(layer, SMALL):
        whole = Bench(layer, shapes, training=training)
        together = whole.forward().copy()
        if training and (whole.noise_used or whole.state):
            continue
        for rows in (slice(0, 1), slice(1, 6)):
            part = Bench(layer, shapes, batch=rows.stop - rows.start, training=training)
            for mine, all_rows in zip(part.inputs, whole.inputs, strict=True):
                mine[...] = all_rows[rows]
            for name, array in part.parameters.items():
                array[...] = whole.parameters[name]
            for name, array in part.first_state.items():
                array[...] = whole.first_state[name]
            np.testing.assert_allclose(part.forward(), together[rows], rtol=1e-12, atol=1e-12)


@every_layer
@both_modes
def test_allocates_no_array(layer: Layer, training: bool) -> None:
    for shape, batch in LARGE:
        for shapes in accepted(layer, [shape]):
            bench = Bench(layer, shapes, batch=batch, training=training, dtype=np.float32)
            assert allocated(bench.staged.forward) < OVERHEAD
            assert allocated(bench.backward) < OVERHEAD


@every_layer
@both_modes
def test_equals_pytorch(layer: Layer, training: bool) -> None:
    for shapes in accepted(layer, SMALL):
        bench = Bench(layer, shapes, training=training)
        given = Given(
            [torch.tensor(x, requires_grad=True) for x in bench.inputs],
            {n: torch.tensor(p, requires_grad=True) for n, p in bench.parameters.items()},
            {n: torch.tensor(s) for n, s in bench.first_state.items()},
            training,
            stream(0, "noise"),
        )
        theirs = LAYERS[layer.kind_name()](layer, given)
        np.testing.assert_allclose(bench.forward(), theirs.detach(), rtol=1e-9, atol=1e-12)
        bench.backward()
        theirs.backward(torch.from_numpy(bench.output_gradient))
        for tensor, gradient in [
            *zip(given.inputs, bench.input_gradients, strict=True),
            *((given.parameters[n], g) for n, g in bench.gradients.items()),
        ]:
            assert gradient is not None
            assert tensor.grad is not None
            np.testing.assert_allclose(gradient, tensor.grad, rtol=1e-8, atol=1e-12)
        for name, state in given.state.items():
            np.testing.assert_allclose(bench.state[name], state, rtol=1e-9)


@every_layer
@both_modes
def test_trains_on_a_single_sample(layer: Layer, training: bool) -> None:
    """The last batch of an epoch can be as small as that."""
    for shapes in accepted(layer, SMALL):
        bench = Bench(layer, shapes, batch=1, training=training)
        assert np.isfinite(bench.forward()).all()
        bench.backward()
        for array in [*bench.input_gradients, *bench.gradients.values(), *bench.state.values()]:
            assert array is not None
            assert np.isfinite(array).all()
