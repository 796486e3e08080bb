/** Painting a network: links, response maps, biases, cards. */

import type { FrameTensor } from '../../frame'
import type { Selection } from '../../store.svelte'
import { Raster, type Inks } from './canvas'
import { css, diverging, divergingTable, inkOn } from './colour'
import { CardPainter } from './card'
import type { Column, Edge, Layout } from './layout'
import { LEVELS, levelWeight, linkLevel, linkOpacity, linkWidth, traceLink } from './links'
import { paintMap } from './maps'
import { short } from './number'
import { tensorOf, type Context, type Scene } from './scene'

/** Radius of the dot that shows a bias, at the lower left corner of its neuron. */
export const BIAS_RADIUS = 6

/** How far the box around units without weights reaches past them. */
const TRAY = 8

/** The largest weight matrix that is worth asking for on every frame. */
export const MOST_WEIGHTS = 300_000

/** Milliseconds between two paintings of the links while training: few are painted with every frame,
 * hundreds some times a second, for they change slowly and cost most of the painting. */
export function linkPause(layout: Layout): number {
  let count = 0
  for (const { from, to, look } of layout.edges)
    if (look === 'weights') count += from.ys.length * to.ys.length
  return count > 100 ? Math.min(200, count / 2) : 0
}

export function biasPlace(column: Column, unit: number): { x: number; y: number } {
  return { x: column.left + 1, y: (column.ys[unit] ?? 0) + column.cell / 2 - 1 }
}

export class Painter {
  readonly #atlas = new Raster()
  readonly #cards = new CardPainter()
  #levels = new Uint8Array(0)

  /** What lies below the neurons; hundreds of curves cost more to paint than all the rest. */
  paintLinks(context: Context, scene: Scene): void {
    context.lineCap = 'butt'
    for (const edge of scene.layout.edges) this.#edge(context, scene, edge)
    this.#highlight(context, scene)
  }

  paintNeurons(context: Context, scene: Scene): void {
    context.lineCap = 'butt'
    for (const column of scene.layout.columns) {
      if (column.form === 'ports') this.#tray(context, scene, column)
    }
    this.#maps(context, scene)
    for (const column of scene.layout.columns) {
      if (column.form === 'card') this.#cards.paint(context, scene, column)
      else this.#units(context, scene, column)
    }
  }

  #edge(context: Context, scene: Scene, edge: Edge): void {
    const { from, to, look } = edge
    if (look === 'weights') {
      if (!this.#weights(context, scene, edge)) this.#plainLinks(context, scene, edge)
      return
    }
    context.globalAlpha = 1
    context.strokeStyle = scene.inks.strong
    context.lineWidth = 1.25
    context.beginPath()
    if (look === 'pass') {
      from.ys.forEach((y, unit) => {
        const end = to.ys[unit + edge.offset]
        if (end !== undefined) traceLink(context, from.right, y, to.left, end)
      })
      context.stroke()
    } else if (look === 'ribbon') {
      const reach = Math.min(10, (to.left - from.right) / 3)
      context.moveTo(from.right, from.top)
      context.bezierCurveTo(from.right + reach, from.top, to.left - reach, to.top, to.left, to.top)
      context.lineTo(to.left, to.bottom)
      context.bezierCurveTo(
        ...([to.left - reach, to.bottom, from.right + reach, from.bottom] as const),
        ...([from.right, from.bottom] as const),
      )
      context.closePath()
      context.globalAlpha = 0.35
      context.fillStyle = scene.inks.strong
      context.fill()
    } else this.#arc(context, scene, edge)
    context.globalAlpha = 1
  }

  /** A skip connection: up, along its lane, and down onto its target. */
  #arc(context: Context, scene: Scene, { from, to, crown }: Edge): void {
    const turn = 14
    const start = from.left + from.cell * 0.8
    const end = to.left + to.cell * 0.2
    const roof = to.form === 'ports' ? to.top - TRAY : to.top
    context.lineWidth = 2
    context.strokeStyle = scene.inks.faint
    context.moveTo(start, from.top)
    context.bezierCurveTo(start, crown, start, crown, start + turn, crown)
    context.lineTo(end - turn, crown)
    context.bezierCurveTo(end, crown, end, crown, end, roof - 6)
    context.stroke()
    context.beginPath()
    context.moveTo(end - 4, roof - 8)
    context.lineTo(end + 4, roof - 8)
    context.lineTo(end, roof - 1)
    context.closePath()
    context.fillStyle = scene.inks.faint
    context.fill()
  }

  #plainLinks(context: Context, scene: Scene, { from, to }: Edge): void {
    context.strokeStyle = scene.inks.line
    context.lineWidth = 1
    context.beginPath()
    for (const y0 of from.ys) {
      for (const y1 of to.ys) traceLink(context, from.right, y0, to.left, y1)
    }
    context.stroke()
  }

  /** All links of a layer, stroked in groups of equal look, faint ones first. */
  #weights(context: Context, scene: Scene, { from, to }: Edge): boolean {
    const weight = scene.frame.tensor(`weights/${scene.network}.${to.id}.weight`)
    const rows = from.ys.length
    const columns = to.ys.length
    if (!weight || weight.data.length !== rows * columns) return false
    if (this.#levels.length < weight.data.length) this.#levels = new Uint8Array(weight.data.length)
    const levels = this.#levels
    const { data } = weight
    for (let i = 0; i < data.length; i++) {
      const value = data[i] as number
      levels[i] = 2 * linkLevel(value) + (value < 0 ? 1 : 0)
    }
    const focus = focused(scene, from, to)
    const slim = slimness(scene.layout)
    for (let look = 0; look < 2 * LEVELS; look++) {
      const size = levelWeight(look >> 1)
      const colour = css(diverging(scene.theme, look & 1 ? -0.8 : 0.8))
      for (const dim of focus ? [true, false] : [false]) {
        let any = false
        context.beginPath()
        for (let i = 0; i < data.length; i++) {
          if (levels[i] !== look) continue
          const row = Math.floor(i / columns)
          const column = i - row * columns
          if (focus && focus(row, column) === dim) continue
          any = true
          const y0 = from.ys[row] as number
          traceLink(context, from.right, y0, to.left, to.ys[column] as number)
        }
        if (!any) continue
        context.globalAlpha = dim ? 0.1 : linkOpacity(size)
        context.strokeStyle = colour
        context.lineWidth = linkWidth(size) * slim
        context.stroke()
      }
    }
    context.globalAlpha = 1
    return true
  }

  /** The link that is hovered or selected, over all others. */
  #highlight(
    context: Context,
    { layout, network, hover, selection, inks, theme, frame }: Scene,
  ): void {
    for (const place of [selection, hover]) {
      if (place.type !== 'weight' || place.network !== network) continue
      const edge = layout.edges.find(({ to, look }) => to.id === place.node && look === 'weights')
      const [row, column] = place.index
      if (!edge || row === undefined || column === undefined) continue
      const y0 = edge.from.ys[row]
      const y1 = edge.to.ys[column]
      if (y0 === undefined || y1 === undefined) continue
      const weight = frame.tensor(`weights/${network}.${place.node}.weight`)
      const value = weight?.data[row * edge.to.ys.length + column] ?? 0
      const own = linkWidth(value) * slimness(layout)
      for (const [width, colour] of [
        [own + 5, inks.surface],
        [own + 3, inks.ink],
        [own, css(diverging(theme, value < 0 ? -0.85 : 0.85))],
      ] as const) {
        context.beginPath()
        traceLink(context, edge.from.right, y0, edge.to.left, y1)
        context.lineWidth = width
        context.strokeStyle = colour
        context.stroke()
      }
    }
  }

  /** The box that holds units without weights, so that it reads as one part. */
  #tray(context: Context, { inks }: Scene, { left, right, top, bottom }: Column): void {
    context.beginPath()
    context.roundRect(left - TRAY, top - TRAY, right - left + 2 * TRAY, bottom - top + 2 * TRAY, 8)
    context.fillStyle = inks.sunken
    context.fill()
    context.strokeStyle = inks.strong
    context.lineWidth = 1
    context.stroke()
  }

  /** Every response map of the network: one atlas, one upload, one clip. */
  #maps(context: Context, { layout, network, frame, theme, traced }: Scene): void {
    const shown = layout.columns.flatMap((column) => {
      const tensor = tensorOf(frame, 'responses', network, column.id)
      const fits = tensor?.shape.length === 3 && tensor.data instanceof Int8Array
      return fits && column.ys.length === tensor.shape[0] ? [{ column, tensor }] : []
    })
    const size = shown[0]?.tensor.shape[1] ?? 0
    const total = shown.reduce((sum, { column }) => sum + column.ys.length, 0)
    if (size === 0 || total === 0) return
    const across = 8
    const down = Math.ceil(total / across)
    this.#atlas.resize(across * size, down * size)
    const table = divergingTable(theme)
    let place = 0
    for (const { tensor } of shown) {
      const data = tensor.data as Int8Array
      for (let from = 0; from < data.length; from += size * size, place++) {
        const left = (place % across) * size
        const top = Math.floor(place / across) * size
        paintMap(this.#atlas.pixels, across * size, left, top, data, from, size, table)
      }
    }
    const source = this.#atlas.commit()
    context.save()
    context.beginPath()
    for (const { column } of shown) {
      for (const y of column.ys) {
        const radius = Math.min(5, column.cell / 5)
        context.roundRect(column.left, y - column.cell / 2, column.cell, column.cell, radius)
      }
    }
    context.clip()
    context.globalAlpha = traced ? 0.55 : 1
    place = 0
    for (const { column } of shown) {
      for (const y of column.ys) {
        const left = (place % across) * size
        const top = Math.floor(place++ / across) * size
        const { cell } = column
        context.drawImage(source, left, top, size, size, column.left, y - cell / 2, cell, cell)
      }
    }
    context.restore()
  }

  #units(context: Context, scene: Scene, column: Column): void {
    const { frame, network, theme, inks, hover, selection, traced } = scene
    const { cell, left, ys } = column
    const responses = tensorOf(frame, 'responses', network, column.id)
    const mapped = responses?.shape.length === 3 && responses.shape[0] === ys.length
    const curves = responses?.shape.length === 2 && responses.shape[0] === ys.length
    const values = traced ? tensorOf(frame, 'trace', network, column.id) : null
    const activations = values?.data.length === ys.length ? values.data : null
    const reach = activations ? largest(activations) : 0
    const bias = frame.tensor(`weights/${network}.${column.id}.bias`)
    const radius = Math.min(5, cell / 5)

    ys.forEach((y, unit) => {
      const top = y - cell / 2
      const chosen = concerns(selection, network, column, unit)
      const hovered = concerns(hover, network, column, unit)
      const value = activations?.[unit]
      context.beginPath()
      context.roundRect(left, top, cell, cell, radius)
      const fill = diverging(theme, value === undefined || reach === 0 ? 0 : value / reach)
      if (!mapped) {
        context.fillStyle = curves ? inks.surface : css(fill)
        context.fill()
      }
      if (curves) this.#curve(context, scene, responses, unit, left, top, cell)
      context.beginPath()
      context.roundRect(left, top, cell, cell, radius)
      context.strokeStyle = chosen ? inks.accent : hovered ? inks.ink : inks.strong
      context.lineWidth = chosen || hovered ? 2.5 : 1
      context.stroke()
      if (value !== undefined && cell >= 24) {
        if (mapped || curves) pill(context, inks, short(value, 2), column.x, y, cell)
        else write(context, inks, short(value, 2), column.x, y, inkOn(fill), cell - 4)
      }
      const offset = bias?.data[unit]
      if (offset !== undefined && bias?.data.length === ys.length) {
        const { x: bx, y: by } = biasPlace(column, unit)
        const held =
          isBias(selection, network, column.id, unit) || isBias(hover, network, column.id, unit)
        context.beginPath()
        context.arc(bx, by, cell < 24 ? BIAS_RADIUS - 1.5 : BIAS_RADIUS, 0, 2 * Math.PI)
        context.fillStyle = css(diverging(theme, Math.tanh(offset * 1.2)))
        context.fill()
        context.strokeStyle = held ? inks.accent : inks.ink
        context.lineWidth = held ? 2.5 : 1.25
        context.stroke()
      }
    })
  }

  /** A neuron's answer along the line of a one-dimensional data set. */
  #curve(
    context: Context,
    { theme, inks }: Scene,
    { data, shape }: FrameTensor,
    unit: number,
    left: number,
    top: number,
    cell: number,
  ): void {
    const size = shape[1] ?? 0
    const inset = 4
    const half = cell / 2 - inset
    context.beginPath()
    context.moveTo(left + inset, top + cell / 2)
    context.lineTo(left + cell - inset, top + cell / 2)
    context.strokeStyle = inks.line
    context.lineWidth = 1
    context.stroke()
    context.beginPath()
    for (let i = 0; i < size; i++) {
      const value = (data[unit * size + i] as number) / 127
      context.lineTo(
        left + inset + (i / (size - 1)) * (cell - 2 * inset),
        top + cell / 2 - value * half,
      )
    }
    context.strokeStyle = css(diverging(theme, 0.9))
    context.lineWidth = 1.75
    context.stroke()
  }
}

/** Links get thinner where rows are close, or the strong ones would cover all others. */
function slimness({ pitch }: Layout): number {
  return Math.min(1, Math.max(0.5, pitch / 64))
}

/** Which links stay bright while a neuron is hovered: those that end or begin in it. Null: all. */
function focused(
  { hover, network }: Scene,
  from: Column,
  to: Column,
): ((row: number, column: number) => boolean) | null {
  const none = () => false
  if (hover.type === 'input') {
    return from.id === 'input' ? (row) => row === hover.unit : none
  }
  if ((hover.type !== 'neuron' && hover.type !== 'bias') || hover.network !== network) return null
  if (to.id === hover.node) return (_, column) => column === hover.unit
  if (from.id === hover.node) return (row) => row === hover.unit
  return none
}

function concerns(place: Selection, network: string, column: Column, unit: number): boolean {
  if (place.type === 'input') return column.id === 'input' && place.unit === unit
  return (
    place.type === 'neuron' &&
    place.network === network &&
    place.node === column.id &&
    place.unit === unit
  )
}

function isBias(place: Selection, network: string, node: string, unit: number): boolean {
  return (
    place.type === 'bias' && place.network === network && place.node === node && place.unit === unit
  )
}

function largest(values: ArrayLike<number>): number {
  let reach = 0
  for (let i = 0; i < values.length; i++) reach = Math.max(reach, Math.abs(values[i] as number))
  return reach
}

function write(
  context: Context,
  inks: Inks,
  text: string,
  x: number,
  y: number,
  colour: string,
  most?: number,
): void {
  context.font = `600 11px ${inks.font}`
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.fillStyle = colour
  context.fillText(text, x, y + 0.5, most)
}

/** A number on a plate, readable over any map. */
function pill(
  context: Context,
  inks: Inks,
  text: string,
  x: number,
  y: number,
  cell: number,
): void {
  context.font = `600 11px ${inks.font}`
  const width = Math.max(context.measureText(text).width + 8, cell * 0.6)
  context.beginPath()
  context.roundRect(x - width / 2, y - 8, width, 16, 4)
  context.globalAlpha = 0.88
  context.fillStyle = inks.surface
  context.fill()
  context.globalAlpha = 1
  write(context, inks, text, x, y, inks.ink)
}
