"""The laws of activations, beyond those they keep as layers."""

from __future__ import annotations

import numpy as np
import pytest

from engine.activations import Activation
from tests.laws.examples import family_examples, label

every_activation = pytest.mark.parametrize("activation", family_examples("activation"), ids=label)

# What the plain-text formulas are written with.
WORDS = {"exp": np.exp, "log": np.log, "tanh": np.tanh, "max": np.maximum, "π": np.pi}


def values(activation: Activation, z: np.ndarray) -> np.ndarray:
    staged = activation.stage(z)
    staged.forward()
    return staged.values


def readable(activation: Activation) -> str:
    """The formula as Python, with the settings' values in it."""
    formula = activation.formula
    if " if " in formula:
        then, rest = formula.split(" if ")
        condition, other = rest.split(", else ")
        formula = f"where({condition}, {then}, {other})"
    for mark, code in {
        "√(2/π)": "sqrt(2/π)", "z³": "z**3", "½ z": "½*z", "½": "0.5", "·": "*", ") (": ")*(",
        "α (": "α*(", "z (": "z*(", "0.044715 z": "0.044715*z",
    }.items():  # fmt: skip
        formula = formula.replace(mark, code)
    return formula


@every_activation
def test_formula_is_what_is_computed(activation: Activation) -> None:
    z = np.linspace(-3, 3, 61) + 0.001
    settings = {"slope": getattr(activation, "slope", 0), "α": getattr(activation, "alpha", 0)}
    names = {**WORDS, **settings, "where": np.where, "sqrt": np.sqrt, "z": z}
    expected = eval(readable(activation), {"__builtins__": {}}, names)
    np.testing.assert_allclose(values(activation, z), expected, rtol=1e-9, atol=1e-12)


@every_activation
def test_codes_can_be_reached(activation: Activation) -> None:
    """Else a class would be a target that no weights can meet."""
    reached = values(activation, np.linspace(-500, 500, 10_001))
    for code in activation.codes:
        assert np.abs(reached - code).min() < 1e-2 or reached.min() < code < reached.max()
    assert activation.codes[0] < activation.codes[1]


@every_activation
def test_large_sums_do_no_harm(activation: Activation) -> None:
    z = np.array([-1e4, -100, -20, 0, 20, 100, 1e4], np.float32)
    staged = activation.stage(z)
    dz, backward = staged.backward(np.ones_like(z))
    staged.forward()
    backward()
    assert np.isfinite(staged.values).all()
    assert np.isfinite(dz).all()


@every_activation
def test_only_activations_with_a_slope_are_trainable(activation: Activation) -> None:
    z = np.linspace(-2, 2, 41) + 0.01
    staged = activation.stage(z)
    dz, backward = staged.backward(np.ones_like(z))
    staged.forward()
    backward()
    assert bool((dz != 0).any()) == activation.trainable
