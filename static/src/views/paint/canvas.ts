/** Canvases that are sharp on every screen, and the colours of the theme for drawing on them. */

/**
 * Gives a canvas the pixels its size in CSS pixels needs, clears it, and answers with its context in
 * CSS pixels. The backing store is only made anew when the size changed.
 */
export function fit(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1
  const across = Math.max(1, Math.round(width * ratio))
  const down = Math.max(1, Math.round(height * ratio))
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across
    canvas.height = down
  }
  const context = canvas.getContext('2d')
  if (!context) throw new Error('this browser has no 2D canvas')
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  return context
}

/** A picture of its own, whose pixels are filled by hand and then drawn at any size. */
export class Raster {
  readonly canvas = document.createElement('canvas')
  pixels = new Uint32Array(0)
  #image: ImageData | null = null

  /** Makes it `width` × `height` pixels; what was in it may be lost. */
  resize(width: number, height: number): void {
    if (this.#image?.width === width && this.#image.height === height) return
    this.canvas.width = width
    this.canvas.height = height
    this.#image = new ImageData(width, height)
    this.pixels = new Uint32Array(this.#image.data.buffer)
  }

  /** Puts the pixels into the canvas, to be drawn from there. */
  commit(): HTMLCanvasElement {
    if (this.#image) this.canvas.getContext('2d')?.putImageData(this.#image, 0, 0)
    return this.canvas
  }
}

/** The colours of the theme that lines and text are drawn with. */
export interface Inks {
  ink: string
  muted: string
  faint: string
  line: string
  strong: string
  surface: string
  sunken: string
  accent: string
  danger: string
  test: string
  train: string
  font: string
}

let cached: { theme: string; inks: Inks } | null = null

/** Read once for a theme: asking for computed style on every frame would cost a layout. */
export function inks(theme: string): Inks {
  const shown = document.documentElement.dataset.theme ?? document.body.dataset.theme ?? ''
  const key = `${theme} ${shown}`
  if (cached?.theme === key) return cached.inks
  const style = getComputedStyle(document.documentElement)
  const read = (name: string, otherwise: string) => style.getPropertyValue(name).trim() || otherwise
  const dark = theme === 'dark'
  cached = {
    theme: key,
    inks: {
      ink: read('--ink', dark ? '#e7ebf0' : '#161b22'),
      muted: read('--muted', dark ? '#a3adba' : '#57606c'),
      faint: read('--faint', '#8a93a0'),
      line: read('--line', dark ? '#272e37' : '#dde2e8'),
      strong: read('--line-strong', dark ? '#3b4550' : '#c3cad3'),
      surface: read('--surface', dark ? '#14181d' : '#ffffff'),
      sunken: read('--sunken', dark ? '#20262e' : '#eceff3'),
      accent: read('--accent', '#0b6b62'),
      danger: read('--danger', '#b3261e'),
      train: read('--train', dark ? '#d7dee7' : '#1f2a37'),
      test: read('--test', '#b0369a'),
      font: read('--font', 'system-ui, sans-serif'),
    },
  }
  return cached.inks
}

/** A text cut with an ellipsis to fit a width. */
export function clipped(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text
  let length = text.length - 1
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > width) length--
  return `${text.slice(0, length)}…`
}
