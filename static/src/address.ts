/**
 * The address of the page: the whole document (and the run, if there is one) behind the `#`.
 * `d` is the document as JSON, deflated, base64url; `r` the run; `v` the run's revision that the
 * document was seen with.
 */
import type { Document } from './protocol.gen'

export interface Address {
  document: Document
  run: string | null
  revision: number | null
}

/** A document of more than this is no document of ours. */
const MAX_CHARACTERS = 4_000_000

/** The hash is not one of ours, or damaged. */
export class AddressError extends Error {}

export async function written(address: Address): Promise<string> {
  const hash = new URLSearchParams({ d: await packed(JSON.stringify(address.document)) })
  if (address.run) {
    hash.set('r', address.run)
    if (address.revision !== null) hash.set('v', String(address.revision))
  }
  return `#${hash}`
}

/** What a hash says; null for an empty one. Throws `AddressError`. */
export async function read(hash: string): Promise<Address | null> {
  const text = hash.replace(/^#/, '')
  if (!text) return null
  const parameters = new URLSearchParams(text)
  const data = parameters.get('d')
  if (!data) throw new AddressError('no document')
  const document = await unpacked(data)
  const run = parameters.get('r')
  const revision = Number(parameters.get('v') ?? NaN)
  return {
    document,
    run: run && /^[\w-]{1,64}$/.test(run) ? run : null,
    revision: Number.isInteger(revision) ? revision : null,
  }
}

async function packed(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer())
  let binary = ''
  for (let i = 0; i < bytes.length; i += 0x8000)
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

async function unpacked(data: string): Promise<Document> {
  try {
    const binary = atob(data.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
    return documentIn(await limited(stream))
  } catch (error) {
    if (error instanceof AddressError) throw error
    throw new AddressError('damaged')
  }
}

/** The text of a stream, unless it is longer than any document. */
async function limited(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  const reader = stream.getReader()
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    text += decoder.decode(value, { stream: true })
    if (text.length > MAX_CHARACTERS) {
      await reader.cancel()
      throw new AddressError('too long')
    }
  }
}

/** Text as a document, as far as this page must rely on it; the server checks the rest. Throws `AddressError`. */
export function documentIn(text: string): Document {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new AddressError('no JSON')
  }
  const whole = isObject(value) ? { ...UNWRITTEN, ...value } : value
  if (!isDocument(whole)) throw new AddressError('no document')
  return whole
}

/** What a document may leave out, as the engine fills it in. */
const UNWRITTEN = {
  format: 1,
  name: 'Untitled',
  seed: 1,
  recipe: 'supervised',
  loss: 'mse',
  optimizer: 'sgd',
  training: {},
}

function isDocument(value: unknown): value is Document {
  if (!isObject(value) || value.format !== 1) return false
  const { data, networks, optimizer, training } = value
  return (
    isObject(data) &&
    typeof data.kind === 'string' &&
    isObject(networks) &&
    Object.values(networks).every((nodes) => Array.isArray(nodes) && nodes.every(isNode)) &&
    (typeof optimizer === 'string' || isObject(optimizer)) &&
    isObject(training)
  )
}

function isNode(node: unknown): boolean {
  return isObject(node) && typeof node.id === 'string' && typeof node.kind === 'string'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
