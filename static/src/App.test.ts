import { mount, unmount } from 'svelte'
import { expect, test, vi } from 'vitest'

// What jsdom has not: uPlot asks for the first as soon as it is loaded.
vi.hoisted(() => {
  vi.stubGlobal(
    'performance',
    Object.assign(performance, { measure: vi.fn(), clearMeasures: vi.fn() }),
  )
  vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined }))
})

const { default: App } = await import('./App.svelte')

test('the page names itself, also while the server cannot be reached', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')))
  const app = mount(App, { target: document.body })
  expect(document.querySelector('h1')?.textContent).toBe('Glassnet')
  await unmount(app)
})
