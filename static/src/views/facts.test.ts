import { expect, test } from 'vitest'
import { Frame } from '../frame'
import type { CompiledNode, Document } from '../protocol.gen'
import { activationOf, neuronFacts, parameterFacts, type Surroundings } from './facts'
import { formula, plain } from './paint/formula'

/** A frame of f32 tensors, as the server sends it. */
function frameOf(tensors: Record<string, { shape: number[]; values: number[] }>): Frame {
  let end = 0
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, values }]) => {
      const place = [end, (end += 4 * values.length)]
      return [name, { dtype: 'F32', shape, data_offsets: place }]
    }),
  )
  const json = JSON.stringify(header)
  const text = new TextEncoder().encode(json + ' '.repeat((8 - (json.length % 8)) % 8))
  const all = new Uint8Array(8 + text.length + end)
  new DataView(all.buffer).setBigUint64(0, BigInt(text.length), true)
  all.set(text, 8)
  const values = Object.values(tensors).flatMap((tensor) => tensor.values)
  all.set(new Uint8Array(Float32Array.from(values).buffer), 8 + text.length)
  return new Frame(all.buffer)
}

const h1: CompiledNode = {
  id: 'h1',
  kind: 'dense',
  inputs: ['input'],
  input_shapes: [[2]],
  output_shape: [3],
  parameters: 9,
  tensors: [
    { name: 'weight', shape: [2, 3] },
    { name: 'bias', shape: [3] },
  ],
  activation_bytes: 0,
  multiply_adds: 0,
}

const around: Surroundings = {
  network: 'model',
  document: {
    networks: { model: [{ id: 'h1', kind: 'dense', units: 3, activation: { kind: 'tanh' } }] },
  } as unknown as Document,
  compiled: { input_shape: [2], nodes: [h1] },
  features: ['x', 'x²'],
  kinds: [],
}

const frame = frameOf({
  'weights/model.h1.weight': { shape: [2, 3], values: [1, 2, 3, 4, 5, 6] },
  'weights/model.h1.bias': { shape: [3], values: [-1, -2, -3] },
  'gradients/model.h1.weight': { shape: [2, 3], values: [0, 0, 0, 0, 0, 0.5] },
  'trace/input': { shape: [2], values: [0.5, 0.25] },
  'trace/model.h1': { shape: [3], values: [0, 0, 0.9] },
  'trace/model.h1.before': { shape: [3], values: [0, 0, 1.5] },
})

test('a neuron takes its column of the weights', () => {
  const facts = neuronFacts(frame, around, 'h1', 2)
  expect(facts && plain(formula(facts))).toBe('a = tanh(3.00·x + 6.00·x² − 3.00)')
  expect(facts).toMatchObject({ sum: 1.5, name: 'h1₃', source: 'input' })
  expect(facts?.activated).toBeCloseTo(0.9)
  expect([...Array.from(facts?.gradients ?? [])]).toEqual([0, 0.5])
  expect(neuronFacts(Frame.empty, around, 'h1', 2)).toBeNull()
})

test('a weight and a bias are found by their index', () => {
  const index = [1, 2]
  const place = {
    type: 'weight',
    network: 'model',
    node: 'h1',
    parameter: 'weight',
    index,
  } as const
  expect(parameterFacts(frame, around, place)).toMatchObject({
    parameter: 'model.h1.weight',
    from: 'x²',
    to: 'h1₃',
    value: 6,
    gradient: 0.5,
  })
  const bias = { type: 'bias', network: 'model', node: 'h1', unit: 1 } as const
  expect(parameterFacts(frame, around, bias)).toMatchObject({
    parameter: 'model.h1.bias',
    index: [1],
    from: null,
    value: -2,
    gradient: null,
  })
})

test('an activation that is not written is the default of the kind', () => {
  expect(activationOf(around, 'h1')).toBe('tanh')
  const bare = { networks: { model: [{ id: 'h1', kind: 'dense' }] } } as unknown as Document
  expect(activationOf({ ...around, document: bare }, 'h1')).toBe('linear')
})
