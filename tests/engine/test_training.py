"""The promises of a run: deterministic, restorable, allocation-free, and safe when numbers explode."""

import copy
import itertools
from typing import Any

import numpy as np
import pytest

from engine.document import Experiment
from engine.errors import Diverged, SpecError
from engine.trainer import Trainer, is_due, next_due
from tests.allocations import arrays_allocated

CIRCLE: dict[str, Any] = {
    "seed": 7,
    "data": {"kind": "circle", "samples": 105},
    "networks": {
        "model": [
            {"id": "h1", "kind": "dense", "units": 6, "activation": "tanh"},
            {"id": "rest", "kind": "dropout", "rate": 0.2},
            {"id": "norm", "kind": "batch_norm"},
            {"id": "h2", "kind": "dense", "units": 6, "activation": "relu"},
            {"id": "skip", "kind": "add", "inputs": ["h1", "h2"]},
            {"id": "out", "kind": "dense", "units": 2},
        ]
    },
    "loss": "cross_entropy",
    "optimizer": {"kind": "adam", "rate": 0.01},
    "training": {"batch": 10, "l2": 0.001, "clip_norm": 1.0},
}


def changed(document: dict[str, Any] = CIRCLE, **changes: Any) -> Experiment:
    """The document with top-level keys replaced."""
    return Experiment.parse({**copy.deepcopy(document), **changes})


def trained(steps: int, experiment: Experiment | None = None) -> Trainer:
    trainer = Trainer(experiment or changed())
    advance(trainer, steps)
    return trainer


def advance(trainer: Trainer, steps: int) -> None:
    while steps:
        steps -= trainer.advance(steps)


def state(trainer: Trainer) -> bytes:
    arrays, metadata = trainer.snapshot()
    return b"".join(arrays[name].tobytes() for name in sorted(arrays)) + metadata["state"].encode()


def test_same_document_same_numbers() -> None:
    assert state(trained(150)) == state(trained(150))


def test_another_seed_other_numbers() -> None:
    assert state(trained(1)) != state(trained(1, changed(seed=8)))


def test_a_restored_run_goes_on_bit_for_bit() -> None:
    run = trained(97)  # inside an epoch, with a partial batch behind it
    arrays, metadata = run.snapshot()
    advance(run, 61)
    other = Trainer(changed())
    other.restore(arrays, metadata)
    advance(other, 61)
    assert state(other) == state(run)


def test_a_snapshot_is_not_touched_by_what_follows() -> None:
    run = trained(20)
    arrays, _ = run.snapshot()
    before = arrays["memory"].copy()
    advance(run, 5)
    assert np.array_equal(before, arrays["memory"])


def test_reset_returns_to_the_same_first_weights() -> None:
    run = Trainer(changed())
    first = state(run)
    advance(run, 40)
    run.reset()
    assert state(run) == first
    run.reset(seed=99)
    assert run.experiment.seed == 99
    assert state(run) != first


def test_new_weights_meet_the_same_samples() -> None:
    run = Trainer(changed())
    before = run.data.train.inputs.copy()
    run.reset(seed=99)
    assert np.array_equal(Trainer(run.experiment).data.train.inputs, before)


def test_a_step_allocates_no_arrays() -> None:
    run = trained(700)  # past the steps that each have a loss point
    numbers = iter(range(701, 760))

    def an_epoch() -> None:
        for _ in run.session.batches.pieces:  # type: ignore[attr-defined]
            run.session.update(next(numbers))

    an_epoch()
    assert arrays_allocated(an_epoch) == {}


def test_arrays_that_are_freed_at_once_are_seen() -> None:
    array = np.ones(3)

    def work() -> None:
        array[...] = array + 1

    assert sum(arrays_allocated(work).values()) == 24


@pytest.mark.parametrize("rate", [1e3, 30.0])
def test_divergence_keeps_the_last_finite_state(rate: float) -> None:
    document = changed(
        networks={
            "model": [
                {"id": f"h{k}", "kind": "dense", "units": 16, "activation": "relu"}
                for k in range(8)
            ]
            + [{"id": "out", "kind": "dense", "units": 1}]
        },
        loss="mse",
        optimizer={"kind": "sgd", "rate": rate},
        training={"batch": 10},
    )
    run = Trainer(document)
    with pytest.raises(Diverged) as caught:
        advance(run, 2000)
    found = caught.value.problem
    assert found.code.startswith("diverged_")
    assert found.path[:2] == ("networks", "model")
    assert found.values["step"] == run.step_number + 1
    assert np.isfinite(run.memory.flat).all()
    # The state is that of the step before: a fresh run has the same numbers there.
    assert state(trained(run.step_number, document)) == state(run)


@pytest.mark.parametrize("failing", [70, 100, 128, 129])
def test_divergence_after_an_anchor_replays_the_steps_between(failing: int) -> None:
    run: Any = Trainer(changed())
    run.session._factor = lambda step: 1e30 if step == failing - 1 else 1.0
    with pytest.raises(Diverged) as caught:
        advance(run, 200)
    assert caught.value.problem.values["step"] == failing
    assert run.step_number == failing - 1
    assert state(run) == state(trained(failing - 1))


def test_edit_keeps_what_stayed() -> None:
    run = trained(50)
    weights = {name: array.copy() for name, array in run.parameters().items()}
    layers = copy.deepcopy(CIRCLE["networks"]["model"])
    layers[3]["activation"] = "tanh"
    layers.insert(5, {"id": "new", "kind": "dense", "units": 6, "activation": "tanh"})
    run.edit(changed(networks={"model": layers}, optimizer={"kind": "adam", "rate": 0.002}))
    assert run.step_number == 50
    for name, array in weights.items():
        assert np.array_equal(run.parameters()[name], array), name
    assert run.parameters()["model.new.weight"].shape == (6, 6)
    advance(run, 10)


def test_a_layer_that_gains_a_neuron_keeps_those_it_had() -> None:
    layers = [
        {"id": "h", "kind": "dense", "units": 4, "activation": "tanh"},
        {"id": "out", "kind": "dense", "units": 2},
    ]
    run = trained(50, changed(networks={"model": layers}))
    before = {name: array.copy() for name, array in run.parameters().items()}
    layers[0]["units"] = 5
    run.edit(changed(networks={"model": layers}))
    assert np.array_equal(run.parameters()["model.h.weight"][:, :4], before["model.h.weight"])
    assert np.array_equal(run.parameters()["model.out.weight"][:4], before["model.out.weight"])
    assert run.parameters()["model.h.weight"][:, 4].any()
    layers[0]["units"] = 4
    run.edit(changed(networks={"model": layers}))
    for name, array in before.items():
        assert np.array_equal(run.parameters()[name], array)


def test_edit_keeps_moments_order_and_place_in_the_epoch() -> None:
    run = trained(25)
    run.edit(changed())
    assert state(run) == state(trained(25))


@pytest.mark.parametrize("batch", [1, 3, 7, 50, 1000])
def test_another_batch_size_goes_on_in_the_same_epoch(batch: int) -> None:
    run = trained(3)
    epoch = run.epoch
    run.edit(changed(training={"batch": batch}))
    assert epoch - batch / 52 <= run.epoch <= epoch
    advance(run, 20)


def test_a_refused_edit_changes_nothing() -> None:
    run = trained(10)
    before = state(run)
    with pytest.raises(SpecError):
        run.edit(changed(networks={"model": [{"id": "out", "kind": "dense", "units": 5}]}))
    advance(run, 1)
    assert state(run) == state(trained(11))
    assert before != state(run)


def test_frozen_layers_stay() -> None:
    layers = copy.deepcopy(CIRCLE["networks"]["model"])
    layers[0]["frozen"] = True
    run = Trainer(changed(networks={"model": layers}))
    frozen = run.parameters()["model.h1.weight"].copy()
    free = run.parameters()["model.h2.weight"].copy()
    advance(run, 5)
    assert np.array_equal(run.parameters()["model.h1.weight"], frozen)
    assert not np.array_equal(run.parameters()["model.h2.weight"], free)


def test_adding_dropout_leaves_the_first_weights() -> None:
    without = [layer for layer in CIRCLE["networks"]["model"] if layer["kind"] != "dropout"]
    plain, noisy = Trainer(changed(networks={"model": without})), Trainer(changed())
    for name, array in plain.parameters().items():
        assert np.array_equal(array, noisy.parameters()[name])


def test_loss_points_thin_out() -> None:
    due = [step for step in range(5000) if is_due(step)]
    assert due[:513] == list(range(513))
    assert [s for s in due if 512 < s <= 1024] == list(range(514, 1025, 2))
    assert [s for s in due if 1024 < s <= 2048] == list(range(1028, 2049, 4))
    assert all(next_due(a) == b for a, b in itertools.pairwise(due))


def test_advance_stops_where_a_point_is_due() -> None:
    run = trained(600)
    assert run.advance(100) == 2
    assert run.step_number == 602
    assert run.due()


@pytest.mark.parametrize(
    ("training", "code"),
    [
        ({"epochs": 2}, "epochs_reached"),
        ({"stop": {"loss": 10.0}}, "loss_reached"),
        ({"stop": {"accuracy": 0.01}}, "accuracy_reached"),
    ],
)
def test_stop_conditions(training: dict[str, Any], code: str) -> None:
    run = Trainer(changed(training={"batch": 10, **training}))
    for _ in range(200):
        run.advance(100)
        found = run.stopped(run.point())
        if found:
            break
    assert found is not None
    assert found.code == code
    if code == "epochs_reached":
        assert run.epoch == 2.0


def test_patience_counts_epochs_without_progress() -> None:
    run = Trainer(changed(training={"batch": 10, "stop": {"patience": 3}}))
    advance(run, 1)
    run.best = {"loss": 0.0, "epoch": run.epoch}
    advance(run, 12)
    assert run.stopped(run.point()) is None
    advance(run, 20)
    found = run.stopped(run.point())
    assert found is not None
    assert found.code == "no_progress"


def test_setting_one_weight() -> None:
    run = trained(5)
    run.set_parameter("model.out.bias", [1], 2.5)
    assert run.parameters()["model.out.bias"][1] == 2.5
    for name, index, value, code in (
        ("model.out.nothing", [0], 0.0, "unknown_parameter"),
        ("model.out.bias", [2], 0.0, "index_outside"),
        ("model.out.bias", [0, 0], 0.0, "index_outside"),
        ("model.out.bias", [-1], 0.0, "index_outside"),
        ("model.out.bias", [0], float("nan"), "value_outside"),
    ):
        with pytest.raises(SpecError) as caught:
            run.set_parameter(name, index, value)
        assert caught.value.problems[0].code == code


def test_predict_answers_with_probabilities() -> None:
    run = trained(5)
    answer = run.predict([[0.0, 0.0], [5.0, 5.0]])
    assert np.allclose(np.sum(answer["probabilities"], axis=1), 1)
    assert answer["predictions"][0] in answer["classes"]
    with pytest.raises(SpecError) as caught:
        run.predict([[1.0], [0.0, float("nan")], ["x", 1]])
    assert [p.path for p in caught.value.problems] == [("inputs", k) for k in range(3)]


def test_measuring_changes_nothing() -> None:
    run = trained(30)
    before = state(run)
    from engine import catalogue
    from engine.describe import describe

    describe()
    probes: list[Any] = [part() for part in catalogue.parts("probe").values()]
    arrays, missing = run.measure(probes)
    assert state(run) == before
    assert {name.split("/")[0] for name in arrays} | set(missing) == {p.kind_name() for p in probes}
    assert missing.keys() <= {"trace"}
    assert arrays["responses/model.h1"].shape == (6, 32, 32)
    assert arrays["surface/output"].shape == (100, 100, 2)


def test_responses_are_the_neurons_answers() -> None:
    from engine.probes.responses import Responses
    from engine.probes.trace import Trace

    run = trained(30)
    arrays, _ = run.measure([Responses(size=9)])
    (low_x, high_x), (low_y, high_y) = run.bounds
    # Row 0 is at the top, column 0 at the left.
    for row, column, x, y in ((0, 0, low_x, high_y), (8, 8, high_x, low_y), (0, 8, high_x, high_y)):
        trace, _ = run.measure([Trace(input=(x, y))])
        maps = (
            arrays["responses/model.h1"][:, row, column] / 127 * arrays["responses/model.h1.scale"]
        )
        assert np.allclose(maps, trace["trace/model.h1"], atol=0.02)


def test_float64_runs_too() -> None:
    run = Trainer(changed(), dtype=np.float64)
    advance(run, 3)
    assert run.memory.flat.dtype == np.float64
