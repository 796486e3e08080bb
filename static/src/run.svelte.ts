/** The run that this page shows: its state, its points, and the commands to it. */
import * as api from './api'
import { ApiProblem } from './api'
import * as loop from './loop'
import { Paced } from './pace'
import type { Command, Document, Point, RunState } from './protocol.gen'
import { Wire, type Connection } from './wire'

/** What the run needs of the page around it. */
export interface Host {
  language: () => string
  /** The run's document is another one: by a command of ours, or (`foreign`) by another tab. */
  changed: (document: Document, foreign: boolean) => void
  /** An edit of ours was refused, because another tab was first. */
  overtaken: () => void
  /** The run or its revision is another one. */
  moved: () => void
  /** The connection stands, for the first time or again. */
  opened: () => void
  /** The run was deleted. */
  gone: () => void
  complain: (error: unknown) => void
}

/** Steps a second at which learning can be followed by eye; flat out, easy networks are done at once. */
const WATCHABLE = 500
const INTERVAL = 150

export class LiveRun {
  state = $state.raw<RunState | null>(null)
  points = $state.raw<Point[]>([])
  connection = $state<Connection>('connecting')
  /** Steps a second that were chosen on this page (null: flat out); new runs get it too. */
  speed = $state<number | null>(WATCHABLE)

  readonly #host: Host
  #wire: Wire | null = null
  /** The run's document as the server last told us, as text. */
  #known = ''
  #commands = 0
  /** Runs that were never trained and went when they were left. */
  #discarded: string[] = []
  readonly #slow = new Paced(() => this.#slowed(), INTERVAL)

  constructor(host: Host) {
    this.#host = host
  }

  /** A new run on the server; it is not entered. */
  async create(document: Document, start: boolean): Promise<RunState> {
    let run = await api.createRun(document, false)
    if (this.speed !== null)
      run = await api.command(run.id, { type: 'speed', steps_per_second: this.speed })
    return start ? api.command(run.id, { type: 'run' }) : run
  }

  /** Shows a run from now on. */
  enter(run: RunState): void {
    this.state = run
    if (run.status === 'created') this.#slow.call()
    else this.speed = run.speed
    this.points = []
    this.#known = JSON.stringify(run.document)
    const wire = new Wire(run.id, this.#host.language(), {
      connection: (state) => {
        this.connection = state
        if (state !== 'open') return
        loop.reconnected()
        this.#host.opened()
      },
      run: (state) => {
        this.#meet(state)
      },
      points: (points, restart) => {
        this.points = restart ? points : [...this.points, ...points]
      },
      frame: (bytes) => {
        loop.deliver(bytes)
      },
      gone: () => {
        this.#wire = null
        this.state = null
        loop.connect(null)
        this.#host.gone()
      },
    })
    this.#wire = wire
    loop.connect(wire.pull)
    this.#host.moved()
  }

  /** Shows no run. The one that was shown pauses; one that was never trained is not kept. */
  async leave(next?: string): Promise<void> {
    const run = this.state
    this.#wire?.close()
    this.#wire = null
    this.state = null
    this.points = []
    loop.connect(null)
    if (!run || run.id === next) return
    // Nobody sees it any more: it must not keep the machine busy for ever.
    if (run.status === 'running')
      await api.command(run.id, { type: 'pause' }).catch(() => undefined)
    if (run.status === 'created' && run.step === 0) {
      this.#discarded.push(run.id)
      await api.deleteRun(run.id).catch(() => undefined)
    }
  }

  /** Whether a run that is not there any more went because nobody had trained it. */
  wasDiscarded(id: string): boolean {
    return this.#discarded.includes(id)
  }

  /** Whether the run has another document than this. */
  differs(document: Document): boolean {
    return JSON.stringify(document) !== this.#known
  }

  /** Sends a command. An edit that another tab came before is dropped for what that tab made. */
  async send(command: Command): Promise<RunState> {
    const wire = this.#wire
    if (!wire) throw new ApiProblem(0, 'closed')
    const fenced = command.type === 'edit'
    this.#commands++
    try {
      const revision = this.state?.revision ?? null
      const run = await wire.command(fenced ? { ...command, revision } : command)
      if (wire === this.#wire) this.#acknowledged(run, command)
      return run
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 409 || !error.run || !fenced)
        throw error
      this.state = error.run
      if (this.differs(error.run.document)) {
        this.#learn(error.run.document, true)
        this.#host.overtaken()
        return error.run
      }
    } finally {
      this.#commands--
    }
    // Only the status had changed meanwhile: the edit still fits.
    return this.send(command)
  }

  setSpeed(stepsPerSecond: number | null): void {
    if (stepsPerSecond === this.speed) return
    this.speed = stepsPerSecond
    this.#slow.call()
  }

  speak(language: string): void {
    this.#wire?.speak(language)
  }

  async #slowed(): Promise<void> {
    if (!this.state || this.state.speed === this.speed) return
    try {
      await this.send({ type: 'speed', steps_per_second: this.speed })
    } catch (error) {
      this.#host.complain(error)
    }
  }

  #acknowledged(run: RunState, command: Command): void {
    this.#meet(run, false)
    if (!this.differs(run.document)) return
    // Our own edit is in the document already; a reset may have drawn a new seed.
    if (command.type === 'edit') this.#known = JSON.stringify(run.document)
    else this.#learn(run.document, false)
    this.#host.moved()
  }

  /** The run's state, also when another tab caused it. */
  #meet(run: RunState, adopt = true): void {
    if (this.state?.id === run.id && run.revision < this.state.revision) return
    const revised = this.state?.revision !== run.revision
    this.state = run
    if (!revised) return
    this.#host.moved()
    if (adopt && this.#commands === 0 && this.differs(run.document)) this.#learn(run.document, true)
  }

  #learn(document: Document, foreign: boolean): void {
    this.#known = JSON.stringify(document)
    this.#host.changed(document, foreign)
  }
}
