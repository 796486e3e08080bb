/** Reading what the network answers: classes, values, and how right they are. */

import type { Data, DataRows } from '../protocol.gen'
import { extent, type Range } from './paint/plot'

/** The class that got the largest share in a row of `classes` shares. */
export function largestShare(shares: ArrayLike<number>, row: number, classes: number): number {
  let best = 0
  for (let k = 1; k < classes; k++) {
    if ((shares[row * classes + k] ?? 0) > (shares[row * classes + best] ?? 0)) best = k
  }
  return best
}

/**
 * Marks the rows that are taken for another class. Writes into `wrong` (1 = wrong) and says whether
 * anything changed there.
 */
export function markWrong(
  wrong: Uint8Array,
  rows: DataRows,
  shares: ArrayLike<number>,
  classes: number,
): boolean {
  let changed = false
  const count = Math.min(wrong.length, Math.floor(shares.length / Math.max(1, classes)))
  for (let row = 0; row < count; row++) {
    const mark = largestShare(shares, row, classes) === rows.targets[row] ? 0 : 1
    if (wrong[row] !== mark) {
      wrong[row] = mark
      changed = true
    }
  }
  return changed
}

/** The middle and half the height of the colour scale of a regression: symmetric where zero is within. */
export function valueScale(data: Data): { centre: number; reach: number; range: Range } {
  const [low, high] = extent(data.train.targets)
  if (low < 0 && high > 0) {
    const reach = Math.max(-low, high)
    return { centre: 0, reach, range: [-reach, reach] }
  }
  return { centre: (low + high) / 2, reach: (high - low) / 2, range: [low, high] }
}

/** Root mean squared error, and the share of the variance that is explained. */
export function agreement(
  targets: readonly number[],
  values: ArrayLike<number>,
  step: number,
): { rmse: number; r2: number } {
  const count = Math.min(targets.length, Math.floor(values.length / step))
  let mean = 0
  for (let i = 0; i < count; i++) mean += (targets[i] ?? 0) / count
  let errors = 0
  let spread = 0
  for (let i = 0; i < count; i++) {
    const target = targets[i] ?? 0
    errors += ((values[i * step] ?? 0) - target) ** 2
    spread += (target - mean) ** 2
  }
  return { rmse: Math.sqrt(errors / count), r2: 1 - errors / spread }
}

/** Where two columns of a row are, if both are numbers. */
export function placeOf(
  row: readonly (number | string | null)[],
  x: number,
  y: number,
): [number, number] | null {
  const [px, py] = [row[x], row[y]]
  return typeof px === 'number' && typeof py === 'number' ? [px, py] : null
}
