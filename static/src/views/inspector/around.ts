/** What every part of the inspector is told. */

import { session } from '../../store.svelte'
import type { Surroundings } from '../facts'

export function surroundings(network: string): Surroundings {
  return {
    network,
    document: session.document,
    compiled: session.compiled?.networks[network],
    data: session.data,
    kinds: session.kinds('layer'),
  }
}
