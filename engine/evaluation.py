"""Running a network on many rows without training it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.plan import Memory, NetworkPlan, StagedNetwork

Array = npt.NDArray[Any]

# Rows at a time: enough for the products to be quick, few enough for the arrays to stay in cache.
CHUNK = 1024
# Rows that a loss point measures at most, of each part of the data.
MEASURED_ROWS = 2000


class Evaluator:
    """A network staged for prediction; stagings are kept by the number of rows."""

    def __init__(self, plan: NetworkPlan, memory: Memory, seed: int) -> None:
        self.plan, self.memory, self.seed = plan, memory, seed
        self._staged: dict[int, StagedNetwork] = {}

    def staged(self, rows: int) -> StagedNetwork:
        if rows not in self._staged:
            if len(self._staged) >= 8:  # a viewer that resizes must not pile up memory
                self._staged.pop(next(iter(self._staged)))
            self._staged[rows] = StagedNetwork(
                self.plan, rows, self.memory, self.seed, training=False
            )
        return self._staged[rows]

    def each(
        self, inputs: Array, visit: Callable[[slice, StagedNetwork], object], chunk: int = CHUNK
    ) -> None:
        """Run the rows through in chunks, calling `visit(rows, network)` after each."""
        for start in range(0, len(inputs), chunk):
            rows = slice(start, min(start + chunk, len(inputs)))
            network = self.staged(rows.stop - rows.start)
            network.input[...] = inputs[rows]
            network.forward()
            visit(rows, network)

    def output(self, inputs: Array) -> Array:
        """Outputs (rows, *shape) of the last node."""
        assert self.plan.output_shape is not None
        result = np.empty((len(inputs), *self.plan.output_shape), self.memory.flat.dtype)

        def visit(rows: slice, network: StagedNetwork) -> None:
            result[rows] = network.output

        self.each(inputs, visit)
        return result

    def outputs(self, inputs: Array) -> Mapping[str, Array]:
        """Outputs of every node by id, and its weighted sums as `id.before`, for all rows."""
        results: dict[str, Array] = {}

        def visit(rows: slice, network: StagedNetwork) -> None:
            for source, suffix in ((network.outputs, ""), (network.befores, ".before")):
                for name, array in source.items():
                    if name + suffix not in results:
                        results[name + suffix] = np.empty(
                            (len(inputs), *array.shape[1:]), array.dtype
                        )
                    results[name + suffix][rows] = array

        self.each(inputs, visit)
        return results
