/**
 * A frame: a safetensors byte string, read into typed arrays over the bytes themselves.
 * Layout: 8 bytes little-endian length N, N bytes of JSON, then the tensors.
 */

export type Numbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array

export interface FrameTensor {
  shape: number[]
  data: Numbers
}

interface Entry {
  dtype: string
  shape: number[]
  data_offsets: [number, number]
}

type Constructor = new (buffer: ArrayBuffer, offset: number, length: number) => Numbers

const ARRAYS: Record<string, Constructor> = {
  F32: Float32Array,
  F64: Float64Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
  I16: Int16Array,
  U16: Uint16Array,
  I32: Int32Array,
  U32: Uint32Array,
}
const SIZES: Record<string, number> = {
  F64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  I64: 8,
  F16: 2,
  I16: 2,
  U16: 2,
}

export class FrameError extends Error {}

export class Frame {
  /** Nothing measured yet: every tensor is missing. */
  static readonly empty = new Frame(emptyBytes())

  /** `run`, `step`, `epoch`, `version`, `revision`, `probes`, `missing`: all as strings. */
  readonly meta: Record<string, string>
  readonly names: string[]
  readonly #entries: Record<string, Entry>
  readonly #bytes: ArrayBuffer
  readonly #start: number
  readonly #read = new Map<string, FrameTensor>()

  /** Reads the header alone. Throws `FrameError` when the bytes are no safetensors. */
  constructor(bytes: ArrayBuffer) {
    if (bytes.byteLength < 8) throw new FrameError('too short')
    const view = new DataView(bytes)
    const length = view.getUint32(0, true)
    if (view.getUint32(4, true) !== 0 || 8 + length > bytes.byteLength)
      throw new FrameError('the header is longer than the frame')
    const text = new TextDecoder().decode(new Uint8Array(bytes, 8, length))
    let header: Record<string, unknown>
    try {
      header = JSON.parse(text) as Record<string, unknown>
    } catch {
      throw new FrameError('the header is no JSON')
    }
    const { __metadata__: meta, ...entries } = header
    this.meta = (meta ?? {}) as Record<string, string>
    this.#entries = entries as Record<string, Entry>
    this.names = Object.keys(entries)
    this.#bytes = bytes
    this.#start = 8 + length
  }

  get step(): number {
    return Number(this.meta.step ?? 0)
  }

  get epoch(): number {
    return Number(this.meta.epoch ?? 0)
  }

  /** What goes into `after` of the next request; null when nothing is measured. */
  get version(): number | null {
    return this.meta.version === undefined ? null : Number(this.meta.version)
  }

  /** Probes that do not fit this network, each with the reason. */
  get missing(): { probe: string; reason: string }[] {
    if (this.meta.missing === undefined) return []
    const missing = JSON.parse(this.meta.missing) as unknown
    if (Array.isArray(missing)) return missing as { probe: string; reason: string }[]
    return Object.entries(missing as Record<string, string>).map(([probe, reason]) => ({
      probe,
      reason,
    }))
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#entries, name)
  }

  /** The tensor as an array over the frame's own bytes (f16 is widened to f32); null when missing. */
  tensor(name: string): FrameTensor | null {
    const known = this.#read.get(name)
    if (known) return known
    const entry = Object.hasOwn(this.#entries, name) ? this.#entries[name] : undefined
    if (!entry) return null
    const tensor = { shape: entry.shape, data: this.#numbers(entry) }
    this.#read.set(name, tensor)
    return tensor
  }

  #numbers({ dtype, shape, data_offsets: [from, to] }: Entry): Numbers {
    const size = SIZES[dtype] ?? 1
    const count = shape.reduce((product, axis) => product * axis, 1)
    const offset = this.#start + from
    if (to - from !== count * size || offset + count * size > this.#bytes.byteLength)
      throw new FrameError('a tensor does not fit its place')
    const aligned = offset % size === 0
    const buffer = aligned ? this.#bytes : this.#bytes.slice(offset, offset + count * size)
    const place = aligned ? offset : 0
    if (dtype === 'F16') return widened(new Uint16Array(buffer, place, count))
    if (dtype === 'I64') return Float64Array.from(new BigInt64Array(buffer, place, count), Number)
    const Numbers = ARRAYS[dtype]
    if (!Numbers) throw new FrameError(`unknown number type ${dtype}`)
    return new Numbers(buffer, place, count)
  }
}

function emptyBytes(): ArrayBuffer {
  return new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]).buffer
}

let halves: Float32Array | null = null

/** Half precision by table: 65,536 entries, made at the first use. */
function widened(bits: Uint16Array): Float32Array {
  halves ??= Float32Array.from({ length: 65536 }, (_, half) => fromHalf(half))
  const table = halves
  const wide = new Float32Array(bits.length)
  for (let i = 0; i < bits.length; i++) wide[i] = table[bits[i] ?? 0] ?? 0
  return wide
}

function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024)
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024)
}
