"""What the gallery promises its readers, with fixed seeds."""

from typing import Any

import numpy as np
import pytest

from engine.document import Experiment
from engine.trainer import Trainer
from tests.engine.gallery import document, every_example, examples, trainer
from tests.engine.test_training import advance


def trained(name: str, steps: int) -> dict[str, float]:
    run = trainer(name)
    advance(run, steps)
    values: dict[str, float] = run.point()["values"]
    return values


@every_example
def test_every_example_runs_and_is_told_in_both_languages(name: str) -> None:
    example = examples()[name]
    run = trainer(name)
    advance(run, 20)
    assert example["group"]
    for part in ("title", "notice"):
        assert example[part]["en"].strip()
        assert any("\u4e00" <= sign <= "\u9fff" for sign in example[part]["zh"])


def test_a_perceptron_never_passes_three_quarters_of_xor() -> None:
    run = trainer("perceptron-xor")
    best = 0.0
    for _ in range(600):
        advance(run, 5)
        best = max(best, run.point()["values"]["train_accuracy"])
    assert 0.45 < best <= 0.75


def test_one_hidden_layer_solves_xor() -> None:
    values = trained("xor", 4000)
    assert values["train_accuracy"] == 1.0
    assert values["test_accuracy"] == 1.0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_the_perceptron_keeps_to_novikoffs_bound(seed: int, rate: float) -> None:
    """At most (R/γ)² mistakes from zero weights, with R the longest sample (1 for the bias included)
    and γ the largest margin; any separating direction gives a valid, larger bound."""
    changed: dict[str, Any] = document("perceptron")
    changed["seed"] = changed["data"]["seed"] = seed
    changed["recipe"]["rate"] = rate
    run = Trainer(Experiment.parse(changed))
    session: Any = run.session
    x = np.concatenate([session.inputs, np.ones((len(session.inputs), 1))], axis=1)
    signs = np.where(np.array(session.labels) > 0, 1.0, -1.0)
    # The direction that the rule itself finds separates; its margin bounds γ from below.
    advance(run, 60 * len(x))
    (weight, bias) = run.parameters().values()
    direction = np.append(weight[:, 0], bias)
    margin = float((signs * (x @ direction)).min() / np.linalg.norm(direction))
    assert margin > 0, "not separated after 60 epochs"
    radius = float(np.linalg.norm(x, axis=1).max())
    made = run.point()["values"]["mistakes"]
    assert 0 < made <= (radius / margin) ** 2
    advance(run, len(x))
    assert run.point()["values"]["mistakes"] == made, "once it separates, it makes no mistakes"


def test_spiral_is_learned() -> None:
    assert trained("spiral", 8000)["test_accuracy"] >= 0.98


def test_three_spirals_are_learned() -> None:
    assert trained("three-spirals", 10_000)["test_accuracy"] >= 0.95


def test_iris_is_learned() -> None:
    assert trained("iris", 2000)["test_accuracy"] >= 0.93
