import { expect, test } from 'vitest'
import type { Setting } from '../../protocol.gen'
import { bounded, nudged, parsed, position, scaleOf, typed, valueAtPosition } from './scale'

const rate: Setting = {
  type: 'number',
  scale: 'log',
  exclusiveMinimum: 0,
  maximum: 1000,
  default: 0.03,
}
const l2: Setting = { type: 'number', scale: 'log', minimum: 0, maximum: 10, default: 0 }
const noise: Setting = { type: 'number', scale: 'linear', minimum: 0, maximum: 0.5, default: 0 }
const units: Setting = { type: 'integer', scale: 'linear', minimum: 1, maximum: 4096, default: 8 }
const batch: Setting = { type: 'integer', scale: 'log', minimum: 1, maximum: 8192, default: 10 }

test('a slider position and its value belong together', () => {
  for (const setting of [rate, l2, noise, batch]) {
    const scale = scaleOf(setting)
    if (!scale) throw new Error('has a slider')
    for (const share of [0, 0.1, 0.35, 0.5, 0.8, 1]) {
      const value = valueAtPosition(scale, share)
      expect(value).toBeGreaterThanOrEqual(scale.zero ? 0 : scale.low)
      expect(valueAtPosition(scale, position(scale, value))).toBeCloseTo(value, 10)
    }
  }
  expect(scaleOf(units)).toBeNull()
})

test('a log slider that may be zero has its zero at the left end', () => {
  const scale = scaleOf(l2)
  if (!scale) throw new Error('has a slider')
  expect(valueAtPosition(scale, 0)).toBe(0)
  expect(position(scale, 0)).toBe(0)
  expect(valueAtPosition(scale, 0.05)).toBeGreaterThan(0)
})

test('a linear slider gives numbers that people write', () => {
  const scale = scaleOf(noise)
  if (!scale) throw new Error('has a slider')
  expect(valueAtPosition(scale, 0.3333)).toBe(0.165)
})

test('arrows go up and down through readable numbers, within the bounds', () => {
  expect([0.03, 0.05, 0.1, 0.2].map((v) => nudged(rate, v, 1))).toEqual([0.05, 0.1, 0.2, 0.5])
  expect([0.03, 0.02, 0.01].map((v) => nudged(rate, v, -1))).toEqual([0.02, 0.01, 0.005])
  expect(nudged(units, 1, -1)).toBe(1)
  expect(nudged(batch, 1, 1)).toBe(2)
  expect(nudged(batch, 10, -1)).toBe(5)
  expect(nudged(noise, 0.5, 1)).toBe(0.5)
  expect(bounded(rate, 0)).toBeGreaterThan(0)
  expect(bounded(units, 1e9)).toBe(4096)
})

test('numbers are read with a point or a comma, and nothing else is', () => {
  expect(['0.5', ' 0,5 ', '.5', '5e-1'].map(parsed)).toEqual([0.5, 0.5, 0.5, 0.5])
  expect(['', 'x', '1.2.3', '1e999', 'Infinity', '0x10'].map(parsed)).toEqual([
    null,
    null,
    null,
    null,
    null,
    null,
  ])
  for (const value of [0.03, 1e-8, 12345678, 0]) expect(parsed(typed(value))).toBe(value)
})
