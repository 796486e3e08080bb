/** Short messages that come and go by themselves. */
import { ApiProblem } from './api'

export type Tone = 'info' | 'problem'

/** Words of ours (`key`), or of the server (`text`). */
export interface Toast {
  id: number
  tone: Tone
  key?: string
  text?: string
  hint?: string
}

const MOST = 4
const SECONDS: Record<Tone, number> = { info: 5, problem: 9 }

export class Messages {
  toasts = $state.raw<Toast[]>([])
  #last = 0

  tell(key: string, tone: Tone = 'info'): void {
    this.#show({ key, tone })
  }

  /** Shows why the server refused, with its hint. Throws what is no refusal. */
  complain(error: unknown): void {
    if (!(error instanceof ApiProblem)) throw error
    if (error.status === 0) {
      if (error.message !== 'closed') this.tell('toast.unreachable', 'problem')
      return
    }
    const [first] = error.problems
    this.#show({
      tone: 'problem',
      text: first?.message ?? error.message,
      ...(first?.hint && { hint: first.hint }),
    })
  }

  dismiss(id: number): void {
    this.toasts = this.toasts.filter((toast) => toast.id !== id)
  }

  /** The same message twice is shown once. */
  #show(toast: Omit<Toast, 'id'>): void {
    const id = ++this.#last
    const others = this.toasts.filter((t) => t.key !== toast.key || t.text !== toast.text)
    this.toasts = [...others, { ...toast, id }].slice(-MOST)
    setTimeout(() => {
      this.dismiss(id)
    }, SECONDS[toast.tone] * 1000)
  }
}
