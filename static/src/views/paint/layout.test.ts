import { expect, test } from 'vitest'
import type { CompiledNode } from '../../protocol.gen'
import { layoutNetwork } from './layout'

function node(
  id: string,
  inputs: string[],
  ins: number[],
  out: number[],
  kind = 'dense',
): CompiledNode {
  const weight = { name: 'weight', shape: [...ins, ...out] }
  return {
    id,
    kind,
    inputs,
    input_shapes: [ins],
    output_shape: out,
    parameters: 0,
    tensors: kind === 'dense' ? [weight] : [],
    activation_bytes: 0,
    multiply_adds: 0,
  }
}

const small = {
  inputShape: [2],
  nodes: [
    node('h1', ['input'], [2], [4]),
    node('drop', ['h1'], [4], [4], 'dropout'),
    node('out', ['drop'], [4], [1]),
  ],
}

test('columns stand below the cards of the builder, or evenly', () => {
  const even = layoutNetwork(small, {}, 400, 300)
  expect(even.columns.map(({ x }) => x)).toEqual([50, 150, 250, 350])
  const places = { input: 60, h1: 200, drop: 330, out: 390 }
  const given = Object.fromEntries(Object.entries(places).map(([id, x]) => [id, { x, width: 90 }]))
  expect(layoutNetwork(small, given, 400, 300).columns.map(({ x }) => x)).toEqual([
    60, 200, 330, 390,
  ])
})

test('units share one pitch, are centred and stay within the height', () => {
  const { columns, height } = layoutNetwork(small, {}, 400, 300)
  const [input, h1, drop, out] = columns
  expect(height).toBe(300)
  expect(h1?.ys).toHaveLength(4)
  expect(drop?.ys).toEqual(h1?.ys)
  const middle = (ys: number[] | undefined) => ((ys?.[0] ?? 0) + (ys?.at(-1) ?? 0)) / 2
  expect(middle(input?.ys)).toBeCloseTo(middle(h1?.ys))
  expect(middle(out?.ys)).toBeCloseTo(middle(h1?.ys))
  expect(columns.map(({ form }) => form)).toEqual(['neurons', 'neurons', 'ports', 'neurons'])
})

test('a layer of many units is a card, and the picture grows where rows do not fit', () => {
  const wide = { inputShape: [16], nodes: [node('h1', ['input'], [16], [128])] }
  const { columns, edges, height } = layoutNetwork(wide, {}, 400, 200)
  expect(columns[1]).toMatchObject({ form: 'card', ys: [] })
  expect(edges[0]?.look).toBe('ribbon')
  expect(height).toBeGreaterThan(200)
})

test('edges: weights, pass, and arcs in lanes of their own', () => {
  const skip = {
    inputShape: [2],
    nodes: [
      node('h1', ['input'], [2], [2]),
      node('h2', ['h1'], [2], [2]),
      node('add', ['h2', 'h1'], [2], [2], 'add'),
      node('cat', ['add', 'input'], [2], [4], 'concat'),
    ],
  }
  const { edges } = layoutNetwork(skip, {}, 500, 300)
  expect(edges.map(({ look }) => look)).toEqual([
    'weights',
    'weights',
    'pass',
    'arc',
    'pass',
    'arc',
  ])
  expect(edges.map(({ offset }) => offset)).toEqual([0, 0, 0, 0, 0, 2])
  const arcs = edges.filter(({ look }) => look === 'arc')
  expect(arcs[1]?.crown).toBeLessThan(arcs[0]?.crown ?? 0)
})

test('a layer whose shape could not be worked out is a card', () => {
  const broken = {
    inputShape: [2],
    nodes: [{ ...node('h1', ['input'], [2], [2]), output_shape: null }],
  }
  expect(layoutNetwork(broken, {}, 400, 300).columns[1]?.form).toBe('card')
})

test('names of inputs that find no room below begin the links', () => {
  const many = { inputShape: [16], nodes: [node('h1', ['input'], [16], [3])] }
  const [plain] = layoutNetwork(many, {}, 400, 300).columns
  const [named] = layoutNetwork(many, {}, 400, 300, { names: 70 }).columns
  expect((named?.right ?? 0) - (plain?.right ?? 0)).toBe(70)
  expect(layoutNetwork(small, {}, 400, 300, { names: 70 }).columns[0]?.right).toBe(
    layoutNetwork(small, {}, 400, 300).columns[0]?.right,
  )
})
