/** Small samples of the generated data sets, fetched once. */
import { SvelteMap } from 'svelte/reactivity'
import * as api from '../api'
import type { Data, Kind, Part } from '../protocol.gen'

const SAMPLES = 160
const known = new SvelteMap<string, Data | null>()

/** The small sample of a kind; null while it is on its way. */
export function thumbnail(kind: Kind): Data | null {
  return known.get(kind.kind) ?? null
}

/** Fetches one after the other, so that pictures never hold up training. */
export async function fetchThumbnails(kinds: Kind[]): Promise<void> {
  for (const { kind, schema } of kinds) {
    if (known.has(kind)) continue
    known.set(kind, null)
    const part: Part = { kind, ...(schema.properties.samples && { samples: SAMPLES }) }
    try {
      known.set(kind, await api.data(part, 1))
    } catch {
      known.delete(kind)
    }
  }
}
