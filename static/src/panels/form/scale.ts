/** How a number setting becomes a slider and a text, and back. */
import type { Setting } from '../../protocol.gen'

export interface Scale {
  low: number
  high: number
  log: boolean
  integer: boolean
  /** The slider's left end stands for exactly 0, left of the logarithm. */
  zero: boolean
}

/** Sliders of whole numbers that go further than this would be too coarse to be of use. */
const LONGEST_INTEGER_SLIDER = 1000

/** The slider of a setting; null where a slider makes no sense. */
export function scaleOf(setting: Setting): Scale | null {
  const integer = setting.type === 'integer'
  const log = setting.scale === 'log'
  const start = typeof setting.default === 'number' ? Math.abs(setting.default) : 0
  const least = setting.minimum ?? setting.exclusiveMinimum
  const most = setting.maximum ?? setting.exclusiveMaximum
  if (least === undefined || least === null || most === undefined || most === null) return null
  if (!log) {
    if (integer && most - least > LONGEST_INTEGER_SLIDER) return null
    if (!integer && most - least > 1e4) return null
    return { low: least, high: most, log, integer, zero: false }
  }
  const usual = start || (integer ? 100 : 0.01)
  const low = Math.max(least, integer ? 1 : usual * 1e-3)
  const high = Math.min(most, usual * 1e3)
  return { low, high, log, integer, zero: least === 0 && setting.minimum === 0 }
}

/** Where a value is on the slider, 0 to 1. Values beyond it are at its ends. */
export function position(scale: Scale, value: number): number {
  const { low, high, log, zero } = scale
  if (log && value <= 0) return 0
  const share = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)
  const clamped = Math.min(1, Math.max(0, share))
  return zero ? 0.04 + 0.96 * clamped : clamped
}

/** The value at a place of the slider, rounded to what a person would write. */
export function valueAtPosition(scale: Scale, share: number): number {
  const { low, high, log, integer, zero } = scale
  if (zero) {
    if (share < 0.02) return 0
    share = Math.max(0, (share - 0.04) / 0.96)
  }
  const raw = log ? low * (high / low) ** share : low + (high - low) * share
  const rounded = integer
    ? Math.round(raw)
    : log
      ? significant(raw, 2)
      : stepped(raw, (high - low) / 100)
  return Math.min(high, Math.max(low, rounded))
}

export function significant(value: number, digits: number): number {
  return Number(value.toPrecision(digits))
}

/** Rounded to a step of 1, 2 or 5 times a power of ten that is no longer than `step`. */
function stepped(value: number, step: number): number {
  const nice = niceStep(step)
  return Number((Math.round(value / nice) * nice).toPrecision(12))
}

function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step) + 1e-9)
  const factor = step / power
  return Number(((factor >= 4.99 ? 5 : factor >= 1.99 ? 2 : 1) * power).toPrecision(6))
}

/** The next value up (+1) or down (-1): by one, by a nice step, or through 1, 2, 5, 10 on a log scale. */
export function nudged(setting: Setting, value: number, direction: 1 | -1): number {
  const integer = setting.type === 'integer'
  let next: number
  if (integer && setting.scale !== 'log') next = value + direction
  else if (setting.scale === 'log') next = onLadder(value, direction, integer)
  else {
    const scale = scaleOf(setting)
    next = Number(
      (value + direction * (scale ? niceStep((scale.high - scale.low) / 20) : 1)).toPrecision(12),
    )
  }
  return bounded(setting, next)
}

function onLadder(value: number, direction: 1 | -1, integer: boolean): number {
  if (value <= 0) return direction > 0 ? (integer ? 1 : 1e-5) : 0
  const exponent = Math.floor(Math.log10(value) + 1e-9)
  const rungs = [1, 2, 5, 10, 20, 50]
    .map((r) => significant((r / 10) * 10 ** (exponent + 0), 3))
    .concat([10, 20, 50].map((r) => significant(r * 10 ** exponent, 3)))
  const sorted = [...new Set(rungs)].sort((a, b) => a - b)
  const next =
    direction > 0
      ? sorted.find((r) => r > value * (1 + 1e-9))
      : sorted.findLast((r) => r < value * (1 - 1e-9))
  return next ?? value
}

export function bounded(setting: Setting, value: number): number {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = setting
  let fitted = value
  if (typeof minimum === 'number') fitted = Math.max(minimum, fitted)
  if (typeof maximum === 'number') fitted = Math.min(maximum, fitted)
  if (typeof exclusiveMinimum === 'number' && fitted <= exclusiveMinimum)
    fitted = exclusiveMinimum + (setting.type === 'integer' ? 1 : 1e-6)
  if (typeof exclusiveMaximum === 'number' && fitted >= exclusiveMaximum)
    fitted = exclusiveMaximum - (setting.type === 'integer' ? 1 : 1e-6)
  return fitted
}

/** A number as typed, with a decimal point or comma; null where the text holds none. */
export function parsed(text: string): number | null {
  const plain = text.trim().replace(',', '.').replace('−', '-')
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return null
  const value = Number(plain)
  return Number.isFinite(value) ? value : null
}

/** A number as short as it can be written and typed again. */
export function typed(value: number): string {
  if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e7))
    return value.toExponential().replace('e+', 'e')
  return String(Number(value.toPrecision(6)))
}
