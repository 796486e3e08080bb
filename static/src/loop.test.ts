import { beforeEach, expect, test, vi } from 'vitest'
import type { Frame } from './frame'

let frames: FrameRequestCallback[] = []
let now = 0

function frameBytes(version: number): ArrayBuffer {
  const json = JSON.stringify({ __metadata__: { version: String(version), step: '1' } })
  const bytes = new Uint8Array(8 + json.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true)
  bytes.set(new TextEncoder().encode(json), 8)
  return bytes.buffer
}

/** The next animation frame, `ms` later. */
function animate(ms = 40) {
  now += ms
  const due = frames
  frames = []
  for (const callback of due) callback(now)
}

async function fresh() {
  vi.resetModules()
  frames = []
  now = 1000
  return import('./loop')
}

beforeEach(() => {
  vi.stubGlobal('requestAnimationFrame', (callback: FrameRequestCallback) => frames.push(callback))
  vi.stubGlobal('performance', { now: () => now, measure: vi.fn(), clearMeasures: vi.fn() })
})

test('probes of all views are pulled together, once, and drawn when the frame comes', async () => {
  const loop = await fresh()
  const pull = vi.fn()
  const drawn: (number | null)[] = []
  loop.show({ probes: () => [{ kind: 'weights' }], draw: (f) => drawn.push(f.version) })
  loop.show({ probes: () => [{ kind: 'weights' }, { kind: 'surface' }], draw: () => undefined })
  loop.connect(pull)
  animate()
  expect(drawn).toEqual([null])
  expect(pull.mock.calls).toEqual([[[{ kind: 'weights' }, { kind: 'surface' }], null]])
  animate()
  expect(pull).toHaveBeenCalledOnce()
  loop.deliver(frameBytes(4))
  animate()
  expect(drawn).toEqual([null, 4])
  expect(pull).toHaveBeenLastCalledWith([{ kind: 'weights' }, { kind: 'surface' }], 4)
})

test('nothing is drawn without news, and frames are not asked for faster than the eye needs', async () => {
  const loop = await fresh()
  const pull = vi.fn()
  const draw = vi.fn()
  loop.show({ probes: () => [{ kind: 'weights' }], draw })
  loop.connect(pull)
  animate()
  loop.deliver(frameBytes(1))
  animate(5)
  expect(draw).toHaveBeenCalledTimes(2)
  expect(pull).toHaveBeenCalledOnce()
  animate(5)
  animate(5)
  expect(draw).toHaveBeenCalledTimes(2)
  animate(40)
  expect(pull).toHaveBeenCalledTimes(2)
})

test('a probe that is newly wanted is asked for at once; one that left is not missed', async () => {
  const loop = await fresh()
  const pull = vi.fn()
  loop.show({ probes: () => [{ kind: 'weights' }], draw: () => undefined })
  loop.connect(pull)
  animate()
  const off = loop.show({ probes: () => [{ kind: 'histograms' }], draw: () => undefined })
  animate(1)
  expect(pull).toHaveBeenLastCalledWith([{ kind: 'weights' }, { kind: 'histograms' }], null)
  off()
  loop.redraw()
  animate(1)
  expect(pull).toHaveBeenCalledTimes(2)
})

test('without a run the views are drawn with nothing measured', async () => {
  const loop = await fresh()
  const draw = vi.fn<(frame: Frame) => void>()
  loop.show({ probes: () => [{ kind: 'weights' }], draw })
  loop.connect(vi.fn())
  animate()
  loop.deliver(frameBytes(9))
  animate()
  loop.connect(null)
  animate()
  expect(draw.mock.lastCall?.[0].version).toBeNull()
})
