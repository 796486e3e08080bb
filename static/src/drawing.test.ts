import { expect, test } from 'vitest'
import { BLANK } from './document'
import { drawnData, drawnPoints, painted } from './drawing'
import type { Document } from './protocol.gen'

const empty: Document = { ...BLANK, data: { kind: 'points' } }
const draw = { mode: 'draw', class: 1 } as const
const start = (x: number, y: number) => ({ x, y, phase: 'start' as const })
const move = (x: number, y: number) => ({ x, y, phase: 'move' as const })

test('a click draws a point of the chosen class, a drag draws them apart', () => {
  let document = painted(empty, draw, start(1.2345, -2))
  expect(drawnPoints(document.data)).toEqual([[1.23, -2, 1]])
  expect(painted(document, draw, move(1.3, -2))).toBe(document)
  document = painted(document, draw, move(1.7, -2))
  expect(drawnPoints(document.data)).toHaveLength(2)
  expect(drawnPoints(empty.data)).toEqual([])
})

test('the eraser takes what is near and leaves the rest', () => {
  const document = painted(painted(empty, draw, start(0, 0)), draw, start(3, 3))
  const erased = painted(document, { mode: 'erase', class: 0 }, start(0.2, 0.2))
  expect(drawnPoints(erased.data)).toEqual([[3, 3, 1]])
  expect(painted(erased, { mode: 'erase', class: 0 }, start(-3, 0))).toBe(erased)
})

test('a brush that is put away draws nothing', () => {
  expect(painted(empty, { mode: null, class: 0 }, start(0, 0))).toBe(empty)
})

test('drawn points are on show before there are enough to train on', () => {
  const data = drawnData(painted(empty, draw, start(1, 2)).data)
  expect(data.train).toEqual({ inputs: [[1, 2]], targets: [1] })
  expect(data.classes).toEqual(['0', '1'])
})
