/** Pure edits of a document. None of them changes what it is given. */
import type { Compiled, Document, Json, Kind, Node, Part, PartOrKind, Task } from './protocol.gen'

export type Path = readonly (string | number)[]

/** What the first node of a stack takes. */
export const INPUT = 'input'

/** A document before anything is loaded. */
export const BLANK: Document = {
  format: 1,
  name: '',
  seed: 0,
  data: { kind: 'circle' },
  recipe: 'supervised',
  networks: { model: [] },
  loss: 'cross_entropy',
  optimizer: 'sgd',
  training: {},
}

export function kindOf(part: unknown): string {
  if (typeof part === 'string') return part
  return part !== null && typeof part === 'object' && 'kind' in part ? String(part.kind) : ''
}

/** The part with its kind, also when only the kind is written. */
export function asPart(part: PartOrKind): Part {
  return typeof part === 'string' ? { kind: part } : part
}

/** Only the kind where nothing else is set. */
export function shortened(part: Part): PartOrKind {
  return Object.keys(part).length === 1 ? part.kind : part
}

export function valueAt(value: unknown, path: Path): unknown {
  let here = value
  for (const step of path) {
    if (here === null || typeof here !== 'object') return undefined
    here = (here as Record<string | number, unknown>)[step]
  }
  return here
}

/** A copy with one place replaced; `undefined` takes the place out. A bare kind on the way becomes a part. */
export function withValue<T>(value: T, path: Path, next: unknown): T {
  const [step, ...rest] = path
  if (step === undefined) return next as T
  if (Array.isArray(value)) {
    const copy: unknown[] = [...(value as unknown[])]
    copy[Number(step)] = withValue(copy[Number(step)], rest, next)
    return copy as T
  }
  const source = typeof value === 'string' ? { kind: value } : (value ?? {})
  const copy: Record<string, unknown> = { ...(source as Record<string, unknown>) }
  const inner = withValue(copy[step], rest, next)
  if (inner === undefined) Reflect.deleteProperty(copy, step)
  else copy[step] = inner
  return copy as T
}

export function stack(document: Document, network: string): Node[] {
  return document.networks[network] ?? []
}

export function nodeOf(document: Document, network: string, id: string): Node | undefined {
  return stack(document, network).find((node) => node.id === id)
}

/** The ids that a node takes: those it names, or the one before it. */
export function inputsOf(nodes: readonly Node[], index: number): string[] {
  const named = nodes[index]?.inputs
  if (named?.length) return [...named]
  return [index === 0 ? INPUT : (nodes[index - 1]?.id ?? INPUT)]
}

function withStack(document: Document, network: string, nodes: Node[]): Document {
  return { ...document, networks: { ...document.networks, [network]: repaired(nodes) } }
}

/** A node can only take earlier ones: other names are dropped, and no name left means the one before. */
function repaired(nodes: Node[]): Node[] {
  const earlier = new Set([INPUT])
  return nodes.map((node) => {
    let fixed = node
    if (node.inputs) {
      const kept = node.inputs.filter((id) => earlier.has(id))
      if (kept.length !== node.inputs.length) fixed = withInputs(node, kept)
    }
    earlier.add(node.id)
    return fixed
  })
}

function withInputs(node: Node, inputs: string[]): Node {
  const { inputs: _dropped, ...rest } = node
  return inputs.length ? { ...rest, inputs } : rest
}

/** An id that no node of the document has: `dense1`, `dense2`, … */
export function freshId(document: Document, stem: string): string {
  const taken = new Set(Object.values(document.networks).flatMap((nodes) => nodes.map((n) => n.id)))
  const base = stem.replace(/\d+$/, '') || 'node'
  let number = 1
  while (taken.has(`${base}${number}`)) number++
  return `${base}${number}`
}

export function addNode(
  document: Document,
  network: string,
  index: number,
  settings: Part,
): Document {
  const nodes = [...stack(document, network)]
  const id = freshId(document, settings.kind.replace(/[^a-zA-Z0-9_-]/g, ''))
  nodes.splice(index, 0, { ...settings, id, kind: settings.kind })
  return withStack(document, network, nodes)
}

/** Takes a node out; those that took it take what it took. */
export function removeNode(document: Document, network: string, id: string): Document {
  const nodes = stack(document, network)
  const index = nodes.findIndex((node) => node.id === id)
  if (index < 0) return document
  const heirs = inputsOf(nodes, index)
  const left = nodes
    .filter((node) => node.id !== id)
    .map((node) =>
      node.inputs?.includes(id)
        ? withInputs(node, [
            ...new Set(node.inputs.flatMap((input) => (input === id ? heirs : [input]))),
          ])
        : node,
    )
  return withStack(document, network, left)
}

export function duplicateNode(document: Document, network: string, id: string): Document {
  const nodes = [...stack(document, network)]
  const index = nodes.findIndex((node) => node.id === id)
  const node = nodes[index]
  if (!node) return document
  nodes.splice(index + 1, 0, withInputs({ ...node, id: freshId(document, node.id) }, []))
  return withStack(document, network, nodes)
}

/** The same nodes in the order of `ids`. */
export function orderNodes(document: Document, network: string, ids: readonly string[]): Document {
  const nodes = stack(document, network)
  const ordered = ids.flatMap((id) => nodes.filter((node) => node.id === id))
  if (ordered.length !== nodes.length || ordered.every((node, i) => node === nodes[i]))
    return document
  return withStack(document, network, ordered)
}

/** Sets (or with `undefined` takes back) one setting of a node. */
export function setSetting(
  document: Document,
  network: string,
  id: string,
  path: Path,
  value: Json | undefined,
): Document {
  const index = stack(document, network).findIndex((node) => node.id === id)
  return index < 0 ? document : withValue(document, ['networks', network, index, ...path], value)
}

/** Names the inputs of a node; what it would take anyway is not written. */
export function setInputs(
  document: Document,
  network: string,
  id: string,
  inputs: string[],
): Document {
  const nodes = stack(document, network)
  const index = nodes.findIndex((node) => node.id === id)
  const node = nodes[index]
  if (!node) return document
  const [usual] = inputsOf(
    nodes.map((n) => withInputs(n, [])),
    index,
  )
  const plain = inputs.length === 1 && inputs[0] === usual
  return withStack(document, network, nodes.with(index, withInputs(node, plain ? [] : inputs)))
}

/**
 * The document with a last layer and a loss that fit the data: as many outputs as there are classes
 * (one or two for two classes), one for a regression. The loss stays unless the task (`before`) is
 * another than it was. `unitsOf` reads the units of a node; null where it has none.
 */
export function fitOutput(
  document: Document,
  network: string,
  data: { task: Task; classes: string[] | null },
  before: Task | null,
  unitsOf: (node: Node) => number | null,
): Document {
  const classes = data.classes?.length ?? 0
  const fitting = data.task === 'regression' ? [1] : classes === 2 ? [2, 1] : [classes]
  const nodes = stack(document, network)
  const index = nodes.findLastIndex((node) => unitsOf(node) !== null)
  const last = nodes[index]
  let fitted = document
  if (last && !fitting.includes(unitsOf(last) ?? 0))
    fitted = withValue(fitted, ['networks', network, index, 'units'], fitting[0])
  if (!document.loss || !before || before === data.task) return fitted
  // The usual pairs of loss and output: logits for classes, plain sums for values.
  if (last?.activation !== undefined)
    fitted = withValue(fitted, ['networks', network, index, 'activation'], undefined)
  return { ...fitted, loss: data.task === 'regression' ? 'mse' : 'cross_entropy' }
}

/** The part of the catalogue's defaults: only the kind, and settings that have no default. */
export function freshPart(kind: Kind): Part {
  const part: Part = { kind: kind.kind }
  for (const [name, setting] of Object.entries(kind.schema.properties))
    if (setting.default === undefined && setting.type === 'integer')
      part[name] = setting.minimum ?? 1
  return part
}

/** The shape of an edge: what comes out of a node, or the network's input. */
export function shapeOf(compiled: Compiled | null, network: string, id: string): number[] | null {
  const found = compiled?.networks[network]
  if (!found) return null
  return id === INPUT
    ? found.input_shape
    : (found.nodes.find((n) => n.id === id)?.output_shape ?? null)
}
