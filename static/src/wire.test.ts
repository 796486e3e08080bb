import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RunState } from './protocol.gen'
import { Wire, type Listener } from './wire'

/** A socket whose other end is the test. */
class Socket {
  static readonly OPEN = 1
  static all: Socket[] = []
  readyState = 0
  binaryType = ''
  sent: Record<string, unknown>[] = []
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null

  constructor(readonly url: string) {
    Socket.all.push(this)
  }
  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>)
  }
  close() {
    this.readyState = 3
  }
  say(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) })
  }
  accept() {
    this.readyState = Socket.OPEN
    this.say({ type: 'hello', protocol: 1, run })
  }
  break(code = 1006) {
    this.readyState = 3
    this.onclose?.({ code })
  }
  of(type: string) {
    return this.sent.filter((message) => message.type === type)
  }
}

const run = { id: 'r_1', revision: 1 } as RunState
const listener = {
  connection: vi.fn(),
  run: vi.fn(),
  points: vi.fn(),
  frame: vi.fn(),
  gone: vi.fn(),
} satisfies Listener
const latest = () => Socket.all.at(-1) as Socket

beforeEach(() => {
  Socket.all = []
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', Socket)
  vi.clearAllMocks()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('after a break it goes on where it was: points, unanswered commands, the wanted frame', async () => {
  const wire = new Wire('r_1', 'en', listener)
  latest().accept()
  latest().say({ type: 'points', points: [{ step: 7 }], restart: true, curve: 3 })
  wire.pull([{ kind: 'weights' }], 5)
  const answer = wire.command({ type: 'pause' })
  const [first] = latest().of('command')
  latest().break()
  expect(listener.connection).toHaveBeenLastCalledWith('lost')
  vi.advanceTimersByTime(10_000)
  expect(Socket.all).toHaveLength(2)
  latest().accept()
  expect(listener.connection).toHaveBeenLastCalledWith('open')
  expect(latest().of('points')).toEqual([{ type: 'points', after: 7, curve: 3 }])
  expect(latest().of('command')).toEqual([first])
  expect(latest().of('frame')).toEqual([
    { type: 'frame', probes: [{ kind: 'weights' }], after: null },
  ])
  latest().say({ type: 'ack', key: first?.key, run })
  await expect(answer).resolves.toEqual(run)
  wire.close()
})

test('a frame that has come is not asked for again', () => {
  const wire = new Wire('r_1', 'en', listener)
  latest().accept()
  wire.pull([], null)
  latest().onmessage?.({ data: new ArrayBuffer(8) })
  expect(listener.frame).toHaveBeenCalledOnce()
  latest().break()
  vi.advanceTimersByTime(10_000)
  latest().accept()
  expect(latest().of('frame')).toEqual([])
  wire.close()
})

test('a refused command says why', async () => {
  const wire = new Wire('r_1', 'en', listener)
  latest().accept()
  const answer = wire.command({ type: 'run' })
  const key = latest().of('command')[0]?.key
  latest().say({ type: 'problem', key, status: 409, title: 'stale', problems: [], run })
  await expect(answer).rejects.toMatchObject({ status: 409, run })
  wire.close()
})

test('a deleted run is not asked for again, and a closed wire stays closed', async () => {
  const wire = new Wire('r_1', 'en', listener)
  latest().accept()
  const answer = wire.command({ type: 'run' })
  latest().break(4404)
  expect(listener.gone).toHaveBeenCalledOnce()
  await expect(answer).rejects.toMatchObject({ status: 0 })
  vi.advanceTimersByTime(60_000)
  expect(Socket.all).toHaveLength(1)
})

test('another language takes a new socket and loses nothing', () => {
  const wire = new Wire('r_1', 'en', listener)
  latest().accept()
  latest().say({ type: 'points', points: [{ step: 9 }], restart: false, curve: 0 })
  const old = latest()
  wire.speak('zh')
  old.break()
  expect(Socket.all).toHaveLength(2)
  expect(latest().url).toContain('language=zh')
  latest().accept()
  expect(latest().of('points')).toEqual([{ type: 'points', after: 9, curve: 0 }])
  wire.close()
})
