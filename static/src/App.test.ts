import { mount, unmount } from 'svelte'
import { expect, test, vi } from 'vitest'
import App from './App.svelte'

test('the page names itself, also while the server cannot be reached', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')))
  vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined }))
  const app = mount(App, { target: document.body })
  expect(document.querySelector('h1')?.textContent).toBe('Glassnet')
  await unmount(app)
})
