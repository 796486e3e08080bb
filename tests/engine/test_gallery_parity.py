"""Each gallery network trains as it does in PyTorch: same weights, same batches, same losses."""

from typing import Any

import numpy as np
import pytest
import torch

from engine.batches import Batches
from engine.trainer import Trainer
from tests.engine.gallery import every_example, trainer

STEPS = 100
ACTIVATIONS: dict[str, Any] = {
    "linear": lambda z: z,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "step": lambda z: (z > 0).to(z.dtype),
}
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


class Twin:
    """The model of a run in PyTorch, from the same first weights."""

    def __init__(self, run: Trainer) -> None:
        self.run, self.plan = run, run.networks["model"]
        self.weights = {
            name: torch.tensor(array, requires_grad=True)
            for name, array in run.parameters().items()
        }

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values = {-1: x}
        for node in self.plan.nodes:
            inputs = [values[source] for source in node.sources]
            kind, name = node.layer.kind_name(), f"model.{node.layer.id}"
            if kind == "dense":
                z = inputs[0] @ self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
                values[node.position] = ACTIVATIONS[node.activation.kind_name()](z)
            elif kind == "add":
                values[node.position] = torch.stack(inputs).sum(0)
            else:
                raise AssertionError(f"teach this test the layer {kind}")
        return values[len(self.plan.nodes) - 1]

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if self.run.experiment.loss.kind_name() == "mse":
            return torch.nn.functional.mse_loss(outputs, targets)
        if outputs.shape[1] == 1:
            return torch.nn.functional.binary_cross_entropy_with_logits(
                outputs, (targets > 0).to(outputs.dtype)
            )
        return torch.nn.functional.cross_entropy(outputs, targets.argmax(1))


def losses(run: Trainer) -> tuple[list[float], list[float]]:
    """Training losses of the first steps, ours and PyTorch's."""
    session: Any = run.session
    experiment = run.experiment
    twin = Twin(run)
    x, t = torch.tensor(session.train.inputs), torch.tensor(session.train.targets)
    batches = Batches(len(x), experiment.training.batch, experiment.seed)
    decayed = [w for name, w in twin.weights.items() if name.endswith("weight")]
    optimizer = OPTIMIZERS[experiment.optimizer.kind_name()](
        [
            {"params": decayed, "weight_decay": experiment.training.l2},
            {"params": [w for name, w in twin.weights.items() if not name.endswith("weight")]},
        ],
        lr=experiment.optimizer.rate,
    )
    ours, theirs = [], []
    for _ in range(STEPS):
        rows = torch.tensor(batches.next())
        optimizer.zero_grad()
        twin.loss(twin.forward(x[rows]), t[rows]).backward()
        optimizer.step()
        run.step()
        ours.append(run.point()["values"]["train_loss"])
        with torch.no_grad():
            theirs.append(float(twin.loss(twin.forward(x), t)))
    return ours, theirs


def mistakes(run: Trainer) -> tuple[list[float], list[float]]:
    """The perceptron's shares of mistakes, ours and those of the rule written out in PyTorch."""
    session: Any = run.session
    twin = Twin(run)
    x = torch.tensor(session.inputs)
    t = torch.tensor(session.labels, dtype=x.dtype)[:, None]
    batches = Batches(len(x), 1, run.experiment.seed)
    weight, bias = twin.weights.values()
    ours, theirs = [], []
    with torch.no_grad():
        for _ in range(STEPS):
            row = torch.tensor(batches.next())
            error = session.rate * (t[row] - twin.forward(x[row]))
            weight += x[row].T @ error
            bias += error[0]
            run.step()
            ours.append(run.point()["values"]["train_loss"])
            theirs.append(float((twin.forward(x) != t).to(x.dtype).mean()))
    return ours, theirs


@every_example
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-9)])
def test_the_loss_curve_equals_pytorchs(name: str, dtype: Any, tolerance: float) -> None:
    run = trainer(name, dtype=dtype)
    perceptron = run.experiment.recipe.kind_name() == "perceptron"
    ours, theirs = (mistakes if perceptron else losses)(run)
    assert np.allclose(ours, theirs, rtol=tolerance, atol=1e-6 if dtype is np.float32 else 1e-12)
    assert len(set(ours)) > 1, "nothing was learned, so nothing was compared"
