import { expect, test } from 'vitest'
import { count, percent, shapeText, short, subscript, tickText } from './number'

test.each([
  [0, '0'],
  [-0, '0'],
  [0.4242, '0.424'],
  [-1.3, '−1.30'],
  [123.456, '123'],
  [99999, '99999'],
  [2.1e-7, '2.1e−7'],
  [-3.21e9, '−3.2e9'],
  [Infinity, '∞'],
  [NaN, '–'],
])('short(%d) is %s', (value, text) => {
  expect(short(value)).toBe(text)
})

test.each([
  [-6, '−6'],
  [0, '0'],
  [100, '100'],
  [250000, '250000'],
  [0.25, '0.25'],
  [2e6, '2.0e6'],
])('tickText(%d) is %s', (value, text) => {
  expect(tickText(value)).toBe(text)
})

test('counts, shares, shapes and subscripts', () => {
  expect(count(1234567)).toBe('1\u2009234\u2009567')
  expect(percent(0.9731)).toBe('97.3 %')
  expect(percent(1)).toBe('100 %')
  expect(shapeText([28, 28, 1])).toBe('28×28×1')
  expect(shapeText(null)).toBe('?')
  expect(subscript(12)).toBe('₁₂')
})
