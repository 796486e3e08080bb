/** How a component takes part in the drawing loop. */

import { Frame } from '../frame'
import { redraw, show, type Probe } from '../loop'

export interface Picture {
  probes(): Probe[]
  draw(frame: Frame): void
  /** Reads all state that the drawing depends on besides the frame. */
  watch(): unknown
}

/** Reading state in an effect makes the effect depend on it; this says that it is meant. */
export function dependsOn(...state: unknown[]): number {
  return state.length
}

/**
 * Puts a picture on show for as long as the calling component lives. It is drawn when there is a new
 * frame, or when something that `watch` reads has changed, and not otherwise.
 */
export function live(picture: Picture): void {
  let drawn: Frame | null = null
  let changed = true
  $effect(() =>
    show({
      probes: () => picture.probes(),
      draw(frame) {
        if (frame === drawn && !changed) return
        drawn = frame
        changed = false
        picture.draw(frame)
      },
    }),
  )
  $effect(() => {
    picture.watch()
    changed = true
    redraw()
  })
}

/**
 * The frame as text shows it: at most ten times a second, which is as fast as anyone reads, and
 * always the last one in the end. `probes` are asked for while the calling component lives.
 */
export function reading(probes: () => Probe[], interval = 100): { readonly frame: Frame } {
  let frame = $state.raw(Frame.empty)
  let taken = -Infinity
  let timer = 0
  live({
    probes,
    watch: probes,
    draw(next) {
      clearTimeout(timer)
      const take = () => {
        taken = performance.now()
        frame = next
      }
      const wait = taken + interval - performance.now()
      if (wait <= 0) take()
      else timer = window.setTimeout(take, wait)
    },
  })
  $effect(() => () => {
    clearTimeout(timer)
  })
  return {
    get frame() {
      return frame
    },
  }
}
