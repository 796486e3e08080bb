/** Numbers as text: true minus signs, few digits, the same width of thought everywhere. */

/** About `digits` significant digits: `0.042`, `−1.30`, `2.1e−7`, `∞`. */
export function short(value: number, digits = 3): string {
  if (Number.isNaN(value)) return '–'
  const sign = value < 0 ? '−' : ''
  const size = Math.abs(value)
  if (size === Infinity) return `${sign}∞`
  if (size === 0) return '0'
  if (size >= 1e6 || size < 1e-4) {
    return (
      sign +
      size
        .toExponential(Math.max(0, digits - 2))
        .replace('e+', 'e')
        .replace('e-', 'e−')
    )
  }
  const decimals = Math.max(0, Math.min(digits - 1 - Math.floor(Math.log10(size)), 6))
  const text = size.toFixed(decimals)
  return Number(text) === 0 ? '0' : sign + text
}

/** A round number as an axis writes it: no more digits than it has. */
export function tickText(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e6 || (size > 0 && size < 1e-4)) return short(value, 3)
  return String(Number(value.toPrecision(6))).replace('-', '−')
}

/** A number that may be edited: enough digits to tell float32 values apart, no more. */
export function exact(value: number): string {
  return short(value, 6)
}

/** Whole numbers with thin spaces between thousands. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u2009')
}

/** A share of one as a percentage: `97.3 %`. */
export function percent(share: number): string {
  return Number.isNaN(share)
    ? '–'
    : `${(100 * share).toFixed(share === 1 || share === 0 ? 0 : 1)} %`
}

const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉'

/** `12` → `₁₂` */
export function subscript(value: number): string {
  return value.toString().replace(/\d/g, (digit) => SUBSCRIPTS[Number(digit)] ?? digit)
}

/** The shape of what flows on an edge: `8`, `28×28×1`; `?` where it is unknown. */
export function shapeText(shape: readonly number[] | null): string {
  return shape === null ? '?' : shape.length === 0 ? '1' : shape.map(count).join('×')
}
