import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BLANK } from './document'
import { History } from './history.svelte'

const named = (name: string) => ({ ...BLANK, name })

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test('what was undone can be done again, until something else is done', () => {
  const history = new History()
  history.record(named('a'), 'one')
  history.record(named('b'), 'two')
  expect(history.undo(named('c'))?.name).toBe('b')
  expect(history.undo(named('b'))?.name).toBe('a')
  expect(history.undo(named('a'))).toBeNull()
  expect(history.redo(named('a'))?.name).toBe('b')
  expect([history.canUndo, history.canRedo]).toEqual([true, true])
  history.record(named('b'), 'three')
  expect(history.redo(named('d'))).toBeNull()
})

test('the many changes of a slider are one step, and a pause begins another', () => {
  const history = new History()
  for (const name of ['1', '2', '3']) {
    history.record(named(name), 'rate')
    vi.advanceTimersByTime(100)
  }
  vi.advanceTimersByTime(5000)
  history.record(named('4'), 'rate')
  expect(history.undo(named('5'))?.name).toBe('4')
  expect(history.undo(named('4'))?.name).toBe('1')
})
