/**
 * The colours of data. Negative is orange and positive is blue, which people with any of the common
 * kinds of colour blindness tell apart; zero is the neutral of the theme. Classes take the hues of
 * Okabe and Ito (2008), orange and blue first, so that two classes look like the two signs.
 */

export type Theme = 'light' | 'dark'
export type Rgb = readonly [red: number, green: number, blue: number]

/** Colours at -1, -½, 0, ½ and 1. */
const STOPS: Record<Theme, readonly Rgb[]> = {
  light: [
    [194, 84, 8],
    [240, 163, 94],
    [243, 244, 246],
    [108, 172, 222],
    [9, 91, 163],
  ],
  dark: [
    [255, 158, 64],
    [158, 91, 30],
    [24, 28, 36],
    [36, 98, 148],
    [94, 181, 255],
  ],
}

const CLASSES: Record<Theme, readonly Rgb[]> = {
  light: [
    [214, 98, 14],
    [14, 104, 178],
    [0, 145, 105],
    [186, 84, 148],
    [202, 158, 0],
    [88, 96, 110],
    [70, 170, 226],
    [150, 40, 30],
  ],
  dark: [
    [255, 152, 56],
    [76, 166, 246],
    [38, 196, 150],
    [226, 134, 190],
    [240, 208, 70],
    [168, 176, 190],
    [120, 214, 255],
    [240, 110, 90],
  ],
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return [
    from[0] + (to[0] - from[0]) * share,
    from[1] + (to[1] - from[1]) * share,
    from[2] + (to[2] - from[2]) * share,
  ]
}

/** The colour of a share of the scale, -1 … 1; beyond is clamped, what is no number is neutral. */
export function diverging(theme: Theme, share: number): Rgb {
  const stops = STOPS[theme]
  const place = (Math.min(1, Math.max(-1, share || 0)) + 1) * 2
  const below = Math.min(3, Math.floor(place))
  return mix(stops[below] as Rgb, stops[below + 1] as Rgb, place - below)
}

/** The colour of a class by its number; after the last they start again. */
export function classColour(theme: Theme, index: number): Rgb {
  const colours = CLASSES[theme]
  return colours[index % colours.length] as Rgb
}

/** A class colour laid thinly over the neutral, for surfaces that points are drawn on. */
export function classTint(theme: Theme, index: number): Rgb {
  return mix(diverging(theme, 0), classColour(theme, index), theme === 'light' ? 0.62 : 0.58)
}

/** One pixel of image data, as a little-endian word. */
export function pixel([red, green, blue]: Rgb): number {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0
}

export function css([red, green, blue]: Rgb, alpha = 1): string {
  const rgb = `${Math.round(red)} ${Math.round(green)} ${Math.round(blue)}`
  return alpha === 1 ? `rgb(${rgb})` : `rgb(${rgb} / ${alpha})`
}

const DARK_INK: Rgb = [20, 24, 31]
const LIGHT_INK: Rgb = [255, 255, 255]

/** Relative luminance as WCAG defines it. */
function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as unknown as Rgb
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** How well two colours are told apart, 1 to 21: text needs 4.5. */
export function contrast(one: Rgb, other: Rgb): number {
  const [a, b] = [luminance(one), luminance(other)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

/** Near-black or white, whichever is easier to read on a fill. */
export function inkOn(fill: Rgb): string {
  return css(contrast(fill, DARK_INK) >= contrast(fill, LIGHT_INK) ? DARK_INK : LIGHT_INK)
}

const tables = new Map<string, Uint32Array>()

/**
 * Pixels of 256 levels from -1 to 1, index 128 being zero. `strength` below 1 keeps to the middle
 * of the scale, so that points stand out on a surface.
 */
export function divergingTable(theme: Theme, strength = 1): Uint32Array {
  const key = `${theme} ${strength}`
  const known = tables.get(key)
  if (known) return known
  const table = Uint32Array.from({ length: 256 }, (_, level) =>
    pixel(diverging(theme, ((level - 128) / 127) * strength)),
  )
  tables.set(key, table)
  return table
}
