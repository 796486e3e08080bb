import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Paced } from './pace'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test('many calls run the task at once and once more at the end', async () => {
  let runs = 0
  const paced = new Paced(() => {
    runs++
    return Promise.resolve()
  }, 100)
  paced.call()
  await vi.advanceTimersByTimeAsync(0)
  expect(runs).toBe(1)
  for (let i = 0; i < 9; i++) {
    paced.call()
    await vi.advanceTimersByTimeAsync(10)
  }
  expect(runs).toBe(1)
  await vi.advanceTimersByTimeAsync(100)
  expect(runs).toBe(2)
  await vi.advanceTimersByTimeAsync(1000)
  expect(runs).toBe(2)
})

test('the task never runs twice at once, and a call meanwhile is not lost', async () => {
  let at = 0
  let most = 0
  let runs = 0
  const paced = new Paced(async () => {
    most = Math.max(most, ++at)
    await new Promise((done) => setTimeout(done, 50))
    at--
    runs++
  }, 10)
  paced.call()
  await vi.advanceTimersByTimeAsync(20)
  paced.call()
  const flushed = paced.flush()
  await vi.advanceTimersByTimeAsync(500)
  await flushed
  expect(most).toBe(1)
  expect(runs).toBe(2)
})

test('flush with nothing wanted does nothing', async () => {
  let runs = 0
  await new Paced(() => {
    runs++
    return Promise.resolve()
  }, 10).flush()
  expect(runs).toBe(0)
})
