"""Every message between the browser (or any REST client) and the server, both ways.

This module is the only source of the TypeScript types: `python -m app.protocol_types` writes
`static/src/protocol.gen.ts` from it. What comes in is checked strictly: unknown keys, numbers in
quotation marks and non-finite numbers are refused. A document is opaque here; the engine
reads it and names its problems.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, JsonValue
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

PROTOCOL = 1
"""Version of the live protocol, told in `hello`."""

MAX_NAME = 120
RUN_ID = r"^r_[0-9a-z]{16}$"
TABLE_ID = r"^t_[0-9a-z]{16}$"


class Incoming(BaseModel):
    """A message from a client."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Outgoing(BaseModel):
    """A message from the server: every field is always there."""

    model_config = ConfigDict(
        extra="forbid", json_schema_serialization_defaults_required=True, allow_inf_nan=False
    )


class ShownAs:
    """Annotation: plain JSON whose schema is that of `model`, which does not validate it."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(self.model.__pydantic_core_schema__)


# --- the document and the catalogue: the engine's, relayed as JSON ---------------------------


class Part(BaseModel):
    """One choice: a `kind` and the settings of that kind."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    kind: str


class Node(Part):
    """One layer of a stack."""

    id: str
    inputs: list[str] | None = None
    frozen: bool = False


PartOrKind = str | Part
Probe = Part
"""A measurement to ask for, such as `{"kind": "responses", "size": 32}`."""


class Document(BaseModel):
    """An experiment: what a person saves, shares and posts."""

    format: Literal[1]
    name: str
    seed: int
    data: Part
    recipe: PartOrKind
    networks: dict[str, list[Node]]
    loss: PartOrKind | None = None
    optimizer: PartOrKind
    training: dict[str, JsonValue]


AnyDocument = Annotated[dict[str, JsonValue], ShownAs(Document)]
AnyPart = Annotated[dict[str, JsonValue], ShownAs(Part)]


class Setting(Outgoing):
    """What a form needs to know of one setting."""

    type: Literal["integer", "number", "boolean", "string", "array", "object"] | None = None
    family: str | None = None
    default: JsonValue = None
    title: str = ""
    description: str = ""
    unit: str | None = None
    scale: Literal["linear", "log"] | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: Annotated[float | None, Field(alias="exclusiveMinimum")] = None
    exclusive_maximum: Annotated[float | None, Field(alias="exclusiveMaximum")] = None
    enum: list[JsonValue] | None = None
    labels: dict[str, str] | None = None
    items: dict[str, JsonValue] | None = None
    nullable: bool | None = None
    hidden: bool | None = None

    model_config = ConfigDict(
        extra="allow", json_schema_serialization_defaults_required=False, populate_by_name=True
    )
    __pydantic_extra__: dict[str, JsonValue]


class Settings(Outgoing):
    properties: dict[str, Setting]


class Kind(Outgoing):
    """One part that can be chosen. The last fields are facts of some families only."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    kind: str
    title: str
    summary: str
    description: str
    group: str
    settings: Annotated[Settings, Field(alias="schema")]
    arity: tuple[int, int] | None = None
    plane: bool | None = None
    line: bool | None = None
    networks: list[str] | None = None
    uses: list[str] | None = None
    tasks: list[str] | None = None


class Catalogue(Outgoing):
    families: dict[str, list[Kind]]
    document: Settings
    training: Settings
    stop: Settings
    limits: dict[str, float]


class Example(Outgoing):
    id: str
    title: str
    notice: str
    group: str
    document: AnyDocument


# --- problems --------------------------------------------------------------------------------


class Problem(Outgoing):
    """What is wrong, where, and how to mend it. `code` and `values` never change language."""

    path: list[str | int] = []
    code: str
    message: str
    hint: str = ""
    values: dict[str, JsonValue] = {}


class ProblemDetails(Outgoing):
    """RFC 9457 `application/problem+json`."""

    type: str = "about:blank"
    title: str
    status: int
    problems: list[Problem] = []
    run: "RunState | None" = None


# --- runs ------------------------------------------------------------------------------------

Status = Literal["created", "running", "paused", "finished", "diverged", "failed", "recovering"]
Metrics = dict[str, float | None]


class RunState(Outgoing):
    """A run as the list and the transport bar show it. `revision` counts acknowledged commands;
    `curve` counts the times its loss points were started afresh or cut."""

    id: str
    name: str
    status: Status
    reason: Problem | None
    revision: int
    curve: int
    step: int
    epoch: float
    speed: float | None
    document: AnyDocument
    metrics: Metrics
    created: str
    updated: str
    steps_per_second: float


class Point(Outgoing):
    """Losses and accuracies after `step` updates."""

    step: int
    epoch: float
    values: Metrics


class Points(Outgoing):
    points: list[Point]


class CreateRun(Incoming):
    """A new run: of a document, or (`from_run`) the copy of a run with its weights and history,
    edited to `document` where both are given."""

    document: AnyDocument | None = None
    start: bool = False
    from_run: str | None = None


class Rename(Incoming):
    name: str = Field(min_length=1, max_length=MAX_NAME)


class _Command(Incoming):
    revision: int | None = None


class RunCommand(_Command):
    """Start, or go on."""

    type: Literal["run"]


class PauseCommand(_Command):
    type: Literal["pause"]


class StepCommand(_Command):
    """Train so many steps or epochs, then pause."""

    type: Literal["step"]
    count: int = Field(default=1, ge=1, le=1_000_000_000)
    unit: Literal["step", "epoch"] = "step"


class ResetCommand(_Command):
    """Back to step 0, with the same initial weights or those of a new seed."""

    type: Literal["reset"]
    new_seed: bool = False


class EditCommand(_Command):
    """Replace the document; parameters of nodes whose id and shapes stayed are kept."""

    type: Literal["edit"]
    document: AnyDocument


class SetCommand(_Command):
    """Change one place of the document."""

    type: Literal["set"]
    path: list[str | int] = Field(min_length=1, max_length=16)
    value: JsonValue


class SetParameterCommand(_Command):
    """Change one weight or bias."""

    type: Literal["set_parameter"]
    parameter: str
    index: list[int] = Field(max_length=8)
    value: float


class SpeedCommand(_Command):
    """Train at most so many steps a second; null: flat out."""

    type: Literal["speed"]
    steps_per_second: float | None = Field(gt=0, le=1e6)


Command = Annotated[
    RunCommand
    | PauseCommand
    | StepCommand
    | ResetCommand
    | EditCommand
    | SetCommand
    | SetParameterCommand
    | SpeedCommand,
    Field(discriminator="type"),
]


# --- questions without a run, and about one --------------------------------------------------


class Compile(Incoming):
    document: AnyDocument


class Tensor(Outgoing):
    name: str
    shape: list[int]


class CompiledNode(Outgoing):
    id: str
    kind: str
    inputs: list[str]
    input_shapes: list[list[int] | None]
    output_shape: list[int] | None
    parameters: int
    tensors: list[Tensor]
    activation_bytes: int
    multiply_adds: int


class CompiledNetwork(Outgoing):
    input_shape: list[int] | None
    nodes: list[CompiledNode]


Task = Literal["classification", "regression"]


class CompiledData(Outgoing):
    task: Task
    input_shape: list[int]
    columns: list[str]
    classes: list[str] | None
    plane: bool
    line: bool
    train: int
    test: int


class Compiled(Outgoing):
    """What a document comes to. With problems, whatever could be worked out is still there."""

    problems: list[Problem]
    networks: dict[str, CompiledNetwork]
    parameters: int
    bytes: int
    data: CompiledData | None


class DataRequest(Incoming):
    data: AnyPart
    seed: int = 0


class Note(Outgoing):
    code: str
    message: str
    values: dict[str, JsonValue] = {}


class DataRows(Outgoing):
    inputs: list[list[float | str | None]]
    targets: list[float]


class Counts(Outgoing):
    train: int
    test: int


class Source(Outgoing):
    title: str
    url: str
    licence: str


class Data(Outgoing):
    """A data set in raw units, at most 2,000 rows of each part."""

    task: Task
    plane: bool
    line: bool
    columns: list[str]
    target: str
    classes: list[str] | None
    levels: list[list[str] | None] | None
    train: DataRows
    test: DataRows
    counts: Counts
    bounds: list[tuple[float, float]] | None
    notes: list[Note]
    features: list[str]
    source: Source | None


class Predict(Incoming):
    """Raw inputs, one row each, as in the data."""

    inputs: list[list[float | str | None]] = Field(min_length=1, max_length=10_000)


class Prediction(Outgoing):
    outputs: list[list[float | None]]
    probabilities: list[list[float | None]] | None = None
    classes: list[str] | None = None
    predictions: list[JsonValue]


class Column(Outgoing):
    name: str
    type: Literal["number", "category", "ignore"]
    missing: int
    distinct: int
    example: str


class Suggestion(Outgoing):
    target: str
    task: Task


class Table(Outgoing):
    """An uploaded CSV: what was found in it."""

    id: str
    name: str
    rows: int
    columns: list[Column]
    suggestion: Suggestion
    preview: list[list[str]]


class Health(Outgoing):
    status: Literal["ok"]
    version: str
    workers: int


# --- the live socket -------------------------------------------------------------------------


class FrameRequest(Incoming):
    """Ask for one frame that is not of version `after` (null: at once)."""

    type: Literal["frame"]
    probes: list[AnyPart] = Field(max_length=32)
    after: int | None = None


class PointsRequest(Incoming):
    """Subscribe to the points after a step of the given curve (null: from the first)."""

    type: Literal["points"]
    after: int | None = None
    curve: int | None = None


class CommandRequest(Incoming):
    type: Literal["command"]
    key: str = Field(min_length=1, max_length=100)
    command: Command


BrowserMessage = Annotated[
    FrameRequest | PointsRequest | CommandRequest, Field(discriminator="type")
]


class Hello(Outgoing):
    type: Literal["hello"] = "hello"
    protocol: int = PROTOCOL
    run: RunState


class RunMessage(Outgoing):
    type: Literal["run"] = "run"
    run: RunState


class PointsMessage(Outgoing):
    """Points in order and without gap; `restart`: throw the old ones away."""

    type: Literal["points"] = "points"
    points: list[Point]
    restart: bool
    curve: int


class Ack(Outgoing):
    type: Literal["ack"] = "ack"
    key: str
    run: RunState


class ProblemMessage(Outgoing):
    """A refused message: a command (with its `key`) or anything else (`key` null)."""

    type: Literal["problem"] = "problem"
    key: str | None
    status: int
    title: str
    problems: list[Problem]
    run: RunState | None


class Gone(Outgoing):
    type: Literal["gone"] = "gone"


ServerMessage = Annotated[
    Hello | RunMessage | PointsMessage | Ack | ProblemMessage | Gone, Field(discriminator="type")
]


def plain(value: BaseModel) -> dict[str, Any]:
    """The JSON form of a message, under the names used on the wire."""
    return value.model_dump(mode="json", by_alias=True)
