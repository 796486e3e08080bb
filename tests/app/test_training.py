"""A run inside a worker, without processes; and how a worker shares its time among runs."""

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from app.pipe import PREFIX, join, pack, split
from app.training import Training, replaced
from app.worker import Worker
from engine.errors import SpecError
from engine.examine import Limits
from tests.app.driver import Json


def training(document: Json, **options: Any) -> Training:
    return Training("r_test", document, {}, options.pop("limits", Limits()), 0, **options)


def order(run: Training, type: str, **fields: Any) -> bool:
    defaults: Json = {"count": 1, "unit": "step", "new_seed": False}
    return run.command({**defaults, "type": type, **fields}, {})


def train(run: Training, seconds: float = 0.05) -> None:
    run.train(seconds)


def test_a_restored_run_goes_on_bit_for_bit(document: Json) -> None:
    one = training(document)
    order(one, "step", count=30)
    other = training(one.document(), checkpoint=one.checkpoint(0.0))
    other.resume(one.state())
    assert other.state() == one.state()
    for run in (one, other):
        order(run, "step", count=40)
    assert one.checkpoint(0.0) == other.checkpoint(0.0)
    assert one.points[31:] == other.points


def test_it_goes_on_to_where_it_was_sent_after_a_restart(document: Json) -> None:
    one = training(document)
    order(one, "step", count=15_000)
    assert one.status == "running", "longer than what is answered at once"
    other = training(document, checkpoint=one.checkpoint(0.0))
    other.resume(one.state())
    while other.status == "running":
        train(other)
    assert (other.status, other.trainer.step_number) == ("paused", 15_000)


def test_the_limits_hold_before_anything_is_made(document: Json) -> None:
    with pytest.raises(SpecError) as refused:
        training(document, limits=Limits(parameters=10))
    assert refused.value.problems[0].code == "too_many_parameters"
    run = training(document, limits=Limits(parameters=30))
    document["networks"]["model"][0]["units"] = 400
    before = run.checkpoint(0.0)
    with pytest.raises(SpecError):
        order(run, "edit", document=document)
    assert run.checkpoint(0.0) == before


def test_an_edit_wakes_a_finished_run_but_does_not_start_it(document: Json) -> None:
    document["training"]["epochs"] = 1
    run = training(document)
    order(run, "run")
    while run.status == "running":
        train(run)
    assert run.status == "finished"
    order(run, "run")
    assert run.status == "finished", "it is still at its end"
    order(run, "set", path=["training", "epochs"], value=None)
    assert (run.status, run.reason) == ("paused", None)


def test_pausing_what_does_not_run_changes_nothing(document: Json) -> None:
    run = training(document)
    order(run, "pause")
    assert run.status == "created"


def test_a_slow_run_keeps_its_pace(document: Json) -> None:
    run = training(document)
    order(run, "speed", steps_per_second=200.0)
    order(run, "run")
    started = time.monotonic()
    while time.monotonic() - started < 0.5:
        if run.wait(time.monotonic()) <= 0:
            train(run, 0.005)
    assert 60 <= run.trainer.step_number <= 140


def test_points_are_handed_over_once(document: Json) -> None:
    run = training(document)
    run.points.clear()
    order(run, "run")
    train(run, 0.01)
    first = run.take_points(1000.0)
    assert first
    train(run, 0.01)
    assert run.take_points(1000.1) is None, "not yet time for the next"
    second = run.take_points(1001.0)
    assert second
    assert second[0]["step"] > first[-1]["step"]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (["name"], "B", {"name": "B", "o": "sgd", "l": [{"u": 1}]}),
        (["o", "rate"], 2, {"name": "A", "o": {"kind": "sgd", "rate": 2}, "l": [{"u": 1}]}),
        (["l", 0, "u"], 3, {"name": "A", "o": "sgd", "l": [{"u": 3}]}),
        (["t", "stop"], 4, {"name": "A", "o": "sgd", "l": [{"u": 1}], "t": {"stop": 4}}),
    ],
)
def test_setting_one_place(path: list[str | int], value: Any, expected: Json) -> None:
    document: Json = {"name": "A", "o": "sgd", "l": [{"u": 1}]}
    assert replaced(document, path, value) == expected
    assert document == {"name": "A", "o": "sgd", "l": [{"u": 1}]}


# --- the worker, with its pipe in memory -------------------------------------------------------


class Desk:
    """A worker whose messages can be read."""

    def __init__(self, folder: Path) -> None:
        note = folder / "note"
        note.write_bytes(bytes(64))
        self.output = io.BytesIO()
        self.worker = Worker(self.output, note, Limits(), checkpoint=0.2)

    def send(self, **header: Any) -> None:
        self.worker.inbox.put(({"parts": {}, **header}, b""))

    def open(self, run: str, document: Json) -> None:
        self.send(
            type="open", id=0, run=run, document=document, base=0, revision=1,
            commands=[{"type": "run"}],
        )  # fmt: skip

    def work(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.worker.turn()

    def messages(self) -> list[Json]:
        raw, found = self.output.getvalue(), []
        while raw:
            header, payload = PREFIX.unpack(raw[: PREFIX.size])
            end = PREFIX.size + header
            found.append({**json.loads(raw[PREFIX.size : end]), "payload": payload})
            raw = raw[end + payload :]
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_runs_share_the_time_fairly_whatever_their_size(desk: Desk, document: Json) -> None:
    large = json.loads(json.dumps(document))
    large["networks"]["model"][0]["units"] = 256
    for k in range(10):
        desk.open(f"r_{k}", large if k % 2 else document)
    desk.work(1.5)
    used = [run.used for run in desk.worker.runs.values()]
    assert len(used) == 10
    jain = sum(used) ** 2 / (len(used) * sum(share**2 for share in used))
    assert jain >= 0.95
    desk.open("r_late", document)
    desk.work(0.5)
    late = desk.worker.runs["r_late"].used
    assert late < 2 * max(used), "a newcomer does not starve the others until it has caught up"


def test_every_point_is_told_once_and_checkpoints_follow(desk: Desk, document: Json) -> None:
    desk.open("r_0", document)
    desk.work(0.8)
    told = [m for m in desk.messages() if "points" in m]
    steps = [point["step"] for message in told for point in message["points"]]
    assert steps == sorted(set(steps))
    assert steps[:500] == list(range(500))
    assert sum(1 for message in told if message["payload"]) >= 3
    for message in told:
        if message["payload"] and message["points"]:
            assert message["points"][-1]["step"] <= message["state"]["step"]


def test_frames_take_no_more_than_their_share(desk: Desk, document: Json) -> None:
    desk.open("r_0", document)
    desk.work(0.1)
    for k in range(100):
        desk.send(
            type="frame", id=k + 1, run="r_0", after=-1,
            probes=[{"kind": "surface", "size": 100}],
        )  # fmt: skip
    desk.work(0.6)
    answered = [m for m in desk.messages() if m.get("re", 0) > 0]
    assert 1 <= len(answered) < 100
    # Paused, all are answered at once.
    desk.send(type="command", id=999, run="r_0", command={"type": "pause"}, revision=2)
    desk.work(0.5)
    assert len([m for m in desk.messages() if 0 < m.get("re", 0) < 999]) == 100


def test_the_engine_refusing_is_an_answer(desk: Desk, document: Json) -> None:
    document["colour"] = "red"
    desk.open("r_0", document)
    desk.send(type="weights", id=5, run="r_0")
    desk.work(0.3)
    answers = {m["re"]: m for m in desk.messages() if "re" in m}
    assert answers[0]["status"] == 422
    assert answers[0]["problems"][0]["code"] == "unknown_key"
    assert answers[5]["status"] == 404


def test_a_fault_in_one_run_leaves_the_others_alone(
    desk: Desk, document: Json, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    desk.open("r_0", document)
    desk.open("r_1", document)
    desk.work(0.1)

    def break_down(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.worker.runs["r_0"].trainer, "advance", break_down)
    monkeypatch.setattr(desk.worker.runs["r_1"].trainer, "measure", break_down)
    desk.send(type="frame", id=7, run="r_1", after=-1, probes=[{"kind": "weights"}])
    step = desk.worker.runs["r_1"].trainer.step_number
    desk.work(0.3)
    told = desk.messages()
    last = [m for m in told if m.get("event") == "progress" and m["run"] == "r_0"][-1]
    assert (last["state"]["status"], last["payload"]) == ("failed", 0)
    assert last["state"]["reason"]["code"] == "training_fault"
    assert next(m for m in told if m.get("re") == 7)["status"] == 500
    assert desk.worker.runs["r_1"].trainer.step_number > step
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_messages_survive_the_pipe() -> None:
    sizes, payload = join({"a": b"12", "b": b"", "c": b"345"})
    assert split(sizes, payload) == {"a": b"12", "b": b"", "c": b"345"}
    packed = pack({"name": "圆"}, payload)
    header, size = PREFIX.unpack(packed[:8])
    assert json.loads(packed[8 : 8 + header]) == {"name": "圆"}
    assert packed[8 + header :] == payload
    assert size == 5
    with pytest.raises(ValueError, match="JSON"):
        pack({"loss": float("nan")})
