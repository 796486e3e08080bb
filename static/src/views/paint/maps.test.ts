import { describe, expect, test } from 'vitest'
import { classColour, classTint, contrast, diverging, divergingTable, inkOn, pixel } from './colour'
import { paintClasses, paintDiverging, paintMap, paintMatrix, paintMosaic } from './maps'

describe('the diverging scale', () => {
  test('is orange below zero, blue above, neutral at zero and at what is no number', () => {
    for (const theme of ['light', 'dark'] as const) {
      const [red, , blue] = diverging(theme, -1)
      expect(red).toBeGreaterThan(blue)
      const [redOfPositive, , blueOfPositive] = diverging(theme, 1)
      expect(blueOfPositive).toBeGreaterThan(redOfPositive)
      expect(diverging(theme, NaN)).toEqual(diverging(theme, 0))
      expect(diverging(theme, 7)).toEqual(diverging(theme, 1))
    }
  })

  test('stays readable where numbers are written on it', () => {
    for (const theme of ['light', 'dark'] as const) {
      const ink = (share: number) =>
        inkOn(diverging(theme, share)) === 'rgb(255 255 255)' ? 255 : 20
      for (let share = -0.5; share <= 0.5; share += 0.05) {
        const level = ink(share)
        expect(contrast(diverging(theme, share), [level, level, level])).toBeGreaterThan(4.5)
      }
    }
  })

  test('gives two classes the colours of the two signs', () => {
    const [red, , blue] = classColour('light', 0)
    expect(red).toBeGreaterThan(blue)
    expect(contrast(classColour('light', 0), classColour('light', 1))).toBeGreaterThan(1.2)
  })

  test('has zero in the middle of its table', () => {
    expect(divergingTable('light')[128]).toBe(pixel(diverging('light', 0)))
    expect(divergingTable('light')[255]).toBe(pixel(diverging('light', 1)))
    expect(divergingTable('light')[1]).toBe(pixel(diverging('light', -1)))
  })
})

test('a map goes to its place in the atlas and nowhere else', () => {
  const table = divergingTable('light')
  const pixels = new Uint32Array(4 * 3)
  paintMap(pixels, 4, 2, 1, Int8Array.of(9, 9, -127, 0, 127, 64), 2, 2, table)
  expect([...pixels]).toEqual([
    ...[0, 0, 0, 0],
    ...[0, 0, table[1], table[128]],
    ...[0, 0, table[255], table[192]],
  ])
})

test('a surface is coloured around its centre, and discretized by side', () => {
  const table = divergingTable('light')
  const pixels = new Uint32Array(3)
  paintDiverging(pixels, [0, 10, 0, 12, 0, 99], 2, 1, 10, 2, table, false)
  expect([...pixels]).toEqual([table[128], table[255], table[255]])
  paintDiverging(pixels, [9.9, 10.1, NaN], 1, 0, 10, 2, table, true)
  expect([...pixels]).toEqual([table[1], table[255], table[1]])
})

test('class colours mix by probability', () => {
  const pixels = new Uint32Array(2)
  paintClasses(pixels, [1, 0, 0, 0.2, 0.3, 0.5], 3, 'light', false)
  expect(pixels[0]).toBe(pixel(classTint('light', 0)))
  expect(pixels[1]).not.toBe(pixel(classTint('light', 2)))
  paintClasses(pixels, [1, 0, 0, 0.2, 0.3, 0.5], 3, 'light', true)
  expect(pixels[1]).toBe(pixel(classTint('light', 2)))
})

test('a matrix fills its picture and tells its largest value', () => {
  const table = divergingTable('dark')
  const pixels = new Uint32Array(8)
  const matrix = { values: [-4, 2, 0, 4], rows: 2, columns: 2 }
  expect(paintMatrix(pixels, 4, 2, matrix, 'dark')).toBe(4)
  expect([...pixels.subarray(0, 4)]).toEqual([table[1], table[1], table[192], table[192]])
})

test('a mosaic shows maps side by side, thinned out, with a gap between', () => {
  const table = divergingTable('light')
  const maps = Int8Array.of(127, 9, 9, 9, -127, 9, 9, 9, 0, 9, 9, 9)
  const pixels = new Uint32Array(4 * 4)
  paintMosaic(pixels, 2, 1, maps, 2, 3, table)
  expect([...pixels].slice(0, 4)).toEqual([table[255], 0, table[1], 0])
  expect(pixels[8]).toBe(table[128])
})
