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
import { LiveRun } from './run.svelte'
import type { Connection } from './wire'

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

  // The document.
  document = $state.raw<Document>(BLANK)
  compiled = $state.raw<Compiled | null>(null)
  data = $state.raw<Data | null>(null)
  /** What the document was loaded from, if it was an example. */
  example = $state.raw<Example | null>(null)
  readonly history = new History()

  // Live.
  readonly #live = new LiveRun({
    language: () => this.language,
    changed: (document, foreign) => {
      if (foreign) this.edit(() => document, 'other tab')
      else this.#adopt(document)
    },
    overtaken: () => {
      this.messages.tell('toast.otherTab')
    },
    moved: () => {
      this.#save.call()
    },
    // What was edited meanwhile has not reached the run yet.
    opened: () => {
      this.#settle.call()
    },
    gone: () => {
      this.messages.tell('toast.runGone')
      this.#settle.call()
    },
    complain: (error) => {
      this.messages.complain(error)
    },
  })
  selection = $state.raw<Selection>(NONE)
  hover = $state.raw<Selection>(NONE)
  brush = $state.raw<Brush>({ mode: null, class: 0 })
  compared = $state.raw<Compared[]>([])
  readonly messages = new Messages()
  /** Where the builder's card of a node is: `network.node` → centre and width in px within the
   * scrolled content of the middle column; the network's input is `network.input`. The picture
   * draws each layer below its card. */
  columns = $state.raw<Record<string, { x: number; width: number }>>({})

  #creating: Promise<RunState> | null = null
  #loads = 0
  #dataKey = ''
  #dataKind = ''
  #hash = ''
  readonly #settle = new Paced(() => this.#settled(), SETTLE)
  readonly #save = new Paced(() => this.#saved(), SAVE)

  get run(): RunState | null {
    return this.#live.state
  }

  get points(): Point[] {
    return this.#live.points
  }

  get connection(): Connection {
    return this.#live.connection
  }

  /** Steps a second that were chosen (null: flat out). */
  get speed(): number | null {
    return this.#live.speed
  }

  // --- opening -------------------------------------------------------------------------------

  /** Loads the catalogue and what the address names; without one the first example. */
  async open(): Promise<void> {
    for (let wait = 250; !this.catalogue; wait = Math.min(5000, wait * 2)) {
      try {
        await this.#learn()
      } catch (error) {
        this.#live.connection = 'lost'
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
    if (found.run && !this.#live.wasDiscarded(found.run)) this.messages.tell('toast.runGone')
    this.load(found.document, { push: false })
    return true
  }

  /** Puts another document in place of this one, with a new run. */
  load(document: Document, { example = null as Example | null, push = true } = {}): void {
    void this.#live.leave()
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
    await this.#live.leave(id)
    // An edit that had not reached the run before the page was left is newer than the run.
    const ours = found && found.revision === run.revision ? found.document : run.document
    this.#replace(ours, push)
    this.#live.enter(run)
    this.#settle.call()
    return true
  }

  /** Puts the run away; the next one, with weights of its own, follows from the next edit. */
  startAfresh(): void {
    if (!this.run || this.run.step === 0) return
    void this.#live.leave()
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
      else if (this.#live.differs(document)) await this.#live.send({ type: 'edit', document })
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
    else if (document.data.kind !== this.#dataKind) this.data = null
    else return
    this.#dataKey = key
    this.#dataKind = document.data.kind
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
      return await this.#live.send(command)
    } catch (error) {
      this.messages.complain(error)
      throw error
    }
  }

  async #create(document: Document, start: boolean): Promise<RunState> {
    const load = this.#loads
    this.#creating ??= this.#live.create(document, start)
    try {
      const run = await this.#creating
      if (load === this.#loads && this.run?.id !== run.id) this.#live.enter(run)
      else if (load !== this.#loads) await api.deleteRun(run.id)
      return run
    } finally {
      this.#creating = null
    }
  }

  setSpeed(stepsPerSecond: number | null): void {
    this.#live.setSpeed(stepsPerSecond)
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
    this.#live.speak(language)
    this.#settle.call()
  }

  setTheme(choice: ThemeChoice): void {
    this.themeChoice = choice
    keep('theme', choice)
  }
}

export const session = new Session()
