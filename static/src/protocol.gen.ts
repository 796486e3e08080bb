// Generated from app/protocol.py by `python -m app.protocol_types`. Do not edit.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type Probe = Part;

export type Status = "created" | "running" | "paused" | "finished" | "diverged" | "failed" | "recovering";

export type Metrics = Record<string, number | null>;

export type Task = "classification" | "regression";

export type PartOrKind = string | Part;

export type Command = RunCommand | PauseCommand | StepCommand | ResetCommand | EditCommand | SetCommand | SetParameterCommand | SpeedCommand;

export type BrowserMessage = FrameRequest | PointsRequest | CommandRequest;

export type ServerMessage = Hello | RunMessage | PointsMessage | Ack | ProblemMessage | Gone;

export interface Ack {
  type: "ack";
  key: string;
  run: RunState;
}

export interface Catalogue {
  families: Record<string, Kind[]>;
  document: Settings;
  training: Settings;
  stop: Settings;
  limits: Record<string, number>;
}

export interface Column {
  name: string;
  type: "number" | "category" | "ignore";
  missing: number;
  distinct: number;
  example: string;
}

export interface CommandRequest {
  type: "command";
  key: string;
  command: Command;
}

export interface Compile {
  document: Document;
}

/** What a document comes to. With problems, whatever could be worked out is still there. */
export interface Compiled {
  problems: Problem[];
  networks: Record<string, CompiledNetwork>;
  parameters: number;
  bytes: number;
  data: CompiledData | null;
}

export interface CompiledData {
  task: Task;
  input_shape: number[];
  columns: string[];
  classes: string[] | null;
  plane: boolean;
  line: boolean;
  train: number;
  test: number;
}

export interface CompiledNetwork {
  input_shape: number[] | null;
  nodes: CompiledNode[];
}

export interface CompiledNode {
  id: string;
  kind: string;
  inputs: string[];
  input_shapes: (number[] | null)[];
  output_shape: number[] | null;
  parameters: number;
  tensors: Tensor[];
  activation_bytes: number;
  multiply_adds: number;
}

export interface Counts {
  train: number;
  test: number;
}

/** A new run: of a document, or (`from_run`) the copy of a run with its weights and history, edited to `document` where both are given. */
export interface CreateRun {
  document?: Document | null;
  start?: boolean;
  from_run?: string | null;
}

/** A data set in raw units, at most 2,000 rows of each part. */
export interface Data {
  task: Task;
  plane: boolean;
  line: boolean;
  columns: string[];
  target: string;
  classes: string[] | null;
  levels: (string[] | null)[] | null;
  train: DataRows;
  test: DataRows;
  counts: Counts;
  bounds: [number, number][] | null;
  notes: Note[];
  features: string[];
  source: Source | null;
}

export interface DataRequest {
  data: Part;
  seed?: number;
}

export interface DataRows {
  inputs: ((number | string | null)[])[];
  targets: number[];
}

/** An experiment: what a person saves, shares and posts. */
export interface Document {
  format: 1;
  name: string;
  seed: number;
  data: Part;
  recipe: PartOrKind;
  networks: Record<string, Node[]>;
  loss?: string | Part | null;
  optimizer: PartOrKind;
  training: Record<string, Json>;
}

/** Replace the document; parameters of nodes whose id and shapes stayed are kept. */
export interface EditCommand {
  revision?: number | null;
  type: "edit";
  document: Document;
}

export interface Example {
  id: string;
  title: string;
  notice: string;
  group: string;
  document: Document;
}

/** Ask for one frame that is not of version `after` (null: at once). */
export interface FrameRequest {
  type: "frame";
  probes: Part[];
  after?: number | null;
}

export interface Gone {
  type: "gone";
}

export interface Health {
  status: "ok";
  version: string;
  workers: number;
}

export interface Hello {
  type: "hello";
  protocol: number;
  run: RunState;
}

/** One part that can be chosen. The last fields are facts of some families only. */
export interface Kind {
  kind: string;
  title: string;
  summary: string;
  description: string;
  group: string;
  schema: Settings;
  arity?: [number, number] | null;
  plane?: boolean | null;
  line?: boolean | null;
  networks?: string[] | null;
  uses?: string[] | null;
  tasks?: string[] | null;
}

/** One layer of a stack. */
export interface Node {
  kind: string;
  id: string;
  inputs?: string[] | null;
  frozen?: boolean;
  [setting: string]: Json | undefined;
}

export interface Note {
  code: string;
  message: string;
  values: Record<string, Json>;
}

/** One choice: a `kind` and the settings of that kind. */
export interface Part {
  kind: string;
  [setting: string]: Json | undefined;
}

export interface PauseCommand {
  revision?: number | null;
  type: "pause";
}

/** Losses and accuracies after `step` updates. */
export interface Point {
  step: number;
  epoch: number;
  values: Metrics;
}

export interface Points {
  points: Point[];
}

/** Points in order and without gap; `restart`: throw the old ones away. */
export interface PointsMessage {
  type: "points";
  points: Point[];
  restart: boolean;
  curve: number;
}

/** Subscribe to the points after a step of the given curve (null: from the first). */
export interface PointsRequest {
  type: "points";
  after?: number | null;
  curve?: number | null;
}

/** Raw inputs, one row each, as in the data. */
export interface Predict {
  inputs: ((number | string | null)[])[];
}

export interface Prediction {
  outputs: ((number | null)[])[];
  probabilities: ((number | null)[])[] | null;
  classes: string[] | null;
  predictions: Json[];
}

/** What is wrong, where, and how to mend it. `code` and `values` never change language. */
export interface Problem {
  path: (string | number)[];
  code: string;
  message: string;
  hint: string;
  values: Record<string, Json>;
}

/** RFC 9457 `application/problem+json`. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  problems: Problem[];
  run: RunState | null;
}

/** A refused message: a command (with its `key`) or anything else (`key` null). */
export interface ProblemMessage {
  type: "problem";
  key: string | null;
  status: number;
  title: string;
  problems: Problem[];
  run: RunState | null;
}

export interface Rename {
  name: string;
}

/** Back to step 0, with the same initial weights or those of a new seed. */
export interface ResetCommand {
  revision?: number | null;
  type: "reset";
  new_seed?: boolean;
}

/** Start, or go on. */
export interface RunCommand {
  revision?: number | null;
  type: "run";
}

export interface RunMessage {
  type: "run";
  run: RunState;
}

/** A run as the list and the transport bar show it. `revision` counts acknowledged commands; `curve` counts the times its loss points were started afresh or cut. */
export interface RunState {
  id: string;
  name: string;
  status: Status;
  reason: Problem | null;
  revision: number;
  curve: number;
  step: number;
  epoch: number;
  speed: number | null;
  document: Document;
  metrics: Metrics;
  created: string;
  updated: string;
  steps_per_second: number;
}

/** Change one place of the document. */
export interface SetCommand {
  revision?: number | null;
  type: "set";
  path: (string | number)[];
  value: Json;
}

/** Change one weight or bias. */
export interface SetParameterCommand {
  revision?: number | null;
  type: "set_parameter";
  parameter: string;
  index: number[];
  value: number;
}

/** What a form needs to know of one setting. */
export interface Setting {
  type?: "integer" | "number" | "boolean" | "string" | "array" | "object" | null;
  family?: string | null;
  default?: Json;
  title?: string;
  description?: string;
  unit?: string | null;
  scale?: "linear" | "log" | null;
  minimum?: number | null;
  maximum?: number | null;
  exclusiveMinimum?: number | null;
  exclusiveMaximum?: number | null;
  enum?: Json[] | null;
  labels?: Record<string, string> | null;
  items?: Record<string, Json> | null;
  nullable?: boolean | null;
  hidden?: boolean | null;
  [setting: string]: Json | undefined;
}

export interface Settings {
  properties: Record<string, Setting>;
}

export interface Source {
  title: string;
  url: string;
  licence: string;
}

/** Train at most so many steps a second; null: flat out. */
export interface SpeedCommand {
  revision?: number | null;
  type: "speed";
  steps_per_second: number | null;
}

/** Train so many steps or epochs, then pause. */
export interface StepCommand {
  revision?: number | null;
  type: "step";
  count?: number;
  unit?: "step" | "epoch";
}

export interface Suggestion {
  target: string;
  task: Task;
}

/** An uploaded CSV: what was found in it. */
export interface Table {
  id: string;
  name: string;
  rows: number;
  columns: Column[];
  suggestion: Suggestion;
  preview: string[][];
}

export interface Tensor {
  name: string;
  shape: number[];
}
