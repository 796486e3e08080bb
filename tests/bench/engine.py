"""The training step against PyTorch eager: same model, same batch, one thread each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from engine.document import Experiment
from engine.trainer import Trainer
from tests.allocations import arrays_allocated
from tests.bench.measure import Row, interleaved

torch.set_num_threads(1)


def network(sizes: Sequence[int], activation: str, last: str) -> list[dict[str, Any]]:
    return [
        {
            "id": f"d{k}",
            "kind": "dense",
            "units": units,
            "activation": last if k == len(sizes) - 1 else activation,
        }
        for k, units in enumerate(sizes)
    ]


def glassnet(
    sizes: Sequence[int],
    batch: int,
    activation: str,
    last: str,
    loss: str,
    data: Any,
    tables: Any = None,
) -> Trainer:
    return Trainer(
        Experiment.parse(
            {
                "data": data,
                "networks": {"model": network(sizes, activation, last)},
                "loss": loss,
                "optimizer": {"kind": "sgd", "rate": 0.01},
                "training": {"batch": batch},
            }
        ),
        tables,
    )


def advance(trainer: Trainer, steps: int) -> None:
    while steps:
        steps -= trainer.advance(steps)


def pytorch(trainer: Trainer, activation: Any, last: bool, loss: Any) -> Callable[[int], None]:
    """The same model and data as a PyTorch user trains them: rows of a shuffled order, zero_grad,
    forward, backward, step."""
    layers: list[Any] = []
    nodes = trainer.networks["model"].nodes
    for node in nodes:
        (size,), (units,) = node.input_shapes[0] or (), node.output_shape or ()
        layers.append(torch.nn.Linear(size, units))
        if last or node is not nodes[-1]:
            layers.append(activation())
    model = torch.nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    part: Any = trainer.session
    x = torch.from_numpy(part.train.inputs)
    y = torch.from_numpy(
        part.train.targets if loss is torch.nn.functional.mse_loss else part.train.labels
    )
    batch = trainer.experiment.training.batch

    def train(steps: int) -> None:
        order, place = torch.randperm(len(x)), 0
        for _ in range(steps):
            if place + batch > len(x):
                order, place = torch.randperm(len(x)), 0
            rows = order[place : place + batch]
            place += batch
            optimizer.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()

    return train


def against_pytorch(
    name: str, trainer: Trainer, train: Callable[[int], None], steps: int, goal: float
) -> Row:
    advance(trainer, 2048)  # past the steps that each have a loss point
    times = interleaved(
        {"glassnet": lambda: advance(trainer, steps), "pytorch": lambda: train(steps)}
    )
    ours, theirs = (times[k] / steps * 1e6 for k in ("glassnet", "pytorch"))
    note = f"{ours:.1f} µs against {theirs:.1f} µs"
    return Row(f"{name}, step against PyTorch eager", theirs / ours, "×", goal, note=note)


def allocated(trainer: Trainer) -> int:
    """Arrays that a step in steady state allocates."""
    advance(trainer, 700)
    return len(arrays_allocated(lambda: trainer.session.update(701)))


def random_images(rows: int = 1024) -> bytes:
    """A table of random numbers in the shape of MNIST: 784 columns and a digit."""
    random = np.random.default_rng(1)
    header = ",".join([f"p{k}" for k in range(784)] + ["digit"])
    pixels = random.standard_normal((rows, 784)).round(3)
    digits = random.integers(0, 10, rows)
    lines = (
        ",".join(map(str, row)) + f",d{digit}"
        for row, digit in zip(pixels.tolist(), digits, strict=True)
    )
    return "\n".join([header, *lines]).encode()


def rows() -> Iterator[Row]:
    circle = {"kind": "circle", "samples": 500}
    mse = torch.nn.functional.mse_loss
    small = glassnet([4, 2, 1], 10, "tanh", "tanh", "mse", circle)
    yield against_pytorch(
        "2-4-2-1, batch 10", small, pytorch(small, torch.nn.Tanh, True, mse), 2000, 8
    )
    yield Row(
        "2-4-2-1, arrays allocated by a step in steady state",
        allocated(small),
        "",
        0,
        at_least=False,
    )
    features = ["x", "y", "x2", "y2", "xy", "sin_x", "sin_y"]
    deep = glassnet([8] * 6 + [1], 10, "tanh", "tanh", "mse", {**circle, "features": features})
    yield against_pytorch(
        "7-8×6-1, batch 10", deep, pytorch(deep, torch.nn.Tanh, True, mse), 1000, 7
    )
    yield Row(
        "7-8×6-1, arrays allocated by a step in steady state",
        allocated(deep),
        "",
        0,
        at_least=False,
    )
    table = {"kind": "table", "table": "images", "target": "digit", "test_share": 0.0}
    wide = glassnet(
        [128, 64, 10], 64, "relu", "linear", "cross_entropy", table, {"images": random_images()}
    )
    train = pytorch(wide, torch.nn.ReLU, False, torch.nn.functional.cross_entropy)
    yield against_pytorch("784-128-64-10, batch 64 (random data)", wide, train, 200, 1.7)
    yield Row(
        "784-128-64-10, arrays allocated by a step in steady state",
        allocated(wide),
        "",
        0,
        at_least=False,
    )
