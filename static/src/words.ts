/** The words of the interface. `words/*.en.json` and `*.zh.json` are merged: each part has its own. */
import { session } from './store.svelte'

export type Language = 'en' | 'zh'
type Table = Record<string, string>

const files = import.meta.glob<Table>('./words/*.json', { eager: true, import: 'default' })

export const tables: Record<Language, Table> = { en: merged('en'), zh: merged('zh') }

function merged(language: Language): Table {
  const suffix = new RegExp(`[/.]${language}\\.json$`)
  return Object.assign(
    {},
    ...Object.keys(files)
      .filter((f) => suffix.test(f))
      .map((f) => files[f]),
  ) as Table
}

/**
 * The words for a key, with `{name}` replaced by the value of that name. With `count` = 1 the key
 * with `.one` behind it is taken where it exists. An unknown key is shown as it is.
 */
export function t(key: string, values: Record<string, string | number> = {}): string {
  return translate(session.language, key, values)
}

export function translate(
  language: Language,
  key: string,
  values: Record<string, string | number> = {},
): string {
  const table = tables[language]
  const text = (values.count === 1 ? table[`${key}.one`] : undefined) ?? table[key] ?? key
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name]
    return value === undefined
      ? whole
      : typeof value === 'number'
        ? formatted(value, language)
        : value
  })
}

/** The words for one of an open set, such as a group of layers; without any the name itself. */
export function named(prefix: string, name: string): string {
  const key = `${prefix}.${name}`
  if (key in tables.en) return t(key)
  const plain = name.replace(/[-_]/g, ' ')
  return plain.charAt(0).toUpperCase() + plain.slice(1)
}

/** A number as people of the language write it, with at most so many significant digits. */
export function formatted(
  value: number,
  language: Language = session.language,
  digits = 6,
): string {
  const size = Math.abs(value)
  if (size > 0 && size < 1e-4)
    return value.toExponential(Math.min(2, digits - 1)).replace('e-', 'e−')
  return new Intl.NumberFormat(language, { maximumSignificantDigits: digits }).format(value)
}
