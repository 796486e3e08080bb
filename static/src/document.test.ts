import { expect, test } from 'vitest'
import {
  addNode,
  BLANK,
  duplicateNode,
  fitOutput,
  inputsOf,
  orderNodes,
  removeNode,
  setInputs,
  setSetting,
  stack,
  valueAt,
  withValue,
} from './document'
import type { Document, Node } from './protocol.gen'

const net = (...nodes: Node[]): Document => ({ ...BLANK, networks: { model: nodes } })
const dense = (id: string, more: Partial<Node> = {}): Node => ({
  id,
  kind: 'dense',
  units: 4,
  ...more,
})
const ids = (document: Document) => stack(document, 'model').map((node) => node.id)

test('a value is replaced in a copy, and a bare kind on the way becomes a part', () => {
  const before = { ...BLANK, optimizer: 'adam' }
  const after = withValue(before, ['optimizer', 'rate'], 0.1)
  expect(after.optimizer).toEqual({ kind: 'adam', rate: 0.1 })
  expect(before.optimizer).toBe('adam')
  expect(after.networks).toBe(before.networks)
  expect(withValue(after, ['optimizer', 'rate'], undefined).optimizer).toEqual({ kind: 'adam' })
  expect(withValue(BLANK, ['training', 'stop', 'loss'], 0.1).training).toEqual({
    stop: { loss: 0.1 },
  })
  expect(valueAt(after, ['optimizer', 'rate'])).toBe(0.1)
  expect(valueAt(after, ['training', 'stop', 'loss'])).toBeUndefined()
})

test('a new node gets an id that no node has', () => {
  const document = addNode(net(dense('dense1'), dense('out')), 'model', 1, {
    kind: 'dense',
    units: 3,
  })
  expect(ids(document)).toEqual(['dense1', 'dense2', 'out'])
  expect(stack(document, 'model')[1]).toEqual({ id: 'dense2', kind: 'dense', units: 3 })
})

test('those that took a removed node take what it took', () => {
  const document = net(dense('a'), dense('b', { inputs: ['a'] }), {
    id: 'sum',
    kind: 'add',
    inputs: ['input', 'b'],
  })
  const removed = removeNode(document, 'model', 'b')
  expect(stack(removed, 'model').at(-1)?.inputs).toEqual(['input', 'a'])
  expect(removeNode(document, 'model', 'nobody')).toBe(document)
})

test('a node that is moved forgets inputs that come after it', () => {
  const document = net(dense('a'), dense('b'), { id: 'sum', kind: 'add', inputs: ['a', 'b'] })
  const moved = orderNodes(document, 'model', ['a', 'sum', 'b'])
  expect(ids(moved)).toEqual(['a', 'sum', 'b'])
  expect(stack(moved, 'model')[1]?.inputs).toEqual(['a'])
  expect(orderNodes(document, 'model', ['a', 'b', 'sum'])).toBe(document)
  expect(orderNodes(document, 'model', ['a', 'b'])).toBe(document)
})

test('a copy comes right behind, takes the original, and has a name of its own', () => {
  const copied = duplicateNode(net(dense('h1'), dense('out')), 'model', 'h1')
  expect(ids(copied)).toEqual(['h1', 'h2', 'out'])
  expect(inputsOf(stack(copied, 'model'), 1)).toEqual(['h1'])
})

test('inputs that a node would take anyway are not written', () => {
  const document = net(dense('a'), dense('b'))
  const skipping = setInputs(document, 'model', 'b', ['input'])
  expect(stack(skipping, 'model')[1]?.inputs).toEqual(['input'])
  expect(stack(setInputs(skipping, 'model', 'b', ['a']), 'model')[1]?.inputs).toBeUndefined()
  expect(inputsOf(stack(document, 'model'), 0)).toEqual(['input'])
})

test('a setting that is taken back leaves no trace', () => {
  const set = setSetting(net(dense('a')), 'model', 'a', ['frozen'], true)
  expect(stack(set, 'model')[0]?.frozen).toBe(true)
  expect(stack(setSetting(set, 'model', 'a', ['frozen'], undefined), 'model')[0]).toEqual(
    dense('a'),
  )
})

test('the output follows the data: its units, and the loss when the task changes', () => {
  const document = net(dense('h'), dense('out', { units: 2, activation: 'tanh' }))
  const units = (node: Node) => (typeof node.units === 'number' ? node.units : null)
  const three = { task: 'classification', classes: ['a', 'b', 'c'] } as const
  const fitted = fitOutput(
    document,
    'model',
    { ...three, classes: [...three.classes] },
    'classification',
    units,
  )
  expect(stack(fitted, 'model')[1]?.units).toBe(3)
  expect(fitted.loss).toBe('cross_entropy')
  const curve = fitOutput(
    document,
    'model',
    { task: 'regression', classes: null },
    'classification',
    units,
  )
  expect(stack(curve, 'model')[1]?.units).toBe(1)
  expect(curve.loss).toBe('mse')
  expect(stack(curve, 'model')[1]?.activation).toBeUndefined()
  expect(stack(fitted, 'model')[1]?.activation).toBe('tanh')
  const single = net(dense('out', { units: 1 }))
  const two = { task: 'classification' as const, classes: ['a', 'b'] }
  expect(fitOutput(single, 'model', two, 'classification', units)).toEqual(single)
})
