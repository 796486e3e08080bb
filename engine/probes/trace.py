"""One input on its way through the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy.typing as npt

from engine.catalogue import setting
from engine.probe import NotMeasurable, Probe

if TYPE_CHECKING:
    from engine.trainer import Trainer

Array = npt.NDArray[Any]


class Trace(Probe):
    """The forward pass of one raw input: every node's weighted sums and activations."""

    kind: Literal["trace"] = "trace"
    input: tuple[float | str | None, ...] = setting(
        (), max_length=10_000, help="The input, one value a column."
    )

    def measure(self, trainer: Trainer) -> Mapping[str, Array]:
        if not self.input:
            raise NotMeasurable("no_input", "no input was given")
        inputs = trainer.encode(trainer.data.rows([self.input], ("input",)))
        network = trainer.experiment.recipe.networks[0]
        arrays = {
            f"{network}.{name}": values[0]
            for name, values in trainer.session.outputs(network, inputs).items()
        }
        return {"input": inputs[0], **arrays, "output": trainer.shown_output(inputs)[0]}
