/** What is kept in this browser: never part of a document. */

export type ThemeChoice = 'auto' | 'light' | 'dark'

export interface Preferences {
  /** Surfaces in steps instead of smooth colours. */
  discretize: boolean
  showTest: boolean
  logLoss: boolean
  /** Weight of the past in the smoothed curve, 0 to 1. */
  smoothing: number
  [name: string]: boolean | number | string | null
}

const DEFAULTS: Preferences = { discretize: false, showTest: true, logLoss: false, smoothing: 0 }

const NAMES = {
  language: 'glassnet.language',
  theme: 'glassnet.theme',
  preferences: 'glassnet.preferences',
}

export function kept<T>(name: keyof typeof NAMES, otherwise: T): T {
  let value: unknown
  try {
    const text = localStorage.getItem(NAMES[name])
    value = text === null ? undefined : JSON.parse(text)
  } catch {
    value = undefined
  }
  if (name === 'preferences') return { ...DEFAULTS, ...(value as object | undefined) } as T
  return (value as T | undefined) ?? otherwise
}

/** Browsers in private mode may refuse; the preference then lasts as long as the page. */
export function keep(name: keyof typeof NAMES, value: unknown): void {
  try {
    localStorage.setItem(NAMES[name], JSON.stringify(value))
  } catch {
    return
  }
}

export function startLanguage(): 'en' | 'zh' {
  const known = kept<string | null>('language', null)
  if (known === 'en' || known === 'zh') return known
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}
