"""What each part is in PyTorch. A part without a twin fails the laws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - PyTorch's own custom

Tensor = torch.Tensor
Table = dict[str, Callable[..., Any]]


@dataclass
class Given:
    """What a layer's twin gets: the same numbers as tensors, and noise with the same seed."""

    inputs: list[Tensor]
    parameters: dict[str, Tensor]
    state: dict[str, Tensor]
    training: bool
    random: np.random.Generator


# activation → the function of z
ACTIVATIONS: Table = {
    "linear": lambda a: lambda z: z,
    "step": lambda a: lambda z: torch.heaviside(z.detach(), z.new_zeros(())) + 0 * z,
    "sigmoid": lambda a: torch.sigmoid,
    "tanh": lambda a: torch.tanh,
    "relu": lambda a: F.relu,
    "leaky_relu": lambda a: lambda z: F.leaky_relu(z, a.slope),
    "elu": lambda a: lambda z: F.elu(z, a.alpha),
    "gelu": lambda a: lambda z: F.gelu(z, approximate="tanh"),
    "silu": lambda a: F.silu,
    "softplus": lambda a: F.softplus,
}


def _activate(part: Any, z: Tensor) -> Tensor:
    a: Tensor = ACTIVATIONS[part.kind](part)(z)
    return a


def _dense(layer: Any, given: Given) -> Tensor:
    weight, bias = given.parameters["weight"], given.parameters.get("bias")
    return _activate(layer.activation, F.linear(given.inputs[0], weight.T, bias))


def _dropout(layer: Any, given: Given) -> Tensor:
    (x,) = given.inputs
    if not given.training:
        return F.dropout(x, layer.rate, training=False)
    kept: Tensor = torch.from_numpy(given.random.random(tuple(x.shape)) >= layer.rate)
    a: Tensor = x * kept / (1 - layer.rate)
    return a


def _batch_norm(layer: Any, given: Given) -> Tensor:
    (x,) = given.inputs
    rows = F.batch_norm(
        x.reshape(-1, x.shape[-1]),
        given.state["mean"],
        given.state["variance"],
        given.parameters["scale"],
        given.parameters["shift"],
        given.training,
        layer.momentum,
        layer.epsilon,
    )
    return rows.reshape(x.shape)


def _layer_norm(layer: Any, given: Given) -> Tensor:
    (x,), p = given.inputs, given.parameters
    return F.layer_norm(x, x.shape[-1:], p["scale"], p["shift"], layer.epsilon)


# layer, Given → output
LAYERS: Table = {
    "dense": _dense,
    "activation": lambda layer, given: _activate(layer.activation, given.inputs[0]),
    "dropout": _dropout,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "flatten": lambda layer, given: torch.flatten(given.inputs[0], 1),
    "add": lambda layer, given: sum(given.inputs),
    "concat": lambda layer, given: torch.cat(given.inputs, -1),
}


def _cross_entropy(loss: Any, outputs: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
    if outputs.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(outputs[:, 0], labels.to(outputs.dtype))
    return F.cross_entropy(outputs, labels)


def _hinge(loss: Any, outputs: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
    if outputs.shape[1] == 1:
        return F.relu(1 - outputs[:, 0] * (2 * labels - 1)).mean()
    rivals = outputs + 1 - F.one_hot(labels, outputs.shape[1])
    return (rivals.amax(1) - outputs.gather(1, labels[:, None])[:, 0]).mean()


# loss, outputs, coded targets, class numbers → value
LOSSES: Table = {
    "mse": lambda loss, outputs, targets, labels: F.mse_loss(outputs, targets),
    "mae": lambda loss, outputs, targets, labels: F.l1_loss(outputs, targets),
    "huber": lambda loss, outputs, targets, labels: F.huber_loss(
        outputs, targets, delta=loss.delta
    ),
    "cross_entropy": _cross_entropy,
    "hinge": _hinge,
}


def _adamw(o: Any, decaying: Sequence[Tensor], others: Sequence[Tensor]) -> Any:
    groups = [
        {"params": decaying, "weight_decay": o.decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, o.rate, (o.beta1, o.beta2), o.epsilon)


# optimizer, parameters that decay, parameters that do not → optimizer
OPTIMIZERS: Table = {
    "sgd": lambda o, a, b: torch.optim.SGD([*a, *b], o.rate),
    "momentum": lambda o, a, b: torch.optim.SGD([*a, *b], o.rate, o.momentum),
    "nesterov": lambda o, a, b: torch.optim.SGD([*a, *b], o.rate, o.momentum, nesterov=True),
    "rmsprop": lambda o, a, b: torch.optim.RMSprop([*a, *b], o.rate, o.keep, o.epsilon),
    "adagrad": lambda o, a, b: torch.optim.Adagrad([*a, *b], o.rate, eps=o.epsilon),
    "adam": lambda o, a, b: torch.optim.Adam([*a, *b], o.rate, (o.beta1, o.beta2), o.epsilon),
    "adamw": _adamw,
}

_lr = torch.optim.lr_scheduler
# schedule, optimizer → scheduler
SCHEDULES: Table = {
    "constant": lambda s, o: _lr.ConstantLR(o, 1.0),
    "step": lambda s, o: _lr.StepLR(o, s.every, s.decay),
    "exponential": lambda s, o: _lr.ExponentialLR(o, s.decay ** (1 / s.every)),
    "cosine": lambda s, o: _lr.CosineAnnealingLR(o, s.steps, s.floor * o.param_groups[0]["lr"]),
    "warm_up": lambda s, o: _lr.LinearLR(o, s.start, total_iters=s.steps),
}

_init = torch.nn.init
# initializer, tensor (units, inputs) → filled
INITIALIZERS: Table = {
    "zeros": lambda i, w: _init.zeros_(w),
    "constant": lambda i, w: _init.constant_(w, i.value),
    "uniform": lambda i, w: _init.uniform_(w, -i.limit, i.limit),
    "normal": lambda i, w: _init.normal_(w, 0.0, i.deviation),
    "glorot_uniform": lambda i, w: _init.xavier_uniform_(w),
    "glorot_normal": lambda i, w: _init.xavier_normal_(w),
    "he_uniform": lambda i, w: _init.kaiming_uniform_(w, nonlinearity="relu"),
    "he_normal": lambda i, w: _init.kaiming_normal_(w, nonlinearity="relu"),
    "lecun_uniform": lambda i, w: _init.kaiming_uniform_(w, nonlinearity="linear"),
    "lecun_normal": lambda i, w: _init.kaiming_normal_(w, nonlinearity="linear"),
    "orthogonal": lambda i, w: _init.orthogonal_(w, i.gain),
}

TWINS: dict[str, Table] = {
    "activation": ACTIVATIONS,
    "layer": LAYERS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "initializer": INITIALIZERS,
}
