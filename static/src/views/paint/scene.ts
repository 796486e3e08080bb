/** What a painter of networks is given. */

import type { Frame, FrameTensor } from '../../frame'
import type { Selection } from '../../store.svelte'
import type { Inks } from './canvas'
import type { Theme } from './colour'
import type { Layout } from './layout'

export type Context = CanvasRenderingContext2D

export interface Scene {
  layout: Layout
  network: string
  frame: Frame
  theme: Theme
  inks: Inks
  hover: Selection
  selection: Selection
  /** Whether one input is followed: its activations are written onto the units. */
  traced: boolean
}

/** The tensor of a column in a probe; the input's has no network in its name. */
export function tensorOf(
  frame: Frame,
  probe: string,
  network: string,
  column: string,
  suffix = '',
): FrameTensor | null {
  const name = column === 'input' ? 'input' : `${network}.${column}`
  return frame.tensor(`${probe}/${name}${suffix}`)
}
