import { expect, test } from 'vitest'
import { column, joined, positive, smoothed } from './curve'

const points = [1, 2, 3].map((step) => ({
  step,
  epoch: step / 2,
  values: { train_loss: step === 2 ? null : 1 / step, test_loss: Infinity },
}))

test('gaps stay gaps', () => {
  expect(column(points, 'train_loss')).toEqual([1, null, 1 / 3])
  expect(column(points, 'test_loss')).toEqual([null, null, null])
  expect(column(points, 'test_accuracy')).toEqual([null, null, null])
  expect(positive([1, 0, -1, null])).toEqual([1, null, null, null])
})

test('smoothing starts at the first value and leaves a constant alone', () => {
  expect(smoothed([4, 4, null, 4], 0.9).map((v) => (v === null ? v : Math.round(v)))).toEqual([
    4,
    4,
    null,
    4,
  ])
  expect(smoothed([0, 1], 0.5)[1]).toBeCloseTo(2 / 3)
  const same = [1, 2]
  expect(smoothed(same, 0)).toBe(same)
})

test('runs of different steps share one axis', () => {
  const { steps, columns } = joined([
    { steps: [1, 3], columns: [[10, 30]] },
    { steps: [2, 3], columns: [[null, 7]] },
  ])
  expect(steps).toEqual([1, 2, 3])
  expect(columns).toEqual([
    [10, undefined, 30],
    [undefined, null, 7],
  ])
})
