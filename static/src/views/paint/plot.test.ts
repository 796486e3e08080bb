import { expect, test } from 'vitest'
import { across, down, extent, inside, ticks } from './plot'

const box = { left: 40, top: 10, width: 200, height: 100, x: [-6, 6], y: [0, 10] } as const

test('places and values are inverse to each other, y upwards', () => {
  expect([across(box, 0), down(box, 10)]).toEqual([140, 10])
  expect(inside(box, 140, 110)).toEqual([0, 0])
  expect(inside(box, across(box, 3), down(box, 4))?.[1]).toBeCloseTo(4)
  expect(inside(box, 39, 50)).toBeNull()
})

test('ticks are round numbers within the range', () => {
  expect(ticks([-6, 6], 3)).toEqual([-5, 0, 5])
  expect(ticks([0.1, 0.9], 4)).toEqual([0.2, 0.4, 0.6, 0.8])
  expect(ticks([0, 0.3], 3)).toEqual([0, 0.1, 0.2, 0.3])
  expect(ticks([1e6, 3e6], 2)).toEqual([1e6, 2e6, 3e6])
  expect(ticks([1, 1])).toEqual([])
})

test('an extent is never empty and skips what is not finite', () => {
  expect(extent([NaN, 1, Infinity, 3], 0.5)).toEqual([0, 4])
  expect(extent([2])).toEqual([1.5, 2.5])
  expect(extent([])).toEqual([0, 1])
})
