"""The experiment: what a user saves, shares and posts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.catalogue import setting, shorten_settings, validate
from engine.datasets import AnyDataset
from engine.layers import AnyLayer
from engine.losses import AnyLoss, MeanSquaredError
from engine.optimizers import SGD, AnyOptimizer
from engine.recipes import AnyRecipe
from engine.schedules import AnySchedule, Constant

_CONFIG = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Stop(BaseModel):
    """When a run ends by itself. Looked at whenever the loss is measured; null: never."""

    model_config = _CONFIG

    loss: float | None = setting(
        None,
        ge=0,
        le=1e6,
        scale="log",
        title="Loss reached",
        help="Stop when the training loss is this low.",
    )
    accuracy: float | None = setting(
        None,
        gt=0,
        le=1,
        title="Accuracy reached",
        help="Stop when the test accuracy (without test samples, the training accuracy) is this high.",
    )
    patience: int | None = setting(
        None,
        ge=1,
        le=100_000,
        scale="log",
        unit="epochs",
        title="No progress for",
        help="Stop when the test loss (without test samples, the training loss) has not fallen for so many epochs.",
    )


class Training(BaseModel):
    """How long and in what steps."""

    model_config = _CONFIG

    batch: int = setting(
        10,
        ge=1,
        le=8192,
        scale="log",
        unit="samples",
        title="Batch size",
        help="How many samples each update looks at.",
    )
    epochs: int | None = setting(
        None,
        ge=1,
        le=10_000_000,
        scale="log",
        unit="epochs",
        help="Stop after so many rounds through the data; empty: go on until paused.",
    )
    schedule: AnySchedule = setting(
        Constant(), title="Rate schedule", help="How the learning rate changes over time."
    )
    clip_norm: float | None = setting(
        None,
        gt=0,
        le=1e6,
        scale="log",
        title="Clip gradient",
        help="Shorten the gradient when its length is above this.",
    )
    l1: float = setting(
        0.0,
        ge=0,
        le=10,
        scale="log",
        title="L1",
        help="Pulls weights to exactly 0: adds L1 · Σ|w| to the loss.",
    )
    l2: float = setting(
        0.0,
        ge=0,
        le=10,
        scale="log",
        title="L2",
        help="Keeps weights small: adds L2/2 · Σw² to the loss.",
    )
    stop: Stop = Field(Stop(), description="When the run ends by itself.")


class Experiment(BaseModel):
    """Data, networks, how they are trained, and the seed that fixes all chance."""

    model_config = _CONFIG

    format: Literal[1] = 1
    name: str = setting("Untitled", max_length=120, help="What the run is called.")
    seed: int = setting(1, ge=0, lt=2**32, help="Fixes the first weights and the order of samples.")
    data: AnyDataset
    recipe: AnyRecipe
    networks: dict[str, tuple[AnyLayer, ...]]
    loss: AnyLoss = setting(MeanSquaredError(), help="How wrong the outputs are.")
    optimizer: AnyOptimizer = setting(SGD(), help="How gradients become updates.")
    training: Training = Training()

    @classmethod
    def parse(cls, document: Any) -> Experiment:
        """A document as JSON gives it. Raises `SpecError` with every problem."""
        if isinstance(document, dict):
            document = {"recipe": "supervised", **document}
        return validate(cls, document)  # type: ignore[no-any-return]

    def dump(self) -> dict[str, Any]:
        """The document in its short form."""
        return {
            "format": self.format,
            "name": self.name,
            "seed": self.seed,
            "data": shorten_settings(self.data),
            "recipe": shorten_settings(self.recipe),
            "networks": {
                name: [shorten_settings(layer) for layer in layers]
                for name, layers in self.networks.items()
            },
            "loss": shorten_settings(self.loss),
            "optimizer": shorten_settings(self.optimizer),
            "training": self.training.model_dump(mode="json", exclude_defaults=True),
        }
