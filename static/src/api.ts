/** The REST calls, one function each. A refusal is thrown as `ApiProblem`. */
import type {
  Catalogue,
  Command,
  Compiled,
  Data,
  Document,
  Example,
  Part,
  Point,
  Prediction,
  Problem,
  ProblemDetails,
  RunState,
  Table,
} from './protocol.gen'

/** The server refused, with every problem; `status` 0: it could not be reached. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    title: string,
    readonly problems: Problem[] = [],
    readonly run: RunState | null = null,
  ) {
    super(title)
  }
}

let language = 'en'

/** The language of problems, titles and help from now on. */
export function speak(chosen: string): void {
  language = chosen
}

interface Request {
  method?: string
  json?: unknown
  body?: BodyInit
  headers?: Record<string, string>
  signal?: AbortSignal | undefined
}

async function send(path: string, { json, headers, ...request }: Request = {}): Promise<Response> {
  const all: Record<string, string> = { 'Accept-Language': language, ...headers }
  if (json !== undefined) all['Content-Type'] = 'application/json'
  let response: Response
  try {
    const body = json === undefined ? request.body : JSON.stringify(json)
    response = await fetch(`/api${path}`, {
      method: request.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: all,
      signal: request.signal ?? null,
      body: body ?? null,
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiProblem(0, 'unreachable')
  }
  if (!response.ok) throw await refusal(response)
  return response
}

async function refusal(response: Response): Promise<ApiProblem> {
  try {
    const details = (await response.json()) as ProblemDetails
    return new ApiProblem(response.status, details.title, details.problems, details.run)
  } catch {
    return new ApiProblem(response.status, response.statusText || String(response.status))
  }
}

async function ask<T>(path: string, request?: Request): Promise<T> {
  const response = await send(path, request)
  return (await response.json()) as T
}

/** Of this key the server takes only the first request. */
const once = () => ({ 'Idempotency-Key': crypto.randomUUID() })

export const catalogue = () => ask<Catalogue>(`/catalogue?language=${language}`)
export const examples = () => ask<Example[]>(`/examples?language=${language}`)
export const compile = (document: Document, signal?: AbortSignal) =>
  ask<Compiled>('/compile', { json: { document }, signal })

export const runs = () => ask<RunState[]>('/runs')
export const run = (id: string) => ask<RunState>(`/runs/${id}`)
export const createRun = (document: Document, start: boolean) =>
  ask<RunState>('/runs', { json: { document, start }, headers: once() })
export const copyRun = (id: string) =>
  ask<RunState>('/runs', { json: { from_run: id, start: false }, headers: once() })
export const renameRun = (id: string, name: string) =>
  ask<RunState>(`/runs/${id}`, { method: 'PATCH', json: { name } })
export async function deleteRun(id: string): Promise<void> {
  await send(`/runs/${id}`, { method: 'DELETE' })
}
export const command = (id: string, command: Command) =>
  ask<RunState>(`/runs/${id}/commands`, { json: command, headers: once() })
export const metrics = (id: string, after = -1) =>
  ask<{ points: Point[] }>(`/runs/${id}/metrics?after=${after}`)
export const predict = (id: string, inputs: (number | string | null)[][]) =>
  ask<Prediction>(`/runs/${id}/predict`, { json: { inputs } })

export const data = (data: Part, seed: number, signal?: AbortSignal) =>
  ask<Data>('/data', { json: { data, seed }, signal })
export const tables = () => ask<Table[]>('/tables')
export const table = (id: string) => ask<Table>(`/tables/${id}`)
export async function deleteTable(id: string): Promise<void> {
  await send(`/tables/${id}`, { method: 'DELETE' })
}
export function uploadTable(file: File): Promise<Table> {
  const body = new FormData()
  body.append('file', file)
  return ask<Table>('/tables', { method: 'POST', body })
}
export const pasteTable = (text: string) =>
  ask<Table>('/tables', { method: 'POST', body: text, headers: { 'Content-Type': 'text/csv' } })

/** The whole set as a CSV file. */
export async function dataCsv(data: Part, seed: number): Promise<Blob> {
  return (await send('/data.csv', { json: { data, seed } })).blob()
}
export async function weights(id: string): Promise<Blob> {
  return (await send(`/runs/${id}/weights`)).blob()
}
export async function metricsCsv(id: string): Promise<Blob> {
  return (await send(`/runs/${id}/metrics?format=csv`)).blob()
}
