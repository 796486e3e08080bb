/**
 * The geometry of links: cubic curves between two columns, level at both ends. All links between
 * the same two columns share their x for a given t, so one solution of x(t) serves to find the
 * link under a pointer among any number of them.
 */

/** The links of a dense layer: from unit i at (x0, from[i]) to unit j at (x1, to[j]). */
export interface Bundle {
  x0: number
  x1: number
  from: readonly number[]
  to: readonly number[]
}

export interface LinkHit {
  from: number
  to: number
  /** Distance from the pointer, in pixels. */
  distance: number
}

/** Draws one link into the current path. */
export function traceLink(
  path: { moveTo(x: number, y: number): void; bezierCurveTo(...xy: LinkCurve): void },
  x0: number,
  y0: number,
  x1: number,
  y1: number,
): void {
  const middle = (x0 + x1) / 2
  path.moveTo(x0, y0)
  path.bezierCurveTo(middle, y0, middle, y1, x1, y1)
}

type LinkCurve = [number, number, number, number, number, number]

/** How far along, 0 … 1, a link is at `share` of its way in x: the t with 1.5t - 1.5t² + t³ = share. */
export function solve(share: number): number {
  let low = 0
  let high = 1
  for (let i = 0; i < 24; i++) {
    const t = (low + high) / 2
    if (t * (1.5 + t * (t - 1.5)) < share) low = t
    else high = t
  }
  return (low + high) / 2
}

/** The nearest link within `reach` pixels of a point, or null. */
export function hitLink(bundle: Bundle, x: number, y: number, reach: number): LinkHit | null {
  const run = bundle.x1 - bundle.x0
  if (x < bundle.x0 || x > bundle.x1 || run <= 0) return null
  const t = solve((x - bundle.x0) / run)
  const rise = t * t * (3 - 2 * t)
  // dy/dx = (y1 - y0) × slope: the distance to a steep link is less than its height above.
  const slope = (6 * t * (1 - t)) / (1.5 - 3 * t + 3 * t * t) / run
  let best: LinkHit | null = null
  for (const [from, y0] of bundle.from.entries()) {
    for (const [to, y1] of bundle.to.entries()) {
      const climb = (y1 - y0) * slope
      const distance = Math.abs(y0 + (y1 - y0) * rise - y) / Math.sqrt(1 + climb * climb)
      if (distance < (best?.distance ?? reach)) best = { from, to, distance }
    }
  }
  return best
}

/** Width in pixels of a link: grows with |w| and saturates, so that no weight hides the rest. */
export function linkWidth(weight: number): number {
  return 0.7 + 5.3 * Math.tanh(Math.abs(weight) / 2.2)
}

/** Opacity of a link: weights near zero fade, but never away. */
export function linkOpacity(weight: number): number {
  return 0.22 + 0.7 * Math.tanh(Math.abs(weight) * 1.1)
}

export const LEVELS = 14

/** Links are stroked in groups of equal look, so a network is a few dozen strokes. 0 is the faintest. */
export function linkLevel(weight: number): number {
  return Math.min(LEVELS - 1, Math.floor(Math.tanh(Math.abs(weight) / 2.2) * LEVELS))
}

/** A weight in the middle of a level, for the level's width and opacity. */
export function levelWeight(level: number): number {
  return 2.2 * Math.atanh((level + 0.5) / LEVELS)
}
