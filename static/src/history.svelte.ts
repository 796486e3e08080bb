/** Undo and redo: what the document was before each change. */
import type { Document } from './protocol.gen'

interface Change {
  document: Document
  label: string
  at: number
}

/** Changes of one kind that follow each other as fast as this (a slider) are one step. */
const MERGE = 800
const DEPTH = 200

export class History {
  #past = $state.raw<Change[]>([])
  #future = $state.raw<Change[]>([])
  canUndo = $derived(this.#past.length > 0)
  canRedo = $derived(this.#future.length > 0)

  /** Remembers the document as it was before a change of the kind `label`. */
  record(before: Document, label: string): void {
    const last = this.#past.at(-1)
    const at = Date.now()
    if (last?.label === label && at - last.at < MERGE && !this.#future.length)
      this.#past = [...this.#past.slice(0, -1), { ...last, at }]
    else this.#past = [...this.#past, { document: before, label, at }].slice(-DEPTH)
    this.#future = []
  }

  /** The document before the last change, given the present one; null when there is none. */
  undo(present: Document): Document | null {
    const last = this.#past.at(-1)
    if (!last) return null
    this.#past = this.#past.slice(0, -1)
    this.#future = [...this.#future, { ...last, document: present }]
    return last.document
  }

  /** The document after the change that was undone last; null when there is none. */
  redo(present: Document): Document | null {
    const next = this.#future.at(-1)
    if (!next) return null
    this.#future = this.#future.slice(0, -1)
    this.#past = [...this.#past, { ...next, document: present, at: 0 }]
    return next.document
  }

  clear(): void {
    this.#past = []
    this.#future = []
  }
}
