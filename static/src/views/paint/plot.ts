/** A plot with labelled axes, and the marks of samples on it. */

import type { Inks } from './canvas'
import { css, type Rgb } from './colour'
import { tickText } from './number'

export type Range = readonly [low: number, high: number]

/** Where a plot is on its canvas, and the part of the plane that it shows. */
export interface Box {
  left: number
  top: number
  width: number
  height: number
  x: Range
  y: Range
}

export function across(box: Box, x: number): number {
  return box.left + ((x - box.x[0]) / (box.x[1] - box.x[0])) * box.width
}

export function down(box: Box, y: number): number {
  return box.top + ((box.y[1] - y) / (box.y[1] - box.y[0])) * box.height
}

/** What is shown at a place of the canvas; null outside the plot. */
export function inside(box: Box, px: number, py: number): [x: number, y: number] | null {
  const u = (px - box.left) / box.width
  const v = (py - box.top) / box.height
  if (u < 0 || u > 1 || v < 0 || v > 1) return null
  return [box.x[0] + u * (box.x[1] - box.x[0]), box.y[1] - v * (box.y[1] - box.y[0])]
}

/** Round numbers across a range, 1, 2 or 5 times a power of ten apart. */
export function ticks([low, high]: Range, about = 5): number[] {
  const rough = (high - low) / about
  if (!(rough > 0) || !Number.isFinite(rough)) return []
  const power = 10 ** Math.floor(Math.log10(rough))
  const size = rough / power
  // The nearest of the steps on a logarithmic scale: the bounds are √2, √10 and √50.
  const step = power * (size >= 7.07 ? 10 : size >= 3.16 ? 5 : size >= 1.41 ? 2 : 1)
  const [first, last] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)]
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  )
}

/** The range of finite numbers, widened by a share on both sides; never empty. */
export function extent(values: Iterable<number>, margin = 0): Range {
  let low = Infinity
  let high = -Infinity
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  if (low > high) return [0, 1]
  if (low === high) return [low - 0.5, high + 0.5]
  const pad = (high - low) * margin
  return [low - pad, high + pad]
}

/** Axes with ticks and names around a plot. */
export function axes(
  context: CanvasRenderingContext2D,
  box: Box,
  names: { x: string; y: string },
  inks: Inks,
): void {
  const { left, top, width, height } = box
  const bottom = top + height
  context.strokeStyle = inks.strong
  context.lineWidth = 1
  context.strokeRect(left - 0.5, top - 0.5, width + 1, height + 1)
  context.font = `11px ${inks.font}`
  context.fillStyle = inks.muted
  context.beginPath()
  context.textAlign = 'center'
  context.textBaseline = 'top'
  for (const tick of ticks(box.x, Math.max(2, Math.floor(width / 56)))) {
    const x = Math.round(across(box, tick)) + 0.5
    context.moveTo(x, bottom)
    context.lineTo(x, bottom + 4)
    context.fillText(tickText(tick), x, bottom + 6)
  }
  context.textAlign = 'right'
  context.textBaseline = 'middle'
  for (const tick of ticks(box.y, Math.max(2, Math.floor(height / 44)))) {
    const y = Math.round(down(box, tick)) + 0.5
    context.moveTo(left, y)
    context.lineTo(left - 4, y)
    context.fillText(tickText(tick), left - 6, y)
  }
  context.stroke()
  context.font = `600 11px ${inks.font}`
  context.fillStyle = inks.ink
  context.textAlign = 'center'
  context.textBaseline = 'alphabetic'
  context.fillText(names.x, left + width / 2, bottom + 31, width)
  context.save()
  context.translate(11, top + height / 2)
  context.rotate(-Math.PI / 2)
  context.fillText(names.y, 0, 0, height)
  context.restore()
}

/** Room around a plot for its axes. */
export const ROOM = { left: 46, top: 8, right: 10, bottom: 38 }

export interface Look {
  colour: Rgb
  mark: 'train' | 'test'
  wrong: boolean
  radius: number
  /** Colour of the outline; by default that of the background. */
  edge?: string
}

/** Stamps of samples: drawn once for a colour, then copied, which is several times quicker. */
export class Stamps {
  readonly #stamps = new Map<string, HTMLCanvasElement>()

  /** Draws a sample: a disc of training, a diamond of test; a wrong one wears a ring. */
  draw(context: CanvasRenderingContext2D, x: number, y: number, look: Look, inks: Inks): void {
    const ratio = window.devicePixelRatio || 1
    const { colour, mark, wrong, radius, edge } = look
    const key = `${css(colour)} ${mark} ${wrong} ${radius} ${edge ?? ''} ${ratio} ${inks.ink}`
    const reach = radius + 5
    let stamp = this.#stamps.get(key)
    if (!stamp) {
      stamp = document.createElement('canvas')
      stamp.width = stamp.height = Math.ceil(2 * reach * ratio)
      const own = stamp.getContext('2d')
      if (own) {
        own.scale(ratio, ratio)
        own.translate(reach, reach)
        mold(own, look, inks)
      }
      if (this.#stamps.size > 512) this.#stamps.clear()
      this.#stamps.set(key, stamp)
    }
    context.drawImage(stamp, x - reach, y - reach, 2 * reach, 2 * reach)
  }
}

function mold(
  context: CanvasRenderingContext2D,
  { colour, mark, wrong, radius, edge }: Look,
  inks: Inks,
): void {
  // Rings around very small marks would cover all: those only get a dark edge.
  const ringed = wrong && radius > RINGED
  if (ringed) {
    context.beginPath()
    context.arc(0, 0, radius + 2.6, 0, 2 * Math.PI)
    context.fillStyle = inks.surface
    context.fill()
    context.strokeStyle = inks.ink
    context.lineWidth = 1.5
    context.stroke()
  }
  context.beginPath()
  if (mark === 'train') context.arc(0, 0, radius, 0, 2 * Math.PI)
  else {
    const tip = radius * 1.25
    context.moveTo(0, -tip)
    context.lineTo(tip, 0)
    context.lineTo(0, tip)
    context.lineTo(-tip, 0)
    context.closePath()
  }
  context.fillStyle = css(colour)
  context.fill()
  context.strokeStyle = wrong ? inks.ink : (edge ?? inks.surface)
  context.lineWidth = wrong && !ringed ? 1.6 : 1
  context.stroke()
}

const RINGED = 3

/** A radius that suits so many samples. */
export function radiusFor(samples: number): number {
  return samples > 1500 ? 2 : samples > 600 ? 2.6 : 3.4
}
