import { expect, test } from 'vitest'
import { tables, translate } from './words'

const sources = import.meta.glob<string>(['./**/*.{svelte,ts}', '!./**/*.test.ts'], {
  eager: true,
  query: '?raw',
  import: 'default',
})
const code = Object.values(sources).join('\n')

test('both languages have the same words, and none is empty', () => {
  const plural = (key: string) => key.replace(/\.one$/, '')
  const english = new Set(Object.keys(tables.en).map(plural))
  expect(new Set(Object.keys(tables.zh).map(plural))).toEqual(english)
  for (const table of [tables.en, tables.zh])
    for (const [key, words] of Object.entries(table)) expect(words.trim(), key).not.toBe('')
})

test('both languages take the same values', () => {
  const holes = (text = '') => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()
  for (const [key, words] of Object.entries(tables.en))
    if (key in tables.zh) expect(holes(tables.zh[key]), key).toEqual(holes(words))
})

test('every key that the code names has words', () => {
  const keys = [...code.matchAll(/\b(?:t|tell)\(\s*'([\w.]+)'/g)].map(([, key]) => key ?? '')
  expect(keys.length).toBeGreaterThan(100)
  expect(keys.filter((key) => !(key in tables.en))).toEqual([])
})

test('every word is used', () => {
  const families = [...code.matchAll(/`([\w.]+\.)\$\{/g)].map(([, prefix]) => prefix ?? '')
  families.push(...[...code.matchAll(/named\('([\w.]+)'/g)].map(([, prefix]) => `${prefix ?? ''}.`))
  const used = (key: string) =>
    code.includes(`'${key}'`) ||
    code.includes(`\`${key}\``) ||
    families.some((prefix) => key.startsWith(prefix))
  expect(Object.keys(tables.en).filter((key) => !key.endsWith('.one') && !used(key))).toEqual([])
})

test('values are put in, numbers as the language writes them, one thing is not many', () => {
  expect(translate('en', 'builder.parameters', { count: 1234 })).toBe('1,234 parameters')
  expect(translate('en', 'builder.parameters', { count: 1 })).toBe('1 parameter')
  expect(translate('zh', 'builder.parameters', { count: 1 })).toBe('1 个参数')
  expect(translate('en', 'no.such.key')).toBe('no.such.key')
})
