/** Five numbers that say how a tensor is. */
export interface Statistics {
  least: number
  most: number
  mean: number
  deviation: number
  norm: number
}

export function statistics(values: ArrayLike<number>): Statistics | null {
  const { length } = values
  if (length === 0) return null
  let [least, most, sum, squares] = [Infinity, -Infinity, 0, 0]
  for (let i = 0; i < length; i++) {
    const value = values[i] as number
    if (value < least) least = value
    if (value > most) most = value
    sum += value
    squares += value * value
  }
  const mean = sum / length
  const deviation = Math.sqrt(Math.max(0, squares / length - mean * mean))
  return { least, most, mean, deviation, norm: Math.sqrt(squares) }
}
