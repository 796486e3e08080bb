/** What can be done from the keyboard: one value an action. The help dialog lists them. */
import { removeNode } from './document'
import { session } from './store.svelte'

export interface Action {
  /** Its words are `action.<id>`. */
  id: string
  keys: string
  matches: (event: KeyboardEvent) => boolean
  perform: () => void
}

const plain = (key: string) => (event: KeyboardEvent) =>
  event.key.toLowerCase() === key && !event.ctrlKey && !event.metaKey && !event.altKey
const control = (key: string, shift: boolean) => (event: KeyboardEvent) =>
  event.key.toLowerCase() === key && (event.ctrlKey || event.metaKey) && event.shiftKey === shift

/** Problems are told by the session; here nothing is left to do. */
function quietly(promise: Promise<unknown>): void {
  promise.catch(() => undefined)
}

export function toggleRun(): void {
  quietly(session.command({ type: session.run?.status === 'running' ? 'pause' : 'run' }))
}
export function step(unit: 'step' | 'epoch'): void {
  quietly(session.command({ type: 'step', count: 1, unit }))
}
export function reset(newSeed: boolean): void {
  quietly(session.command({ type: 'reset', new_seed: newSeed }))
}

export function removeSelected(): void {
  const { selection } = session
  if (selection.type !== 'node') return
  session.edit((d) => removeNode(d, selection.network, selection.node), 'remove')
}

export type DialogName = 'gallery' | 'runs' | 'help' | 'paste'

export function actions(open: (dialog: DialogName) => void): Action[] {
  return [
    { id: 'run', keys: 'Space', matches: plain(' '), perform: toggleRun },
    {
      id: 'step',
      keys: 'S',
      matches: plain('s'),
      perform: () => {
        step('step')
      },
    },
    {
      id: 'epoch',
      keys: 'E',
      matches: plain('e'),
      perform: () => {
        step('epoch')
      },
    },
    {
      id: 'reset',
      keys: 'R',
      matches: plain('r'),
      perform: () => {
        reset(false)
      },
    },
    {
      id: 'newWeights',
      keys: 'N',
      matches: plain('n'),
      perform: () => {
        reset(true)
      },
    },
    {
      id: 'undo',
      keys: 'Ctrl Z',
      matches: control('z', false),
      perform: () => {
        session.undo()
      },
    },
    {
      id: 'redo',
      keys: 'Ctrl Shift Z',
      matches: (event) => control('z', true)(event) || control('y', false)(event),
      perform: () => {
        session.redo()
      },
    },
    {
      id: 'removeLayer',
      keys: 'Delete',
      matches: (event) => event.key === 'Delete' || event.key === 'Backspace',
      perform: removeSelected,
    },
    {
      id: 'deselect',
      keys: 'Esc',
      matches: (event) => event.key === 'Escape',
      perform: () => {
        session.selection = { type: 'none' }
        session.brush = { ...session.brush, mode: null }
      },
    },
    {
      id: 'gallery',
      keys: 'G',
      matches: plain('g'),
      perform: () => {
        open('gallery')
      },
    },
    {
      id: 'runs',
      keys: 'O',
      matches: plain('o'),
      perform: () => {
        open('runs')
      },
    },
    {
      id: 'help',
      keys: '?',
      matches: (event) => event.key === '?',
      perform: () => {
        open('help')
      },
    },
  ]
}

/** Whether a key typed there belongs to that control and not to the page. */
export function isTaken(event: KeyboardEvent): boolean {
  const { target } = event
  if (!(target instanceof HTMLElement) || event.defaultPrevented) return true
  if (target.closest('dialog')) return true
  const tag = target.tagName
  if (tag === 'TEXTAREA' || tag === 'SELECT') return true
  if (tag === 'INPUT') {
    const { type } = target as HTMLInputElement
    if (type !== 'range' && type !== 'checkbox') return true
    return event.key === ' ' && type === 'checkbox'
  }
  // Space and Enter press the focused button.
  return (
    event.key === ' ' && target.closest('button, a, summary, [role=button], [tabindex]') !== null
  )
}
