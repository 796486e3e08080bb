import { expect, test } from 'vitest'
import { agreement, largestShare, markWrong, valueScale } from './answers'
import type { Data } from '../protocol.gen'

test('the largest share names the class', () => {
  expect(largestShare([0.2, 0.5, 0.3, 0.9, 0.1, 0], 0, 3)).toBe(1)
  expect(largestShare([0.2, 0.5, 0.3, 0.9, 0.1, 0], 1, 3)).toBe(0)
})

test('wrong answers are marked, and a change is noticed once', () => {
  const wrong = new Uint8Array(2)
  const rows = { inputs: [[0], [1]], targets: [0, 1] }
  expect(markWrong(wrong, rows, [0.9, 0.1, 0.8, 0.2], 2)).toBe(true)
  expect([...wrong]).toEqual([0, 1])
  expect(markWrong(wrong, rows, [0.9, 0.1, 0.8, 0.2], 2)).toBe(false)
  expect(markWrong(wrong, rows, [0.9, 0.1, 0.2, 0.8], 2)).toBe(true)
})

test('the scale of values is symmetric around zero only where zero is within', () => {
  const of = (targets: number[]) => valueScale({ train: { targets } } as unknown as Data)
  expect(of([-1, 3])).toEqual({ centre: 0, reach: 3, range: [-3, 3] })
  expect(of([10, 20])).toEqual({ centre: 15, reach: 5, range: [10, 20] })
})

test('perfect predictions explain everything, the mean nothing', () => {
  expect(agreement([1, 2, 3], [1, 2, 3], 1)).toEqual({ rmse: 0, r2: 1 })
  expect(agreement([1, 2, 3], [2, 0, 2, 0, 2, 0], 2).r2).toBe(0)
})
