/** Painting a layer that is too large to show every neuron of. */

import { Raster } from './canvas'
import { divergingTable } from './colour'
import { denseWeight, type Column } from './layout'
import { paintMatrix, paintMosaic } from './maps'
import { tensorOf, type Context, type Scene } from './scene'

export class CardPainter {
  readonly #rasters = new Map<string, Raster>()

  /** A large layer: its weights as a heatmap, and the activations of the followed input as a strip. */
  paint(context: Context, scene: Scene, column: Column): void {
    const { frame, network, theme, inks, selection } = scene
    const { left, right, top, bottom } = column
    const width = right - left
    const chosen =
      'node' in selection && selection.network === network && selection.node === column.id
    context.beginPath()
    context.roundRect(left, top, width, bottom - top, 8)
    context.fillStyle = inks.surface
    context.fill()
    context.strokeStyle = chosen ? inks.accent : inks.strong
    context.lineWidth = chosen ? 2 : 1
    context.stroke()

    const inner = width - 16
    const space = { left: left + 8, top: top + 8, width: inner, height: bottom - top - 74 }
    const dense = denseWeight(column.node)
    const weight = frame.tensor(`weights/${network}.${column.id}.weight`)
    context.imageSmoothingEnabled = false
    const mapped = this.#mosaic(context, scene, column, space)
    if (dense && weight) {
      const [rows, columns] = dense
      const raster = this.#raster(column.id)
      raster.resize(Math.min(columns, 128), Math.min(rows, 128))
      const { width: w, height: h } = raster.canvas
      paintMatrix(raster.pixels, w, h, { values: weight.data, rows, columns }, theme)
      // Below the maps there is room for a band of the weights only.
      if (mapped) context.drawImage(raster.commit(), space.left, bottom - 60, inner, 14)
      else context.drawImage(raster.commit(), space.left, space.top, inner, space.height)
    }
    const activation = mapped ? null : tensorOf(frame, 'trace', network, column.id)
    if (activation && activation.data.length > 0) {
      const raster = this.#raster(`${column.id} activation`)
      const count = Math.min(activation.data.length, 128)
      raster.resize(count, 1)
      const grid = { values: activation.data, rows: 1, columns: activation.data.length }
      paintMatrix(raster.pixels, count, 1, grid, theme)
      context.drawImage(raster.commit(), space.left, bottom - 58, inner, 10)
    }
    context.imageSmoothingEnabled = true
  }

  /** The response maps of a large layer, as many as there is room for. */
  #mosaic(
    context: Context,
    { frame, network, theme }: Scene,
    column: Column,
    space: { left: number; top: number; width: number; height: number },
  ): boolean {
    const maps = tensorOf(frame, 'responses', network, column.id)
    const [count, size] = maps?.shape ?? []
    if (!maps || maps.shape.length !== 3 || !count || !size) return false
    const shown = Math.min(count, 128)
    const across = Math.ceil(Math.sqrt((shown * space.width) / space.height))
    const down = Math.ceil(shown / across)
    const side = Math.max(1, Math.min(size, 12))
    const raster = this.#raster(`${column.id} maps`)
    raster.resize(across * (side + 1), down * (side + 1))
    const table = divergingTable(theme)
    paintMosaic(raster.pixels, across, side, maps.data as Int8Array, size, shown, table)
    const scale = Math.min(space.width / across, space.height / down)
    const left = space.left + (space.width - scale * across) / 2
    context.imageSmoothingEnabled = true
    context.drawImage(raster.commit(), left, space.top, scale * across, scale * down)
    context.imageSmoothingEnabled = false
    return true
  }

  #raster(key: string): Raster {
    let raster = this.#rasters.get(key)
    if (!raster) this.#rasters.set(key, (raster = new Raster()))
    return raster
  }
}
