/**
 * Where everything in the picture of a network goes. Columns stand below the builder's cards, left
 * to right in the order of the stack; the units of a layer stand in rows of one common pitch, so
 * that columns align. Pure: sizes in pixels in, places in pixels out.
 */

import type { CompiledNode } from '../../protocol.gen'

/** A layer with more units than this is a card of its own, without single neurons. */
export const MOST_UNITS = 16

const LEAST_PITCH = 24
const MOST_PITCH = 104
const LEAST_CELL = 16
const MOST_CELL = 60
const LANE = 26
const MARGIN = 14
/** Room below the rows for the shapes and counts of the edges. */
const CHIPS = 46
const CARD_HEIGHT = 224
/** Room below a square for the name of an input. */
export const BELOW = 15
/** Rows this far apart have room for names below the squares. */
const ROOMY = 42
const MOST_NAME = 92

/**
 * `neurons`: units with weights, each a picture; `ports`: units that only pass on (dropout, an
 * activation of its own, add); `card`: a layer too large, or of unknown shape, to show units of.
 */
export type Form = 'neurons' | 'ports' | 'card'

export interface Place {
  /** The centre of the column. */
  x: number
  width: number
}

export interface Column extends Place {
  /** The id of the node, or `input`. */
  id: string
  node: CompiledNode | null
  form: Form
  shape: number[] | null
  /** Edge of one unit's square. */
  cell: number
  /** Centres of the units. */
  ys: number[]
  /** The box of what is drawn. */
  left: number
  right: number
  top: number
  bottom: number
}

/**
 * `weights`: one link a weight; `pass`: unit by unit, with no weight; `ribbon`: to or from a card;
 * `arc`: past other columns.
 */
export type EdgeLook = 'weights' | 'pass' | 'ribbon' | 'arc'

export interface Edge {
  from: Column
  to: Column
  look: EdgeLook
  shape: number[] | null
  /** Which of the target's inputs it is. */
  input: number
  /** The first unit of the target that it goes to: not 0 where edges are concatenated. */
  offset: number
  /** Height of an arc's crown. */
  crown: number
  /** Where its shape is written. */
  chip: { x: number; y: number; width: number }
}

export interface Layout {
  width: number
  height: number
  columns: Column[]
  edges: Edge[]
  pitch: number
}

export interface Stack {
  inputShape: number[] | null
  nodes: readonly CompiledNode[]
}

export function units(shape: readonly number[] | null): number {
  return shape?.length === 1 ? (shape[0] ?? 0) : 0
}

/** The weight of a layer that joins every input to every unit. */
export function denseWeight(node: CompiledNode | null): [inputs: number, units: number] | null {
  const shape = node?.tensors.find(({ name }) => name === 'weight')?.shape
  return shape?.length === 2 && node?.output_shape?.length === 1
    ? (shape as [number, number])
    : null
}

function formOf(node: CompiledNode | null, shape: number[] | null): Form {
  const count = units(shape)
  if (count === 0 || count > MOST_UNITS) return 'card'
  return node === null || denseWeight(node) ? 'neurons' : 'ports'
}

/** Even columns over the width, for when the builder has not said where its cards are. */
export function evenPlaces(ids: readonly string[], width: number): Record<string, Place> {
  const span = width / ids.length
  return Object.fromEntries(ids.map((id, i) => [id, { x: (i + 0.5) * span, width: span }]))
}

export interface Room {
  /** How many pixels the names of the inputs are wide. */
  names?: number
  /** Kept free at the top, for a note. */
  above?: number
}

export function layoutNetwork(
  stack: Stack,
  places: Record<string, Place>,
  width: number,
  height: number,
  { names = 0, above = 0 }: Room = {},
): Layout {
  const ids = ['input', ...stack.nodes.map(({ id }) => id)]
  const known = ids.every((id) => places[id]) ? places : evenPlaces(ids, width)
  const shapes = [stack.inputShape, ...stack.nodes.map((node) => node.output_shape)]
  const forms = ids.map((_, i) => formOf(stack.nodes[i - 1] ?? null, shapes[i] ?? null))

  const lanes = laneOfArcs(stack, ids)
  const top = MARGIN + above + LANE * Math.max(0, ...lanes.values())
  const most = Math.max(1, ...shapes.map((shape, i) => (forms[i] === 'card' ? 1 : units(shape))))
  const room = Math.max(0, height - top - CHIPS)
  const pitch = Math.min(MOST_PITCH, Math.max(LEAST_PITCH, room / most))
  const body = Math.max(room, pitch * most, forms.includes('card') ? CARD_HEIGHT : 0)
  const widths = ids.slice(1).map((id) => known[id]?.width ?? width)
  const cell = Math.round(
    Math.max(LEAST_CELL, Math.min(MOST_CELL, pitch * 0.74, pitch - 8, Math.min(...widths) * 0.64)),
  )

  const columns = ids.map((id, i): Column => {
    const place = known[id] as Place
    const form = forms[i] as Form
    const shape = shapes[i] ?? null
    const middle = top + body / 2
    const base = { id, node: stack.nodes[i - 1] ?? null, form, shape, ...place }
    if (form === 'card') {
      const half = Math.min(place.width - 8, 128) / 2
      const tall = Math.min(body, CARD_HEIGHT) / 2
      return {
        ...base,
        cell,
        ys: [],
        left: place.x - half,
        right: place.x + half,
        top: middle - tall,
        bottom: middle + tall,
      }
    }
    const count = units(shape)
    const side =
      form === 'ports'
        ? Math.max(12, Math.round(cell * 0.5))
        : i === 0 && pitch > ROOMY
          ? Math.min(cell, place.width * 0.7, pitch - BELOW)
          : Math.min(cell, place.width * 0.7)
    // Where names find no room below their squares, they stand at the beginning of the links.
    const tag = i === 0 && pitch - side < BELOW ? Math.min(names, MOST_NAME) : 0
    const ys = Array.from({ length: count }, (_, unit) => middle + (unit - (count - 1) / 2) * pitch)
    return {
      ...base,
      cell: side,
      ys,
      left: place.x - side / 2,
      right: place.x + side / 2 + tag,
      top: (ys[0] ?? middle) - side / 2,
      bottom: (ys.at(-1) ?? middle) + side / 2,
    }
  })

  const bottom = top + body
  const lowest = Math.min(bottom, Math.max(...columns.map((column) => column.bottom)) + 6)
  const byId = new Map(columns.map((column, i) => [column.id, { column, i }]))
  const edges = columns.flatMap((to, target): Edge[] => {
    let offset = 0
    return (to.node?.inputs ?? []).flatMap((id, input): Edge[] => {
      const source = byId.get(id)
      if (!source || source.i >= target) return []
      const from = source.column
      const adjacent = source.i === target - 1
      const both = from.form !== 'card' && to.form !== 'card'
      const look = !adjacent ? 'arc' : !both ? 'ribbon' : to.form === 'neurons' ? 'weights' : 'pass'
      const lane = lanes.get(`${id} ${to.id}`) ?? 0
      const crown = top - LANE * lane + 4
      const edge: Edge = {
        from,
        to,
        look,
        shape: from.shape,
        input,
        offset,
        crown,
        chip:
          look === 'arc'
            ? { x: (from.x + to.x) / 2, y: crown, width: to.x - from.x }
            : { x: (from.x + to.x) / 2, y: lowest + CHIPS / 2, width: to.x - from.x },
      }
      // Concat stacks its inputs; every other layer takes them on top of each other.
      if (from.shape && to.shape && units(to.shape) > units(from.shape) && !denseWeight(to.node))
        offset += units(from.shape)
      return [edge]
    })
  })
  return { width, height: bottom + CHIPS, columns, edges, pitch }
}

/** A lane above the rows for each edge that passes columns by; shorter arcs run lower. */
function laneOfArcs(stack: Stack, ids: readonly string[]): Map<string, number> {
  const arcs = stack.nodes
    .flatMap((node, i) =>
      node.inputs.map((id) => ({ key: `${id} ${node.id}`, from: ids.indexOf(id), to: i + 1 })),
    )
    .filter(({ from, to }) => from >= 0 && from < to - 1)
    .sort((a, b) => a.to - a.from - (b.to - b.from))
  const lanes: { from: number; to: number }[][] = []
  const result = new Map<string, number>()
  for (const arc of arcs) {
    let lane = lanes.findIndex((taken) => taken.every((o) => o.to <= arc.from || o.from >= arc.to))
    if (lane < 0) lane = lanes.push([]) - 1
    lanes[lane]?.push(arc)
    result.set(arc.key, lane + 1)
  }
  return result
}
