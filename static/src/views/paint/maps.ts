/** Filling the pixels of image data from measured arrays. Nothing here allocates. */

import { classTint, divergingTable, type Rgb, type Theme } from './colour'

/** A rectangle of numbers, row 0 at the top. */
export interface Grid {
  values: ArrayLike<number>
  columns: number
  rows: number
}

/**
 * Draws an i8 map of `size` × `size`, which starts at `from` in `map`, into `pixels` (rows of
 * `stride` pixels) at (left, top).
 */
export function paintMap(
  pixels: Uint32Array,
  stride: number,
  left: number,
  top: number,
  map: Int8Array,
  from: number,
  size: number,
  table: Uint32Array,
): void {
  for (let row = 0, read = from; row < size; row++) {
    let write = (top + row) * stride + left
    for (const end = read + size; read < end;) {
      pixels[write++] = table[(map[read++] as number) + 128] as number
    }
  }
}

/** Draws values as shares of a scale around `centre`: centre ± reach are the ends. */
export function paintDiverging(
  pixels: Uint32Array,
  values: ArrayLike<number>,
  step: number,
  offset: number,
  centre: number,
  reach: number,
  table: Uint32Array,
  discretize: boolean,
): void {
  const factor = reach > 0 ? 127 / reach : 0
  for (let i = 0, read = offset; i < pixels.length; i++, read += step) {
    const share = ((values[read] as number) - centre) * factor
    const level = discretize
      ? share > 0
        ? 255
        : 1
      : share !== share
        ? 128
        : Math.max(1, Math.min(255, Math.round(share) + 128))
    pixels[i] = table[level] as number
  }
}

const tints: number[] = []

/** Draws probabilities (pixels, classes): the colours of the classes, mixed by their shares. */
export function paintClasses(
  pixels: Uint32Array,
  probabilities: ArrayLike<number>,
  classes: number,
  theme: Theme,
  discretize: boolean,
): void {
  for (let k = 0; k < classes; k++) {
    const tint: Rgb = classTint(theme, k)
    tints[3 * k] = tint[0]
    tints[3 * k + 1] = tint[1]
    tints[3 * k + 2] = tint[2]
  }
  for (let i = 0, read = 0; i < pixels.length; i++, read += classes) {
    let red = 0
    let green = 0
    let blue = 0
    if (discretize) {
      let best = 0
      for (let k = 1; k < classes; k++) {
        if ((probabilities[read + k] as number) > (probabilities[read + best] as number)) best = k
      }
      red = tints[3 * best] as number
      green = tints[3 * best + 1] as number
      blue = tints[3 * best + 2] as number
    } else {
      for (let k = 0; k < classes; k++) {
        const share = probabilities[read + k] as number
        red += share * (tints[3 * k] as number)
        green += share * (tints[3 * k + 1] as number)
        blue += share * (tints[3 * k + 2] as number)
      }
    }
    pixels[i] = (255 << 24) | (blue << 16) | (green << 8) | red
  }
}

/**
 * Draws a matrix (rows, columns) into a picture of its own size, whose ends are ± its largest
 * absolute value; answers with that value.
 */
export function paintMatrix(
  pixels: Uint32Array,
  width: number,
  height: number,
  matrix: Grid,
  theme: Theme,
): number {
  const { values, rows, columns } = matrix
  let reach = 0
  for (let i = 0; i < rows * columns; i++) reach = Math.max(reach, Math.abs(values[i] as number))
  const factor = reach > 0 ? 127 / reach : 0
  const table = divergingTable(theme)
  for (let y = 0, write = 0; y < height; y++) {
    const row = Math.floor((y * rows) / height) * columns
    for (let x = 0; x < width; x++) {
      const value = values[row + Math.floor((x * columns) / width)] as number
      pixels[write++] = table[Math.round(value * factor) + 128] as number
    }
  }
  return reach
}

/**
 * Draws many maps (units, size, size) side by side, `across` in a row, each as `side` × `side`
 * pixels with one pixel between; the picture is `across × (side + 1)` wide.
 */
export function paintMosaic(
  pixels: Uint32Array,
  across: number,
  side: number,
  maps: Int8Array,
  size: number,
  units: number,
  table: Uint32Array,
): void {
  const stride = across * (side + 1)
  const step = size / side
  pixels.fill(0)
  for (let unit = 0; unit < units; unit++) {
    const left = (unit % across) * (side + 1)
    const top = Math.floor(unit / across) * (side + 1)
    for (let y = 0; y < side; y++) {
      const row = unit * size * size + Math.floor(y * step) * size
      for (let x = 0; x < side; x++) {
        const value = maps[row + Math.floor(x * step)] as number
        pixels[(top + y) * stride + left + x] = table[value + 128] as number
      }
    }
  }
}
