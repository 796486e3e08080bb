/** The one input whose way through the network is written into the picture. */

import type { Probe } from '../loop'
import { session } from '../store.svelte'

type Row = (number | string | null)[]

class Trace {
  /** The input that was chosen; stays while other things are looked at. */
  chosen = $state.raw<Row | null>(null)

  /**
   * What is followed: the chosen input or, where no plane can be drawn, the first sample, so that
   * neurons have something to show.
   */
  input = $derived.by((): Row | null => {
    const { data } = session
    if (!data) return null
    if (this.chosen?.length === data.columns.length) return this.chosen
    if (data.plane || data.line) return null
    return data.test.inputs[0] ?? data.train.inputs[0] ?? null
  })

  follow(input: Row): void {
    this.chosen = input
    session.selection = { type: 'point', input }
  }

  clear(): void {
    this.chosen = null
    if (session.selection.type === 'point') session.selection = { type: 'none' }
  }

  probes(): Probe[] {
    return this.input ? [{ kind: 'trace', input: this.input }] : []
  }
}

export const trace = new Trace()
