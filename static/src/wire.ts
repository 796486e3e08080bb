/** The only file that knows WebSocket: one socket to one run, opened again whenever it breaks. */
import { ApiProblem } from './api'
import type { BrowserMessage, Command, Part, Point, RunState, ServerMessage } from './protocol.gen'

export type Connection = 'connecting' | 'open' | 'lost'

export interface Listener {
  connection(state: Connection): void
  run(run: RunState): void
  points(points: Point[], restart: boolean): void
  frame(bytes: ArrayBuffer): void
  /** The run was deleted; the wire is closed. */
  gone(): void
}

interface Pending {
  command: Command
  resolve: (run: RunState) => void
  reject: (problem: ApiProblem) => void
}

const GONE = 4404
const FIRST_DELAY = 200
const LONGEST_DELAY = 5000

export class Wire {
  #url: string
  readonly #run: string
  readonly #listener: Listener
  readonly #pending = new Map<string, Pending>()
  #socket: WebSocket | null = null
  #closed = false
  #attempts = 0
  #timer = 0
  #wanted: { probes: Part[]; after: number | null } | null = null
  #last: { step: number; curve: number } | null = null

  constructor(run: string, language: string, listener: Listener) {
    this.#run = run
    this.#url = this.#address(language)
    this.#listener = listener
    this.#open()
  }

  /** Asks for one frame. A later request replaces it. */
  pull = (probes: Part[], after: number | null): void => {
    this.#wanted = { probes, after }
    this.#send({ type: 'frame', probes, after })
  }

  /** Sends a command. It survives a broken connection: it is sent again under the same key. */
  command(command: Command): Promise<RunState> {
    const key = crypto.randomUUID()
    return new Promise((resolve, reject) => {
      this.#pending.set(key, { command, resolve, reject })
      this.#send({ type: 'command', key, command })
    })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#socket?.close()
    for (const { reject } of this.#pending.values()) reject(new ApiProblem(0, 'closed'))
    this.#pending.clear()
  }

  /** The language of what the server says from now on: a new socket, nothing lost. */
  speak(language: string): void {
    this.#url = this.#address(language)
    const old = this.#socket
    if (!old) return
    this.#socket = null
    old.close()
    this.#open()
  }

  /** Tries now instead of waiting. */
  retry(): void {
    if (this.#socket || this.#closed) return
    clearTimeout(this.#timer)
    this.#open()
  }

  #address(language: string): string {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    return `${scheme}://${location.host}/api/runs/${this.#run}/live?language=${language}`
  }

  #open(): void {
    this.#listener.connection(this.#attempts ? 'lost' : 'connecting')
    const socket = new WebSocket(this.#url)
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (socket !== this.#socket) return
      if (typeof data === 'string') this.#receive(JSON.parse(data) as ServerMessage)
      else {
        this.#wanted = null
        this.#listener.frame(data)
      }
    }
    socket.onclose = ({ code }) => {
      if (socket === this.#socket) this.#broken(code)
    }
  }

  #broken(code: number): void {
    this.#socket = null
    if (this.#closed) return
    if (code === GONE) {
      this.#gone()
      return
    }
    this.#listener.connection('lost')
    // Half of the delay is drawn, so that the tabs of a whole class do not come back at once.
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#attempts++)
    this.#timer = window.setTimeout(
      () => {
        this.#open()
      },
      delay * (0.5 + Math.random() / 2),
    )
  }

  #gone(): void {
    if (this.#closed) return
    this.close()
    this.#listener.gone()
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case 'hello':
        this.#attempts = 0
        this.#listener.connection('open')
        this.#listener.run(message.run)
        this.#resume()
        break
      case 'run':
        this.#listener.run(message.run)
        break
      case 'points': {
        const last = message.points.at(-1)
        if (last) this.#last = { step: last.step, curve: message.curve }
        else if (message.restart) this.#last = null
        this.#listener.points(message.points, message.restart)
        break
      }
      case 'ack':
        this.#settle(message.key)?.resolve(message.run)
        break
      case 'problem': {
        const { key, status, title, problems, run } = message
        const problem = new ApiProblem(status, title, problems, run)
        if (key !== null) this.#settle(key)?.reject(problem)
        break
      }
      case 'gone':
        this.#gone()
    }
  }

  /** After (re)connecting: points from where we were, unanswered commands, the wanted frame. */
  #resume(): void {
    this.#send({
      type: 'points',
      after: this.#last?.step ?? null,
      curve: this.#last?.curve ?? null,
    })
    for (const [key, { command }] of this.#pending) this.#send({ type: 'command', key, command })
    if (this.#wanted) this.#send({ type: 'frame', probes: this.#wanted.probes, after: null })
  }

  #settle(key: string): Pending | undefined {
    const pending = this.#pending.get(key)
    this.#pending.delete(key)
    return pending
  }

  #send(message: BrowserMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }
}
