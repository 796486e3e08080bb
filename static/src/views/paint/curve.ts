/** Loss points as the columns that a plot wants. */

import type { Point } from '../../protocol.gen'

/** The four measurements that are drawn, in the order of their curves. */
export const CURVES = ['train_loss', 'test_loss', 'train_accuracy', 'test_accuracy'] as const
export type CurveName = (typeof CURVES)[number]

export type Column = (number | null)[]

/** One measurement of each point; what was not measured or is not finite is a gap. */
export function column(points: readonly Point[], name: CurveName): Column {
  return points.map(({ values }) => {
    const value = values[name]
    return typeof value === 'number' && Number.isFinite(value) ? value : null
  })
}

/**
 * An exponential mean: each value is `weight` parts of the past. Corrected for its start, so that the
 * first values are not drawn towards zero.
 */
export function smoothed(values: Column, weight: number): Column {
  if (weight <= 0) return values
  let mean = 0
  let mass = 0
  return values.map((value) => {
    if (value === null) return null
    mean = weight * mean + (1 - weight) * value
    mass = weight * mass + (1 - weight)
    return mean / mass
  })
}

/** On a logarithmic scale what is not above zero has no place. */
export function positive(values: Column): Column {
  return values.map((value) => (value !== null && value > 0 ? value : null))
}

/**
 * Joins curves of different runs over one ascending axis. Each comes with its own steps; between
 * them it is undefined, which a plot bridges, unlike null.
 */
export function joined(runs: readonly { steps: readonly number[]; columns: readonly Column[] }[]): {
  steps: number[]
  columns: (number | null | undefined)[][]
} {
  const [only] = runs
  if (runs.length === 1 && only) return { steps: [...only.steps], columns: [...only.columns] }
  const steps = [...new Set(runs.flatMap((run) => run.steps))].sort((a, b) => a - b)
  const place = new Map(steps.map((step, index) => [step, index]))
  const columns = runs.flatMap((run) =>
    run.columns.map((values) => {
      const wide = new Array<number | null | undefined>(steps.length).fill(undefined)
      for (const [i, step] of run.steps.entries()) wide[place.get(step) ?? 0] = values[i] ?? null
      return wide
    }),
  )
  return { steps, columns }
}
