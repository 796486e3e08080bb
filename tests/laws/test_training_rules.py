"""The laws of optimizers, schedules and initializers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from engine.initializers import Initializer
from engine.optimizers import Optimizer
from engine.schedules import Schedule
from tests.laws.bench import OVERHEAD, allocated
from tests.laws.examples import family_examples, label
from tests.laws.torch_twins import INITIALIZERS, OPTIMIZERS, SCHEDULES

Array = npt.NDArray[Any]

every_optimizer = pytest.mark.parametrize("optimizer", family_examples("optimizer"), ids=label)
every_schedule = pytest.mark.parametrize("schedule", family_examples("schedule"), ids=label)
every_initializer = pytest.mark.parametrize(
    "initializer", family_examples("initializer"), ids=label
)

STEPS, DECAYING, OTHERS = 20, 7, 4


class Course:
    """An optimizer over a vector of which the first part decays, and gradients to follow."""

    def __init__(self, optimizer: Optimizer, size: int = DECAYING + OTHERS, dtype: Any = "f8"):
        random = np.random.default_rng(0)
        self.optimizer = optimizer
        self.weights = random.normal(size=size).astype(dtype)
        self.gradient = np.empty(size, dtype)
        self.gradients = random.normal(size=(STEPS, size)).astype(dtype)
        self.slots = {name: np.zeros(size, dtype) for name in optimizer.slots}
        self.decays = (np.arange(size) < DECAYING).astype(dtype)
        self.open()

    def open(self) -> None:
        self.update = self.optimizer.stage(self.weights, self.gradient, self.slots, self.decays)

    def step(self, number: int) -> None:
        self.gradient[...] = self.gradients[number - 1]
        self.update(self.optimizer.rate / number, number)


@every_optimizer
def test_optimizer_equals_pytorch(optimizer: Optimizer) -> None:
    course = Course(optimizer)
    decaying = torch.tensor(course.weights[:DECAYING], requires_grad=True)
    others = torch.tensor(course.weights[DECAYING:], requires_grad=True)
    theirs = OPTIMIZERS[optimizer.kind_name()](optimizer, [decaying], [others])
    for number in range(1, STEPS + 1):
        decaying.grad = torch.tensor(course.gradients[number - 1, :DECAYING])
        others.grad = torch.tensor(course.gradients[number - 1, DECAYING:])
        for group in theirs.param_groups:
            group["lr"] = optimizer.rate / number
        theirs.step()
        course.step(number)
        expected = np.concatenate([decaying.detach(), others.detach()])
        np.testing.assert_allclose(course.weights, expected, rtol=1e-9, atol=1e-12)


@every_optimizer
def test_optimizer_goes_on_from_its_slots(optimizer: Optimizer) -> None:
    """Weights and slots are all there is to save."""
    straight, resumed = Course(optimizer), Course(optimizer)
    for number in range(1, STEPS + 1):
        straight.step(number)
        if number == 10:
            resumed.open()
        resumed.step(number)
    np.testing.assert_array_equal(straight.weights, resumed.weights)


@every_optimizer
def test_optimizer_allocates_no_array_and_leaves_the_gradient(optimizer: Optimizer) -> None:
    course = Course(optimizer, size=5000, dtype="f4")
    course.step(1)
    np.testing.assert_array_equal(course.gradient, course.gradients[0])
    assert allocated(lambda: course.update(0.01, 2)) < OVERHEAD


@every_schedule
def test_schedule_equals_pytorch(schedule: Schedule) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = SCHEDULES[schedule.kind_name()](schedule, optimizer)
    # Around each place where something happens, and no further than PyTorch's cosine goes.
    last = min(getattr(schedule, "steps", None) or 2 * getattr(schedule, "every", 100), 2000)
    for step in range(last + 1):
        assert schedule.factor(step) == pytest.approx(theirs.get_last_lr()[0], rel=1e-6, abs=1e-12)
        optimizer.step()
        theirs.step()


@every_schedule
def test_schedule_never_leaves_its_range(schedule: Schedule) -> None:
    for step in (0, 1, 999, 1000, 10_000, 10**7, 10**9):
        assert 0 <= schedule.factor(step) <= 1


@every_initializer
def test_initializer_draws_like_pytorch(initializer: Initializer) -> None:
    """The largest gap between the two distributions (Kolmogorov-Smirnov)."""
    inputs, units = 400, 250
    mine = initializer.draw(np.random.default_rng(0), (inputs, units), inputs, units)
    torch.manual_seed(0)
    theirs = np.asarray(
        INITIALIZERS[initializer.kind_name()](
            initializer, torch.empty(units, inputs, dtype=torch.float64)
        )
    )
    mine, theirs = np.sort(mine.ravel()), np.sort(theirs.astype(np.float64).ravel())
    grid = np.linspace(min(mine[0], theirs[0]) - 1e-6, max(mine[-1], theirs[-1]) + 1e-6, 2000)
    shares = [np.searchsorted(sample, grid) / sample.size for sample in (mine, theirs)]
    assert np.abs(shares[0] - shares[1]).max() < 0.01
    assert mine.std() == pytest.approx(theirs.std(), rel=0.02)
    assert np.abs(mine).max() == pytest.approx(np.abs(theirs).max(), rel=0.25)


@every_initializer
@pytest.mark.parametrize("shape", [(7,), (5, 1), (3, 8), (8, 3), (3, 3, 4, 6)], ids=str)
def test_initializer_fills_any_shape_repeatably(
    initializer: Initializer, shape: tuple[int, ...]
) -> None:
    first, second = (initializer.draw(np.random.default_rng(3), shape, 36, 6) for _ in range(2))
    assert first.shape == shape
    assert first.dtype == np.float64
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("shape", [(6, 6), (3, 8), (8, 3), (3, 3, 4, 6)], ids=str)
@pytest.mark.parametrize(
    "kind", [i for i in family_examples("initializer") if i.kind_name() == "orthogonal"], ids=label
)
def test_orthogonal_weights_keep_lengths(kind: Any, shape: tuple[int, ...]) -> None:
    drawn = kind.draw(np.random.default_rng(0), shape, 1, 1).reshape(-1, shape[-1])
    rows, columns = drawn.shape
    product = drawn @ drawn.T if rows < columns else drawn.T @ drawn
    np.testing.assert_allclose(product, kind.gain**2 * np.eye(min(rows, columns)), atol=1e-9)
