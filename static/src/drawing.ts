/** Points drawn onto and erased from the plane, by pure edits of the document. */
import { withValue } from './document'
import type { Data, Document, Part } from './protocol.gen'
import type { Brush } from './store.svelte'

/** A place of the plane that is drawn on. */
export interface Touch {
  x: number
  y: number
  phase: 'start' | 'move'
}

export type Drawn = [x: number, y: number, label: number]

/** The window that drawn points live in, ±: as large as that of the generated sets. */
const REACH = 6
const MOST_POINTS = 5000
/** While the pointer moves, points are this far apart at least; the eraser reaches as far. */
const SPACING = 0.35
const ERASER = 0.5

export function drawnPoints(part: Part): Drawn[] {
  return Array.isArray(part.points) ? (part.points as Drawn[]) : []
}

/** The document after a touch of the brush at a place. */
export function painted(document: Document, brush: Brush, place: Touch): Document {
  const points = drawnPoints(document.data)
  const far = ([x, y]: Drawn, distance: number) => Math.hypot(x - place.x, y - place.y) > distance
  if (brush.mode === 'erase') {
    const left = points.filter((point) => far(point, ERASER))
    return left.length === points.length ? document : withValue(document, ['data', 'points'], left)
  }
  const last = points.at(-1)
  if (brush.mode !== 'draw' || points.length >= MOST_POINTS) return document
  if (place.phase === 'move' && last && !far(last, SPACING)) return document
  const point: Drawn = [rounded(place.x), rounded(place.y), brush.class]
  return withValue(document, ['data', 'points'], [...points, point])
}

const rounded = (value: number) => Math.round(Math.min(1000, Math.max(-1000, value)) * 100) / 100

/** What there is to see of drawn points while they are too few to train on. */
export function drawnData(part: Part): Data {
  const points = drawnPoints(part)
  const regression = part.task === 'regression'
  const classes = 1 + Math.max(1, ...points.map(([, , label]) => label))
  return {
    task: regression ? 'regression' : 'classification',
    plane: true,
    line: false,
    columns: ['x', 'y'],
    target: regression ? 'z' : 'class',
    classes: regression ? null : Array.from({ length: classes }, (_, index) => String(index)),
    levels: null,
    train: { inputs: points.map(([x, y]) => [x, y]), targets: points.map(([, , label]) => label) },
    test: { inputs: [], targets: [] },
    counts: { train: points.length, test: 0 },
    bounds: [
      [-REACH, REACH],
      [-REACH, REACH],
    ],
    notes: [],
    features: ['x', 'y'],
    source: null,
  }
}
