"""From a stack of layers to something that runs: order, shapes, memory, and the staged network.

Shapes are worked out once (`arrange`). All parameters of a run lie in one flat vector, with the
optimizer's arrays and the layers' running state behind them (`Memory`): an optimizer is written for
one array, and a snapshot is one copy. A network is then *staged* for a batch size (`stage`): every
layer binds its arrays, and what remains is a list of steps that allocate nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.activations import Activation, Linear
from engine.errors import Problem, SpecError, problem
from engine.layer import INPUT, Layer, ParameterSpec, Shape, Site, Staged, StateSpec, Step, nothing
from engine.randomness import stream

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class NodePlan:
    """A node in its place. `sources` are positions of nodes, -1 for the network's input. The shapes
    are None where they could not be worked out."""

    layer: Layer
    position: int
    sources: tuple[int, ...]
    input_shapes: tuple[Shape | None, ...]
    output_shape: Shape | None
    parameters: tuple[ParameterSpec, ...] = ()
    state: tuple[StateSpec, ...] = ()

    @property
    def parameter_count(self) -> int:
        return sum(prod(p.shape) for p in self.parameters)

    @property
    def activation(self) -> Activation:
        """The activation at its end; linear where it has none."""
        return getattr(self.layer, "activation", None) or Linear()


@dataclass(frozen=True)
class NetworkPlan:
    """One named stack with everything known about it."""

    name: str
    input_shape: Shape | None
    nodes: tuple[NodePlan, ...]

    @property
    def output_shape(self) -> Shape | None:
        return self.nodes[-1].output_shape if self.nodes else self.input_shape

    def node(self, identifier: str) -> NodePlan | None:
        return next((n for n in self.nodes if n.layer.id == identifier), None)

    def source_names(self, node: NodePlan) -> list[str]:
        return [self.nodes[s].layer.id if s >= 0 else INPUT for s in node.sources]

    def describe(self) -> dict[str, Any]:
        """The contract's account of a network: shapes and counts of every node."""
        return {
            "input_shape": list(self.input_shape) if self.input_shape is not None else None,
            "nodes": [self._describe(node) for node in self.nodes],
        }

    def _describe(self, node: NodePlan) -> dict[str, Any]:
        known = [s for s in node.input_shapes if s is not None]
        complete = node.output_shape is not None
        return {
            "id": node.layer.id,
            "kind": node.layer.kind_name(),
            "inputs": self.source_names(node),
            "input_shapes": [list(s) if s is not None else None for s in node.input_shapes],
            "output_shape": list(node.output_shape) if node.output_shape is not None else None,
            "parameters": node.parameter_count,
            "tensors": [{"name": p.name, "shape": list(p.shape)} for p in node.parameters],
            "activation_bytes": 4 * prod(node.output_shape or ()) if complete else 0,
            "multiply_adds": node.layer.multiply_adds(known) if complete else 0,
        }


def arrange(
    name: str, layers: Sequence[Layer], input_shape: Shape | None
) -> tuple[NetworkPlan, list[Problem]]:
    """Order and shapes of a stack, and all that is wrong with it (paths from the document's root)."""
    problems: list[Problem] = []
    nodes: list[NodePlan] = []
    positions: dict[str, int] = {INPUT: -1}
    names = {layer.id for layer in layers}
    if not layers:
        problems.append(
            problem(
                ("networks", name), "empty_network", "this network has no layers", "Add a layer."
            )
        )
    for position, layer in enumerate(layers):
        here = ("networks", name, position)
        sources: list[int] = []
        if layer.inputs is None:
            sources = [position - 1]
        for index, source in enumerate(layer.inputs or ()):
            if source in positions:
                sources.append(positions[source])
            elif source in names:
                problems.append(
                    problem(
                        (*here, "inputs", index),
                        "input_not_before",
                        "“{name}” does not come before this layer",
                        "Take a layer to the left of it.",
                        name=source,
                    )
                )
            else:
                problems.append(
                    problem(
                        (*here, "inputs", index),
                        "unknown_input",
                        "there is no layer “{name}” in this network",
                        "Choose one of: {expected}.",
                        name=source,
                        expected=", ".join(list(positions)[:20]),
                    )
                )
        if layer.id in positions:
            problems.append(
                problem(
                    (*here, "id"),
                    "duplicate_id",
                    "“{name}” names two layers",
                    "Give each layer a name of its own.",
                    name=layer.id,
                )
            )
        positions[layer.id] = position
        least, most = type(layer).arity
        wired = len(sources) == len(layer.inputs or (0,))
        if wired and not least <= len(sources) <= most:
            problems.append(
                problem(
                    (*here, "inputs"),
                    "too_few_inputs",
                    "takes at least {least} inputs, and has {given}",
                    "Choose the layers it takes.",
                    least=least,
                    given=len(sources),
                )
                if len(sources) < least
                else problem(
                    (*here, "inputs"),
                    "too_many_inputs",
                    "takes at most {most} inputs, and has {given}",
                    "Remove some of its inputs.",
                    most=most,
                    given=len(sources),
                )
            )
            wired = False
        shapes = tuple(nodes[s].output_shape if s >= 0 else input_shape for s in sources)
        node = NodePlan(layer, position, tuple(sources), shapes, None)
        if wired and all(s is not None for s in shapes):
            known = [s for s in shapes if s is not None]
            try:
                output = layer.output_shape(known)
                node = NodePlan(
                    layer,
                    position,
                    tuple(sources),
                    shapes,
                    output,
                    layer.parameters(known),
                    layer.state(known),
                )
            except SpecError as error:
                problems += [p.under(*here) for p in error.problems]
        nodes.append(node)
    return NetworkPlan(name, input_shape, tuple(nodes)), problems


class Memory:
    """All numbers that training changes, in one flat vector: parameters, optimizer slots, state.

    Within a network the trainable parameters come first and the frozen ones behind them, so that an
    optimizer sees one array. `parameters`, `gradients`, `state` are views by name
    (`network.node.parameter`).
    """

    def __init__(
        self,
        networks: Mapping[str, NetworkPlan],
        slots: Mapping[str, Sequence[str]],
        dtype: npt.DTypeLike,
    ) -> None:
        shapes: list[tuple[str, Shape, bool]] = []  # name, shape, decays
        spans: dict[str, tuple[int, int]] = {}
        offset = 0
        for network in networks.values():
            start = offset
            for frozen in (False, True):
                for node in network.nodes:
                    if node.layer.frozen is frozen:
                        for spec in node.parameters:
                            shapes.append(
                                (
                                    f"{network.name}.{node.layer.id}.{spec.name}",
                                    spec.shape,
                                    spec.decays,
                                )
                            )
                            offset += prod(spec.shape)
                if not frozen:
                    spans[network.name] = (start, offset)
        count = offset
        states = [
            (f"{network.name}.{node.layer.id}.{spec.name}", spec)
            for network in networks.values()
            for node in network.nodes
            for spec in node.state
        ]
        total = (
            count
            + sum((b - a) * len(slots.get(n, ())) for n, (a, b) in spans.items())
            + sum(prod(s.shape) for _, s in states)
        )
        self.flat: Array = np.zeros(total, dtype)
        self.gradient: Array = np.zeros(count, dtype)
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        decays = np.zeros(count, dtype)
        position = 0
        for name, shape, decay in shapes:
            end = position + prod(shape)
            self.parameters[name] = self.flat[position:end].reshape(shape)
            self.gradients[name] = self.gradient[position:end].reshape(shape)
            decays[position:end] = decay
            position = end
        self.trainable: dict[str, Array] = {n: self.flat[a:b] for n, (a, b) in spans.items()}
        self.trainable_gradient: dict[str, Array] = {
            n: self.gradient[a:b] for n, (a, b) in spans.items()
        }
        self.decays: dict[str, Array] = {n: decays[a:b] for n, (a, b) in spans.items()}
        self.slots: dict[str, dict[str, Array]] = {}
        for name, (a, b) in spans.items():
            self.slots[name] = {}
            for slot in slots.get(name, ()):
                self.slots[name][slot] = self.flat[position : position + b - a]
                position += b - a
        self.state: dict[str, Array] = {}
        for name, held in states:
            end = position + prod(held.shape)
            self.state[name] = self.flat[position:end].reshape(held.shape)
            self.state[name][...] = held.initial
            position = end

    def initialize(self, networks: Mapping[str, NetworkPlan], seed: int) -> None:
        """Draw the first weights. Each parameter has a stream of its own, so that editing one layer
        leaves the first weights of the others as they were."""
        for network in networks.values():
            for node in network.nodes:
                for spec in node.parameters:
                    name = f"{network.name}.{node.layer.id}.{spec.name}"
                    values = spec.initializer.draw(
                        stream(seed, "weights", name), spec.shape, spec.fan_in, spec.fan_out
                    )
                    self.parameters[name][...] = values

    def take_over(self, old: Memory) -> None:
        """Keep every parameter, slot and state of `old` under its name. Where a shape changed, what
        both have is kept: a layer that gains a neuron keeps those it had."""
        for mine, theirs in (
            (self.parameters, old.parameters),
            (self.state, old.state),
            (self.named_slots(), old.named_slots()),
        ):
            for name, array in mine.items():
                kept = theirs.get(name)
                if kept is not None and kept.ndim == array.ndim:
                    both = tuple(
                        slice(min(a, b)) for a, b in zip(array.shape, kept.shape, strict=True)
                    )
                    array[both] = kept[both]

    def named_slots(self) -> dict[str, Array]:
        """The optimizer's arrays, cut up by parameter: `slot/network.node.parameter`."""
        found: dict[str, Array] = {}
        base = self.flat.ctypes.data
        for network, slots in self.slots.items():
            whole = self.trainable[network]
            first = (whole.ctypes.data - base) // whole.itemsize
            for name, array in self.parameters.items():
                start = (array.ctypes.data - base) // array.itemsize - first
                if (
                    name.startswith(f"{network}.")
                    and start >= 0
                    and start + array.size <= whole.size
                ):
                    for slot, values in slots.items():
                        found[f"{slot}/{name}"] = values[start : start + array.size].reshape(
                            array.shape
                        )
        return found


class StagedNetwork:
    """A network over its arrays for one batch size.

    Fill `input`, call `forward()`, read `output`; after `stage_backward`, `backward()` fills the
    gradients. `outputs`, `befores` and `output_gradients` hold the arrays of each node by id.
    Stagings of one run for several batch sizes share their `generators`, so that noise has one state.
    """

    def __init__(
        self,
        plan: NetworkPlan,
        batch: int,
        memory: Memory,
        seed: int,
        training: bool,
        wants_input_gradient: bool = False,
        generators: Mapping[str, np.random.Generator] | None = None,
    ) -> None:
        assert plan.input_shape is not None
        dtype = memory.flat.dtype
        self.plan, self.batch, self.training = plan, batch, training
        self.input: Array = np.zeros((batch, *plan.input_shape), dtype)
        self.input_gradient: Array | None = None
        self.outputs: dict[str, Array] = {}
        self.befores: dict[str, Array] = {}
        self.output_gradients: dict[str, Array] = {}
        self.generators: dict[str, np.random.Generator] = {}
        self._staged: list[Staged] = []
        # A node needs gradients when something trainable is in it or before it.
        self._needs: list[bool] = []
        for node in plan.nodes:
            layer = node.layer
            prefix = f"{plan.name}.{layer.id}."
            wants = [self._needs[s] if s >= 0 else wants_input_gradient for s in node.sources]
            generator = (generators or {}).get(layer.id) or stream(
                seed, "noise", plan.name, layer.id
            )
            self.generators[layer.id] = generator
            staged = layer.stage(
                Site(
                    batch,
                    [self._staged[s].output if s >= 0 else self.input for s in node.sources],
                    {p.name: memory.parameters[prefix + p.name] for p in node.parameters},
                    {p.name: memory.gradients[prefix + p.name] for p in node.parameters},
                    {s.name: memory.state[prefix + s.name] for s in node.state},
                    generator,
                    training,
                    wants,
                )
            )
            self._staged.append(staged)
            self._needs.append(any(wants) or (bool(node.parameters) and not layer.frozen))
            self.outputs[layer.id] = staged.output
            self.befores[layer.id] = staged.before if staged.before is not None else staged.output
        self.output = self._staged[-1].output
        self.forward_steps = [s.forward for s in self._staged if s.forward is not nothing]
        self.backward_steps: list[Step] = []

    def forward(self) -> None:
        for step in self.forward_steps:
            step()

    def backward(self) -> None:
        for step in self.backward_steps:
            step()

    def stage_backward(self, output_gradient: Array) -> None:
        """Bind the backward pass to the array that ∂loss/∂output will be in."""
        arriving: dict[int, list[Array]] = {len(self._staged) - 1: [output_gradient]}
        for position in reversed(range(len(self._staged))):
            parts = arriving.pop(position, [])
            if not parts or not self._needs[position]:
                continue
            node = self.plan.nodes[position]
            gradient = self._sum(parts)
            self.output_gradients[node.layer.id] = gradient
            input_gradients, step = self._staged[position].backward(gradient)
            if step is not nothing:
                self.backward_steps.append(step)
            for source, array in zip(node.sources, input_gradients, strict=True):
                if array is not None and (source < 0 or self._needs[source]):
                    arriving.setdefault(source, []).append(array)
        if arriving.get(-1):
            self.input_gradient = self._sum(arriving[-1])

    def _sum(self, parts: list[Array]) -> Array:
        """Where an output went to several nodes, its gradient is the sum of what comes back."""
        if len(parts) == 1:
            return parts[0]
        total = np.empty_like(parts[0])

        def run() -> None:
            np.add(parts[0], parts[1], total)
            for part in parts[2:]:
                np.add(total, part, total)

        self.backward_steps.append(run)
        return total
