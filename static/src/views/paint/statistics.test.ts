import { expect, test } from 'vitest'
import { statistics } from './statistics'

test('statistics of a tensor', () => {
  expect(statistics([3, -1, 1, 1])).toEqual({
    least: -1,
    most: 3,
    mean: 1,
    deviation: Math.sqrt(2),
    norm: Math.sqrt(12),
  })
  expect(statistics([])).toBeNull()
})
