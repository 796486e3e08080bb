/** Where the facts of a network are gathered from: the session as it is now. */

import { session } from '../store.svelte'
import { featureNames, type Surroundings } from './facts'

export function surroundings(network: string): Surroundings {
  return {
    network,
    document: session.document,
    compiled: session.compiled?.networks[network],
    features: featureNames(session.data, session.kind('dataset', session.document.data)),
    kinds: session.kinds('layer'),
  }
}
