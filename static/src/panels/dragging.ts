/** A layer while it is dragged: one of the stack, or a new one from the palette. */
export interface Item {
  id: string
  kind: string
}
