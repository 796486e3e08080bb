/** What a neuron computes, written out with its live numbers. */

import { short } from './number'

export interface Token {
  text: string
  tone?: 'negative' | 'positive' | 'name'
}

/** How an activation is written around its argument. Others are written by their kind. */
const WRITTEN: Record<string, [before: string, after: string]> = {
  linear: ['', ''],
  relu: ['max(0, ', ')'],
  sigmoid: ['σ(', ')'],
  tanh: ['tanh(', ')'],
  step: ['step(', ')'],
}

export function around(activation: string): [before: string, after: string] {
  return WRITTEN[activation] ?? [`${activation.replaceAll('_', ' ')}(`, ')']
}

function signed(value: number, first: boolean): Token[] {
  const negative = value < 0
  const sign = first ? (negative ? '−' : '') : negative ? ' − ' : ' + '
  return [
    ...(sign ? [{ text: sign }] : []),
    { text: short(Math.abs(value)), tone: negative ? 'negative' : 'positive' },
  ]
}

export interface Neuron {
  activation: string
  names: readonly string[]
  weights: ArrayLike<number>
  /** Null: the layer has no bias. */
  bias: number | null
}

/** `a = tanh(0.42·x₁ − 1.3·x₂ + 0.1)`; terms past `limit` are counted, not written. */
export function formula({ activation, names, weights, bias }: Neuron, limit = 12): Token[] {
  const [before, after] = around(activation)
  const tokens: Token[] = [{ text: `a = ${before}` }]
  const shown = Math.min(limit, names.length)
  for (let i = 0; i < shown; i++) {
    tokens.push(...signed(weights[i] ?? 0, i === 0), { text: '·' })
    tokens.push({ text: names[i] ?? '?', tone: 'name' })
  }
  if (shown < names.length) tokens.push({ text: ` + … (${names.length - shown})` })
  if (bias !== null) tokens.push(...signed(bias, names.length === 0))
  tokens.push({ text: after })
  return tokens
}

/** The same with the values of one input in: `z = 0.42·1.20 − 1.3·(−0.5) + 0.1 = 1.25`. */
export function weightedSum(
  { weights, bias, names }: Neuron,
  values: ArrayLike<number>,
  sum: number,
  limit = 12,
): Token[] {
  const tokens: Token[] = [{ text: 'z = ' }]
  const shown = Math.min(limit, names.length)
  for (let i = 0; i < shown; i++) {
    const value = values[i] ?? 0
    const text = short(value)
    tokens.push(...signed(weights[i] ?? 0, i === 0), { text: '·' })
    tokens.push({ text: value < 0 ? `(${text})` : text, tone: 'name' })
  }
  if (shown < names.length) tokens.push({ text: ` + … (${names.length - shown})` })
  if (bias !== null) tokens.push(...signed(bias, names.length === 0))
  tokens.push({ text: ` = ${short(sum)}` })
  return tokens
}

/** `a = tanh(1.25) = 0.848` */
export function activated(activation: string, sum: number, value: number): Token[] {
  const [before, after] = around(activation)
  const end: Token = { text: short(value), tone: value < 0 ? 'negative' : 'positive' }
  if (!before) return [{ text: 'a = z = ' }, end]
  return [{ text: `a = ${before}${short(sum)}${after} = ` }, end]
}

export function plain(tokens: readonly Token[]): string {
  return tokens.map(({ text }) => text).join('')
}
