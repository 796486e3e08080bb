/** What is known of one neuron at this moment, gathered from the frame, the document and its shapes. */

import { kindOf, nodeOf } from '../document'
import type { Frame } from '../frame'
import type { CompiledNetwork, CompiledNode, Data, Document, Kind } from '../protocol.gen'
import type { Selection } from '../store.svelte'
import type { Neuron } from './paint/formula'
import { denseWeight, units } from './paint/layout'
import { subscript } from './paint/number'
import { tensorOf } from './paint/scene'

export interface Surroundings {
  network: string
  document: Document
  compiled: CompiledNetwork | undefined
  /** Names of the network's inputs, as people read them. */
  features: readonly string[]
  kinds: Kind[]
}

export interface NeuronFacts extends Neuron {
  name: string
  /** The node or `input` whose units are weighed. */
  source: string
  gradients: ArrayLike<number> | null
  biasGradient: number | null
  /** Of the input that is followed: what comes in, the sum, and what goes out. */
  values: ArrayLike<number> | null
  sum: number | null
  activated: number | null
}

/** The names of the network's inputs, in the words that the catalogue has for them. */
export function featureNames(data: Data | null, dataset: Kind | undefined): string[] {
  const labels = dataset?.schema.properties.features?.labels
  return (data?.features ?? []).map((name) => labels?.[name] ?? name)
}

/** `x₁` of the input features, `h1₃` of a layer: counted from one, as people do. */
export function unitName(column: string, unit: number, features: readonly string[] = []): string {
  return column === 'input'
    ? (features[unit] ?? `x${subscript(unit + 1)}`)
    : column + subscript(unit + 1)
}

export function compiledNode({ compiled }: Surroundings, id: string): CompiledNode | null {
  return compiled?.nodes.find((node) => node.id === id) ?? null
}

/** The kind of a node's activation; what is not written is the default of the node's kind. */
export function activationOf({ document, network, kinds }: Surroundings, id: string): string {
  const node = nodeOf(document, network, id)
  const kind = kinds.find(({ kind }) => kind === node?.kind)
  return kindOf(node?.activation ?? kind?.schema.properties.activation?.default) || 'linear'
}

function columnOf(
  data: ArrayLike<number> | undefined,
  rows: number,
  columns: number,
  column: number,
): Float32Array | null {
  if (data?.length !== rows * columns) return null
  return Float32Array.from({ length: rows }, (_, row) => data[row * columns + column] ?? 0)
}

/** Null where the node is not one of neurons, or nothing is measured yet. */
export function neuronFacts(
  frame: Frame,
  around: Surroundings,
  id: string,
  unit: number,
): NeuronFacts | null {
  const { network, features } = around
  const node = compiledNode(around, id)
  const dense = denseWeight(node)
  if (!node || !dense) return null
  const [rows, columns] = dense
  const weights = columnOf(
    frame.tensor(`weights/${network}.${id}.weight`)?.data,
    rows,
    columns,
    unit,
  )
  if (!weights) return null
  const source = node.inputs[0] ?? 'input'
  const bias = frame.tensor(`weights/${network}.${id}.bias`)?.data[unit]
  const gradients = frame.tensor(`gradients/${network}.${id}.weight`)?.data
  const values = tensorOf(frame, 'trace', network, source)?.data
  return {
    name: unitName(id, unit),
    source,
    activation: activationOf(around, id),
    names: Array.from({ length: rows }, (_, row) => unitName(source, row, features)),
    weights,
    bias: bias ?? null,
    gradients: columnOf(gradients, rows, columns, unit),
    biasGradient: frame.tensor(`gradients/${network}.${id}.bias`)?.data[unit] ?? null,
    values: values?.length === rows ? values : null,
    sum: tensorOf(frame, 'trace', network, id, '.before')?.data[unit] ?? null,
    activated: tensorOf(frame, 'trace', network, id)?.data[unit] ?? null,
  }
}

export interface ParameterFacts {
  /** `model.h1.weight` */
  parameter: string
  index: number[]
  node: string
  /** Ends of a weight; of a bias only `to`. */
  from: string | null
  to: string
  value: number | null
  gradient: number | null
}

/** What a selected weight or bias is. */
export function parameterFacts(
  frame: Frame,
  around: Surroundings,
  place: Selection & { type: 'weight' | 'bias' },
): ParameterFacts | null {
  const { network, features } = around
  const node = compiledNode(around, place.node)
  if (!node) return null
  const name = place.type === 'bias' ? 'bias' : place.parameter
  const index = place.type === 'bias' ? [place.unit] : place.index
  const shape = node.tensors.find((tensor) => tensor.name === name)?.shape
  if (shape?.length !== index.length) return null
  const flat = index.reduce((place, step, axis) => place * (shape[axis] ?? 1) + step, 0)
  const full = `${network}.${place.node}.${name}`
  const isLink = name === 'weight' && index.length === 2
  return {
    parameter: full,
    index,
    node: place.node,
    from: isLink ? unitName(node.inputs[0] ?? 'input', index[0] ?? 0, features) : null,
    to: unitName(place.node, index.at(-1) ?? 0),
    value: frame.tensor(`weights/${full}`)?.data[flat] ?? null,
    gradient: frame.tensor(`gradients/${full}`)?.data[flat] ?? null,
  }
}

/** How many units a column has, for walking through them. */
export function unitsOf(around: Surroundings, id: string): number {
  return units(
    id === 'input'
      ? (around.compiled?.input_shape ?? null)
      : (compiledNode(around, id)?.output_shape ?? null),
  )
}
