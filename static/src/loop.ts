/**
 * One `requestAnimationFrame` for the whole page. It collects the probes of the views on show, pulls
 * one frame with all of them, and draws when there is something new. A hidden tab gets no animation
 * frames, so it asks for nothing.
 */
import { Frame } from './frame'
import type { Part } from './protocol.gen'

export type Probe = Part

export interface View {
  /** What it needs now. It may change with the state: call `redraw()` then. */
  probes(): Probe[]
  /** Draw. Before the first measurement, and without a run, the frame is `Frame.empty`. */
  draw(frame: Frame): void
}

/** Asks for one frame with these measurements, newer than version `after` (null: at once). */
export type Pull = (probes: Probe[], after: number | null) => void

/** At most so many frames a second are asked for: enough for the eye, cheap for the training. */
const FRAMES_PER_SECOND = 30
const INTERVAL = 1000 / FRAMES_PER_SECOND - 2

const views = new Set<View>()
let pull: Pull | null = null
let frame = Frame.empty
let measured = new Set<string>()
let asked = new Set<string>()
let waiting = false
let askedAt = -Infinity
let stale = false
let scheduled = false

/** Puts a view on show; call it on mount. The answer takes it off again. */
export function show(view: View): () => void {
  views.add(view)
  redraw()
  return () => {
    views.delete(view)
  }
}

/** Draws again with the frame at hand, and asks for probes that were not wanted before. */
export function redraw(): void {
  stale = true
  schedule()
}

/** The frame drawn last. */
export function currentFrame(): Frame {
  return frame
}

/** Where frames come from from now on; null: no run. What was measured before is dropped. */
export function connect(source: Pull | null): void {
  pull = source
  frame = Frame.empty
  measured = new Set()
  waiting = false
  redraw()
}

/** The connection was made anew: what was asked for will not come. */
export function reconnected(): void {
  waiting = false
  schedule()
}

/** A frame has come. */
export function deliver(bytes: ArrayBuffer): void {
  frame = new Frame(bytes)
  measured = asked
  waiting = false
  redraw()
}

function schedule(): void {
  if (scheduled) return
  scheduled = true
  requestAnimationFrame(tick)
}

function tick(now: number): void {
  scheduled = false
  if (stale) {
    stale = false
    const start = performance.now()
    for (const view of views) view.draw(frame)
    // For the benchmark, which observes these entries; none are kept.
    performance.measure('glassnet:draw', { start, detail: frame.step })
    performance.clearMeasures('glassnet:draw')
  }
  ask(now)
}

function ask(now: number): void {
  if (!pull || views.size === 0) return
  const wanted = new Map<string, Probe>()
  for (const view of views)
    for (const probe of view.probes()) wanted.set(JSON.stringify(probe), probe)
  if (wanted.size === 0) return
  const keys = [...wanted.keys()]
  const covered = (set: Set<string>) => keys.every((key) => set.has(key))
  if (waiting && covered(asked)) return
  if (covered(measured) && now - askedAt < INTERVAL) {
    schedule()
    return
  }
  asked = new Set(keys)
  askedAt = now
  waiting = true
  pull([...wanted.values()], covered(measured) ? frame.version : null)
}
