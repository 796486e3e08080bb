import { expect, test } from 'vitest'
import { Frame, FrameError } from './frame'

/** Safetensors bytes of raw tensors; `padding` shifts the data off their alignment. */
function bytes(
  tensors: Record<string, { dtype: string; shape: number[]; raw: ArrayBufferView }>,
  padding = 0,
): ArrayBuffer {
  let end = 0
  const header: Record<string, unknown> = {
    __metadata__: {
      run: 'r_1',
      step: '128',
      epoch: '8.5',
      version: '9',
      missing: '{"surface":"not a plane"}',
    },
  }
  for (const [name, { dtype, shape, raw }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [end, end + raw.byteLength] }
    end += raw.byteLength
  }
  const json = JSON.stringify(header)
  const text = new TextEncoder().encode(json + ' '.repeat(((8 - (json.length % 8)) % 8) + padding))
  const all = new Uint8Array(8 + text.length + end)
  new DataView(all.buffer).setBigUint64(0, BigInt(text.length), true)
  all.set(text, 8)
  let at = 8 + text.length
  for (const { raw } of Object.values(tensors)) {
    all.set(new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength), at)
    at += raw.byteLength
  }
  return all.buffer
}

const some = {
  'weights/model.h1.weight': {
    dtype: 'F32',
    shape: [2, 2],
    raw: new Float32Array([1, -2, 3.5, 0]),
  },
  'responses/model.h1': { dtype: 'I8', shape: [1, 4], raw: new Int8Array([-127, 0, 5, 127]) },
  'surface/output': {
    dtype: 'F16',
    shape: [5],
    raw: new Uint16Array([0x3c00, 0xc000, 0x3555, 0x7c00, 0x0001]),
  },
  'confusion/train': { dtype: 'I32', shape: [1], raw: new Int32Array([-7]) },
}

test('tensors are read with their shapes, halves widened', () => {
  const frame = new Frame(bytes(some))
  expect(frame.tensor('weights/model.h1.weight')).toEqual({
    shape: [2, 2],
    data: new Float32Array([1, -2, 3.5, 0]),
  })
  expect([...(frame.tensor('responses/model.h1')?.data ?? [])]).toEqual([-127, 0, 5, 127])
  const halves = [...(frame.tensor('surface/output')?.data ?? [])]
  expect(halves[0]).toBe(1)
  expect(halves[1]).toBe(-2)
  expect(halves[2]).toBeCloseTo(1 / 3, 3)
  expect(halves[3]).toBe(Infinity)
  expect(halves[4]).toBeCloseTo(2 ** -24, 12)
  expect(frame.tensor('nothing')).toBeNull()
  expect(frame.tensor('toString')).toBeNull()
  expect([frame.step, frame.epoch, frame.version]).toEqual([128, 8.5, 9])
  expect(frame.missing).toEqual([{ probe: 'surface', reason: 'not a plane' }])
})

test('aligned tensors are views of the frame, and others are copied', () => {
  const buffer = bytes({ a: { dtype: 'F32', shape: [1], raw: new Float32Array([2]) } })
  expect(new Frame(buffer).tensor('a')?.data.buffer).toBe(buffer)
  const shifted = bytes({ a: { dtype: 'F32', shape: [1], raw: new Float32Array([2]) } }, 1)
  expect([...(new Frame(shifted).tensor('a')?.data ?? [])]).toEqual([2])
})

test('bytes that are no frame are refused', () => {
  const good = bytes(some)
  expect(() => new Frame(new ArrayBuffer(3))).toThrow(FrameError)
  expect(() => new Frame(good.slice(0, 40))).toThrow(FrameError)
  const cut = new Frame(good.slice(0, -2))
  expect(() => cut.tensor('confusion/train')).toThrow(FrameError)
})

test('before anything is measured every tensor is missing', () => {
  expect(Frame.empty.names).toEqual([])
  expect(Frame.empty.version).toBeNull()
})
