import { expect, test } from 'vitest'
import { hitLink, LEVELS, levelWeight, linkLevel, linkWidth, solve } from './links'

const bundle = { x0: 100, x1: 200, from: [0, 100], to: [0, 50, 100] }

test('solve inverts the curve of x', () => {
  for (const t of [0, 0.1, 0.37, 0.5, 0.9, 1]) {
    expect(solve(1.5 * t - 1.5 * t * t + t * t * t)).toBeCloseTo(t, 5)
  }
})

test('the nearest link is found, and none outside the reach or the gap', () => {
  expect(hitLink(bundle, 150, 0, 6)).toMatchObject({ from: 0, to: 0 })
  expect(hitLink(bundle, 150, 25, 6)).toMatchObject({ from: 0, to: 1 })
  expect(hitLink(bundle, 150, 98, 6)).toMatchObject({ from: 1, to: 2 })
  expect(hitLink(bundle, 150, 12, 6)).toBeNull()
  expect(hitLink(bundle, 99, 0, 6)).toBeNull()
})

test('distance to a steep link is measured across it', () => {
  const steep = { x0: 0, x1: 10, from: [0], to: [1000] }
  expect(hitLink(steep, 5, 530, 8)?.distance).toBeLessThan(1)
})

test('looks grow with the weight and saturate', () => {
  expect(linkWidth(0.1)).toBeLessThan(linkWidth(-1))
  expect(linkWidth(1e9)).toBeLessThanOrEqual(6)
  expect(linkLevel(0)).toBe(0)
  expect(linkLevel(-1e9)).toBe(LEVELS - 1)
  for (let level = 0; level < LEVELS; level++) expect(linkLevel(levelWeight(level))).toBe(level)
})
