"""The laws of losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from engine.losses import Loss
from tests.laws.bench import OVERHEAD, allocated, slope
from tests.laws.examples import family_examples, label
from tests.laws.torch_twins import LOSSES

Array = npt.NDArray[Any]
ROWS = 12
# (classes, units) of a classification; (0, outputs) of a regression
CASES = [(2, 1), (2, 2), (4, 4), (0, 1), (0, 3)]
CODES = [(-1.0, 1.0), (0.0, 1.0)]

every_loss = pytest.mark.parametrize("loss", family_examples("loss"), ids=label)


def cases(loss: Loss, rows: int = ROWS, dtype: Any = np.float64) -> list[tuple[Any, ...]]:
    """Outputs, targets and class numbers of every task that the loss is for."""
    found = []
    for classes, units in CASES:
        random = np.random.default_rng(units)
        outputs = (2 * random.normal(size=(rows, units))).astype(dtype)
        if classes and "classification" in loss.tasks:
            assert units in loss.units(classes)
            labels = random.integers(0, classes, rows)
            for codes in CODES:
                targets = loss.encode(labels, classes, units, codes).astype(dtype)
                found.append((outputs, targets, labels, classes, codes))
        elif not classes and "regression" in loss.tasks:
            targets = random.normal(size=(rows, units)).astype(dtype)
            found.append((outputs, targets, np.zeros(rows, np.int64), 0, CODES[0]))
    return found


@every_loss
def test_gradient_agrees_with_a_central_difference(loss: Loss) -> None:
    for outputs, targets, *_ in cases(loss):
        staged = loss.stage(outputs, targets)
        staged.differentiate()
        direction = np.random.default_rng(5).normal(size=outputs.shape)
        numeric = slope(staged.value, [outputs], [direction])
        assert float(np.vdot(staged.gradient, direction)) == pytest.approx(
            numeric, rel=1e-6, abs=1e-8
        )


@every_loss
def test_equals_pytorch(loss: Loss) -> None:
    for outputs, targets, labels, *_ in cases(loss):
        tensor = torch.tensor(outputs, requires_grad=True)
        theirs = LOSSES[loss.kind_name()](
            loss, tensor, torch.from_numpy(targets), torch.from_numpy(labels)
        )
        theirs.backward()
        staged = loss.stage(outputs, targets)
        staged.differentiate()
        assert staged.value() == pytest.approx(theirs.item(), rel=1e-12)
        assert tensor.grad is not None
        np.testing.assert_allclose(staged.gradient, tensor.grad, rtol=1e-9, atol=1e-15)


@every_loss
def test_is_a_mean_over_samples(loss: Loss) -> None:
    for outputs, targets, *_ in cases(loss):
        once = loss.stage(outputs, targets).value()
        twice = loss.stage(np.concatenate([outputs] * 2), np.concatenate([targets] * 2)).value()
        assert twice == pytest.approx(once)


@every_loss
def test_writes_nothing_but_its_own_arrays(loss: Loss) -> None:
    for outputs, targets, *_ in cases(loss):
        before = outputs.copy(), targets.copy()
        staged = loss.stage(outputs, targets)
        staged.differentiate()
        gradient = staged.gradient.copy()
        staged.value()
        np.testing.assert_array_equal(staged.gradient, gradient)
        np.testing.assert_array_equal(outputs, before[0])
        np.testing.assert_array_equal(targets, before[1])


@every_loss
def test_allocates_no_array(loss: Loss) -> None:
    for outputs, targets, *_ in cases(loss, rows=5000, dtype=np.float32):
        staged = loss.stage(outputs, targets)
        assert staged.gradient.dtype == np.float32
        assert allocated(staged.differentiate) < OVERHEAD
        assert allocated(staged.value) < OVERHEAD


@every_loss
def test_outputs_like_the_targets_are_the_right_answer(loss: Loss) -> None:
    for _, targets, labels, classes, codes in cases(loss):
        if classes:
            np.testing.assert_array_equal(loss.classify(targets, codes), labels)
        else:
            assert loss.stage(targets.copy(), targets).value() == pytest.approx(0)


@every_loss
def test_probabilities_name_the_class(loss: Loss) -> None:
    """Shares that sum to 1, none negative, the largest that of the class that is named."""
    for outputs, _, _, classes, codes in cases(loss, rows=500):
        if classes:
            for spread in (0.1, 1, 10):
                shares = loss.probabilities(spread * outputs, codes)
                assert shares.shape == (500, classes)
                assert shares.min() >= 0
                np.testing.assert_allclose(shares.sum(axis=1), 1)
                named = loss.classify(spread * outputs, codes)
                np.testing.assert_array_equal(shares.argmax(axis=1), named)


@every_loss
def test_huge_outputs_do_no_harm(loss: Loss) -> None:
    for outputs, targets, *_ in cases(loss, dtype=np.float32):
        outputs *= 1e4
        staged = loss.stage(outputs, targets)
        staged.differentiate()
        assert np.isfinite(staged.gradient).all()
        assert 0 <= staged.value() < np.inf
