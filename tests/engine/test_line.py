"""Functions of one input: what is measured and told of them."""

import numpy as np

from engine.document import Experiment
from engine.probes.responses import Responses
from engine.trainer import Trainer

LINE = {
    "seed": 3,
    "data": {"kind": "function", "samples": 40},
    "networks": {"model": [{"id": "out", "kind": "dense", "units": 1}]},
    "loss": "mse",
    "optimizer": "sgd",
}


def test_measuring_a_line_again_gives_the_same() -> None:
    run = Trainer(Experiment.parse(LINE))
    first, _ = run.measure([Responses()])
    again, _ = run.measure([Responses()])
    for name, values in first.items():
        assert np.array_equal(values, again[name]), name


def test_targets_of_a_regression_are_told_as_numbers() -> None:
    told = Trainer(Experiment.parse(LINE)).data.describe()
    assert all(isinstance(target, float) for target in told["train"]["targets"])
