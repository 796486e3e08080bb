/**
 * The session: all state by lifetime. The document has undo and lives in the URL; preferences live
 * in this browser; the run, its points and what is selected are live and never saved.
 */
import * as address from './address'
import * as api from './api'
import { ApiProblem } from './api'
import { BLANK, kindOf, type Path } from './document'
import { drawnData } from './drawing'
import { History } from './history.svelte'
import * as loop from './loop'
import { Messages } from './messages.svelte'
import { Paced } from './pace'
import { keep, kept, startLanguage, type Preferences, type ThemeChoice } from './preferences'
import type {
  Catalogue,
  Command,
  Compiled,
  Data,
  Document,
  Example,
  Kind,
  Point,
  Problem,
  RunState,
} from './protocol.gen'
import { Wire, type Connection } from './wire'

/** What the inspector is about. `unit` counts the neurons of a layer, or features of the input. */
export type Selection =
  | { type: 'none' }
  | { type: 'node'; network: string; node: string }
  | { type: 'neuron'; network: string; node: string; unit: number }
  | { type: 'weight'; network: string; node: string; parameter: string; index: number[] }
  | { type: 'bias'; network: string; node: string; unit: number }
  | { type: 'input'; network: string; unit: number }
  | { type: 'point'; input: (number | string | null)[]; part?: 'train' | 'test'; row?: number }

/** Drawing points onto the plane; null `mode`: not drawing. */
export interface Brush {
  mode: 'draw' | 'erase' | null
  class: number
}

/** A run whose curve is shown beside the current one. */
export interface Compared {
  id: string
  name: string
  points: Point[]
}

const NONE: Selection = { type: 'none' }
/** Steps a second at which learning can be followed by eye; flat out, easy networks are done at once. */
const WATCHABLE = 500
const SETTLE = 150
const SAVE = 300

class Session {
  // Preferences.
  language = $state(startLanguage())
  themeChoice = $state<ThemeChoice>(kept('theme', 'auto'))
  prefersDark = $state(false)
  preferences = $state<Preferences>(kept('preferences', {} as Preferences))
  theme = $derived(
    this.themeChoice === 'auto' ? (this.prefersDark ? 'dark' : 'light') : this.themeChoice,
  )

  // From the server, the same for all documents.
  catalogue = $state.raw<Catalogue | null>(null)
  examples = $state.raw<Example[]>([])
  ready = $state(false)
  connection = $state<Connection>('connecting')

  // The document.
  document = $state.raw<Document>(BLANK)
  compiled = $state.raw<Compiled | null>(null)
  data = $state.raw<Data | null>(null)
  /** What the document was loaded from, if it was an example. */
  example = $state.raw<Example | null>(null)
  readonly history = new History()

  // Live.
  run = $state.raw<RunState | null>(null)
  /** Steps a second that were chosen on this page (null: flat out); new runs get it too. */
  speed = $state<number | null>(WATCHABLE)
  points = $state.raw<Point[]>([])
  selection = $state.raw<Selection>(NONE)
  hover = $state.raw<Selection>(NONE)
  brush = $state.raw<Brush>({ mode: null, class: 0 })
  compared = $state.raw<Compared[]>([])
  readonly messages = new Messages()
  /** Where the builder's card of a node is: `network.node` → centre and width in px within the
   * scrolled content of the middle column; the network's input is `network.input`. The picture
   * draws each layer below its card. */
  columns = $state.raw<Record<string, { x: number; width: number }>>({})

  #wire: Wire | null = null
  /** The run's document as the server last told us, as text. */
  #known = ''
  #commands = 0
  #creating: Promise<RunState> | null = null
  #loads = 0
  /** Runs that were never trained and went when they were left. */
  readonly #discarded = new Set<string>()
  #dataKey = ''
  #hash = ''
  readonly #settle = new Paced(() => this.#settled(), SETTLE)
  readonly #slow = new Paced(() => this.#slowed(), SETTLE)
  readonly #save = new Paced(() => this.#saved(), SAVE)

  // --- opening -------------------------------------------------------------------------------

  /** Loads the catalogue and what the address names; without one the first example. */
  async open(): Promise<void> {
    for (let wait = 250; !this.catalogue; wait = Math.min(5000, wait * 2)) {
      try {
        await this.#learn()
      } catch (error) {
        this.connection = 'lost'
        if (error instanceof ApiProblem && error.status !== 0) this.messages.complain(error)
        await new Promise((done) => setTimeout(done, wait))
      }
    }
    if (!(await this.#readAddress())) {
      const first = this.examples.find((e) => e.id === 'circle') ?? this.examples[0]
      if (first) this.load(first.document, { example: first, push: false })
    }
    this.ready = true
    window.addEventListener('popstate', () => void this.#readAddress())
  }

  async #learn(): Promise<void> {
    api.speak(this.language)
    const [catalogue, examples] = await Promise.all([api.catalogue(), api.examples()])
    this.examples = examples
    this.catalogue = catalogue
    const example = examples.find((e) => e.id === this.example?.id) ?? null
    // A name that the gallery gave is said in the new language too.
    if (example && this.document.name === this.example?.title)
      this.document = { ...this.document, name: example.title }
    this.example = example
  }

  /** Says whether the address named something that could be opened. */
  async #readAddress(): Promise<boolean> {
    if (location.hash === this.#hash && this.#hash) return true
    let found: address.Address | null
    try {
      found = await address.read(location.hash)
    } catch {
      this.messages.tell('toast.badAddress', 'problem')
      if (this.#hash) history.replaceState(null, '', this.#hash)
      return this.#hash !== ''
    }
    if (!found) return false
    this.#hash = location.hash
    if (found.run && (await this.openRun(found.run, { address: found, push: false }))) return true
    if (found.run && !this.#discarded.has(found.run)) this.messages.tell('toast.runGone')
    this.load(found.document, { push: false })
    return true
  }

  /** Puts another document in place of this one, with a new run. */
  load(document: Document, { example = null as Example | null, push = true } = {}): void {
    void this.#leaveRun()
    this.#replace(example ? { ...document, name: example.title } : document, push)
    this.example = example
    this.#settle.call()
  }

  /** Opens a stored run with its document, weights and curve. False when there is none. */
  async openRun(
    id: string,
    { address: found = null as address.Address | null, push = true } = {},
  ): Promise<boolean> {
    let run: RunState
    try {
      run = await api.run(id)
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error
      if (error.status !== 404) this.messages.complain(error)
      return false
    }
    await this.#leaveRun(id)
    // An edit that had not reached the run before the page was left is newer than the run.
    const ours = found && found.revision === run.revision ? found.document : run.document
    this.#replace(ours, push)
    this.#enter(run)
    this.#settle.call()
    return true
  }

  /** Puts the run away; the next one, with weights of its own, follows from the next edit. */
  startAfresh(): void {
    if (!this.run || this.run.step === 0) return
    void this.#leaveRun()
    this.#loads++
    this.example = null
  }

  #replace(document: Document, push: boolean): void {
    if (push && this.#hash) history.pushState(null, '', this.#hash)
    this.#loads++
    this.history.clear()
    this.document = document
    this.compiled = null
    this.selection = NONE
    this.hover = NONE
    this.brush = { mode: null, class: 0 }
    this.example = null
    this.#save.call()
  }

  // --- editing -------------------------------------------------------------------------------

  /**
   * Applies a pure edit. Edits with the same label in quick succession (a slider) are one step of
   * undo. A run follows with its weights kept.
   */
  edit(change: (document: Document) => Document, label: string): void {
    const next = change(this.document)
    if (next === this.document) return
    this.history.record(this.document, label)
    this.#adopt(next)
  }

  undo(): void {
    const document = this.history.undo(this.document)
    if (document) this.#adopt(document)
  }

  redo(): void {
    const document = this.history.redo(this.document)
    if (document) this.#adopt(document)
  }

  #adopt(document: Document): void {
    this.document = document
    const { selection } = this
    if (
      'node' in selection &&
      !document.networks[selection.network]?.some((n) => n.id === selection.node)
    )
      this.selection = NONE
    this.#settle.call()
    this.#save.call()
  }

  /** Compiles, loads the data if they changed, and lets the run follow. */
  async #settled(): Promise<void> {
    const { document } = this
    const load = this.#loads
    try {
      const compiled = await api.compile(document)
      if (load !== this.#loads) return
      this.compiled = compiled
      await this.#loadData(document, compiled)
      if (load !== this.#loads || compiled.problems.length) return
      if (!this.run) await this.#create(document, false)
      else if (JSON.stringify(document) !== this.#known)
        await this.#send({ type: 'edit', document })
    } catch (error) {
      if (load === this.#loads) this.messages.complain(error)
    }
  }

  async #loadData(document: Document, compiled: Compiled): Promise<void> {
    const key = JSON.stringify([document.data, document.seed, this.language])
    if (key === this.#dataKey) return
    if (!compiled.problems.some((p) => p.path[0] === 'data'))
      this.data = await api.data(document.data, document.seed)
    else if (document.data.kind === 'points') this.data = drawnData(document.data)
    else return
    this.#dataKey = key
    loop.redraw()
  }

  async #saved(): Promise<void> {
    const { run, document } = this
    const load = this.#loads
    const hash = await address.written({
      document,
      run: run?.id ?? null,
      revision: run?.revision ?? null,
    })
    if (load !== this.#loads) return
    this.#hash = hash
    history.replaceState(null, '', hash)
  }

  /** Problems at a place of the document, or below it. */
  problemsAt(path: Path, below = true): Problem[] {
    return (this.compiled?.problems ?? []).filter(
      (p) =>
        path.every((step, i) => p.path[i] === step) && (below || p.path.length === path.length),
    )
  }

  kinds(family: string): Kind[] {
    return this.catalogue?.families[family] ?? []
  }

  kind(family: string, part: unknown): Kind | undefined {
    const kind = kindOf(part)
    return this.kinds(family).find((k) => k.kind === kind)
  }

  // --- the run -------------------------------------------------------------------------------

  /** Sends a command; creates the run when there is none yet. Problems are told and thrown. */
  async command(command: Command): Promise<RunState> {
    try {
      await this.#settle.flush()
      if (!this.run) {
        const start = command.type === 'run'
        const run = await this.#create(this.document, start)
        if (start) return run
      }
      return await this.#send(command)
    } catch (error) {
      this.messages.complain(error)
      throw error
    }
  }

  async #create(document: Document, start: boolean): Promise<RunState> {
    const load = this.#loads
    this.#creating ??= this.#make(document, start)
    try {
      const run = await this.#creating
      if (load === this.#loads && this.run?.id !== run.id) this.#enter(run)
      else if (load !== this.#loads) await api.deleteRun(run.id)
      return run
    } finally {
      this.#creating = null
    }
  }

  async #make(document: Document, start: boolean): Promise<RunState> {
    let run = await api.createRun(document, false)
    if (this.speed !== null)
      run = await api.command(run.id, { type: 'speed', steps_per_second: this.speed })
    return start ? api.command(run.id, { type: 'run' }) : run
  }

  setSpeed(stepsPerSecond: number | null): void {
    if (stepsPerSecond === this.speed) return
    this.speed = stepsPerSecond
    this.#slow.call()
  }

  async #slowed(): Promise<void> {
    if (!this.run || this.run.speed === this.speed) return
    await this.#send({ type: 'speed', steps_per_second: this.speed }).catch((error: unknown) => {
      this.messages.complain(error)
    })
  }

  #enter(run: RunState): void {
    this.run = run
    if (run.status === 'created') this.#slow.call()
    else this.speed = run.speed
    this.points = []
    this.#known = JSON.stringify(run.document)
    const wire = new Wire(run.id, this.language, {
      connection: (state) => {
        this.connection = state
        if (state !== 'open') return
        loop.reconnected()
        // What was edited meanwhile has not reached the run yet.
        this.#settle.call()
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
        this.run = null
        loop.connect(null)
        this.messages.tell('toast.runGone')
        this.#settle.call()
      },
    })
    this.#wire = wire
    loop.connect(wire.pull)
    this.#save.call()
  }

  /** Leaves the run as it is; one that was never trained is not kept. */
  async #leaveRun(next?: string): Promise<void> {
    const { run } = this
    this.#wire?.close()
    this.#wire = null
    this.run = null
    this.points = []
    loop.connect(null)
    // Nobody sees it any more: it must not keep the machine busy for ever.
    if (run?.status === 'running' && run.id !== next)
      await api.command(run.id, { type: 'pause' }).catch(() => undefined)
    if (run && run.id !== next && run.status === 'created' && run.step === 0) {
      this.#discarded.add(run.id)
      await api.deleteRun(run.id).catch(() => undefined)
    }
  }

  async #send(command: Command): Promise<RunState> {
    const wire = this.#wire
    if (!wire) throw new ApiProblem(0, 'closed')
    const fenced = command.type === 'edit'
    this.#commands++
    try {
      const revision = this.run?.revision ?? null
      const run = await wire.command(fenced ? { ...command, revision } : command)
      if (wire === this.#wire) this.#acknowledged(run, command)
      return run
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 409 || !error.run || !fenced)
        throw error
      this.run = error.run
      if (JSON.stringify(error.run.document) !== this.#known) {
        this.#meetDocument(error.run.document)
        this.messages.tell('toast.otherTab')
        return error.run
      }
    } finally {
      this.#commands--
    }
    // Only the status had changed meanwhile: the edit still fits.
    return this.#send(command)
  }

  #acknowledged(run: RunState, command: Command): void {
    this.#meet(run, false)
    const text = JSON.stringify(run.document)
    if (text === this.#known) return
    this.#known = text
    // A reset may have drawn a new seed. Our own edit is in the document already.
    if (command.type !== 'edit') {
      this.document = run.document
      this.#settle.call()
    }
    this.#save.call()
  }

  /** The run's state, also when another tab caused it. */
  #meet(run: RunState, adopt = true): void {
    if (this.run?.id === run.id && run.revision < this.run.revision) return
    const revised = this.run?.revision !== run.revision
    this.run = run
    if (revised) this.#save.call()
    if (adopt && revised && this.#commands === 0 && JSON.stringify(run.document) !== this.#known)
      this.#meetDocument(run.document)
  }

  #meetDocument(document: Document): void {
    this.#known = JSON.stringify(document)
    this.edit(() => document, 'other tab')
  }

  /** Shows or hides the curve of another run. */
  async compare(run: RunState): Promise<void> {
    if (this.compared.some((c) => c.id === run.id)) {
      this.compared = this.compared.filter((c) => c.id !== run.id)
      return
    }
    const { points } = await api.metrics(run.id)
    this.compared = [...this.compared, { id: run.id, name: run.name, points }]
  }

  // --- preferences ---------------------------------------------------------------------------

  async speak(language: 'en' | 'zh'): Promise<void> {
    this.language = language
    keep('language', language)
    await this.#learn()
    this.#wire?.speak(language)
    this.#settle.call()
  }

  setTheme(choice: ThemeChoice): void {
    this.themeChoice = choice
    keep('theme', choice)
  }
}

export const session = new Session()
