/** A task that is wanted more often than it should run. */
export class Paced {
  readonly #task: () => Promise<void>
  readonly #interval: number
  #wanted = false
  #running: Promise<void> | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #last = -Infinity

  /** `task` runs at most every `interval` ms, never twice at once, and always after the last call. */
  constructor(task: () => Promise<void>, interval: number) {
    this.#task = task
    this.#interval = interval
  }

  call(): void {
    this.#wanted = true
    if (this.#running || this.#timer !== undefined) return
    const wait = Math.max(0, this.#last + this.#interval - performance.now())
    this.#timer = setTimeout(() => {
      void this.flush()
    }, wait)
  }

  /** Runs what is wanted now; done when nothing is left. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#running) await this.#running
    while (this.#wanted) {
      this.#wanted = false
      this.#last = performance.now()
      this.#running = this.#task()
      try {
        await this.#running
      } finally {
        this.#running = null
      }
    }
  }
}
