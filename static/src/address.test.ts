// @vitest-environment node
import { expect, test } from 'vitest'
import { AddressError, documentIn, read, written } from './address'
import { BLANK } from './document'
import type { Document } from './protocol.gen'

const document: Document = {
  ...BLANK,
  name: 'Spirale – 螺旋 ✓',
  networks: { model: [{ id: 'out', kind: 'dense', units: 2 }] },
}

test('a document comes back from its address as it was', async () => {
  const hash = await written({ document, run: null, revision: null })
  expect(hash).toMatch(/^#d=[\w-]+$/)
  expect(await read(hash)).toEqual({ document, run: null, revision: null })
})

test('the run and its revision come along', async () => {
  const address = { document, run: 'r_0123456789abcdef', revision: 7 }
  expect(await read(await written(address))).toEqual(address)
})

test('no hash is no address, and no error', async () => {
  expect(await read('')).toBeNull()
  expect(await read('#')).toBeNull()
})

test('foreign and damaged hashes are refused', async () => {
  const good = await written({ document, run: null, revision: null })
  for (const bad of [
    '#section-2',
    '#d=',
    '#d=!!!',
    '#d=AAAA',
    good.slice(0, -9),
    `${good.slice(0, 20)}x${good.slice(21)}`,
  ])
    await expect(read(bad), bad).rejects.toThrow(AddressError)
})

test('a small hash that unpacks to a huge text is refused', async () => {
  const huge = { ...document, name: 'x'.repeat(5_000_000) }
  const hash = await written({ document: huge, run: null, revision: null })
  expect(hash.length).toBeLessThan(20_000)
  await expect(read(hash)).rejects.toThrow(AddressError)
})

test('JSON that is no document is refused', () => {
  for (const bad of [
    'no json',
    '[]',
    'null',
    '{"format": 2}',
    JSON.stringify({ ...document, networks: { model: [{ kind: 'dense' }] } }),
    JSON.stringify({ ...document, data: 'circle' }),
  ])
    expect(() => documentIn(bad), bad).toThrow(AddressError)
  expect(documentIn(JSON.stringify(document))).toEqual(document)
  // What the API takes may leave out what has a default, and opens here too.
  const short = { data: { kind: 'spiral' }, networks: { model: [{ id: 'out', kind: 'dense' }] } }
  expect(documentIn(JSON.stringify(short))).toMatchObject({ ...short, format: 1, loss: 'mse' })
})
