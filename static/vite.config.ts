import { svelte } from '@sveltejs/vite-plugin-svelte'
import { loadEnv } from 'vite'
import { defineConfig } from 'vitest/config'

export default defineConfig(({ mode }) => {
  const environment = loadEnv(mode, '.', 'GLASSNET_')
  const backend = `http://127.0.0.1:${environment.GLASSNET_PORT ?? '8000'}`
  // Host and Origin stay those of the dev server, so the backend sees one origin.
  const proxy = { target: backend, ws: true, changeOrigin: false }
  return {
    plugins: [svelte()],
    build: {
      outDir: 'dist',
      manifest: true,
      target: 'es2023',
      // The page is served under `script-src 'self'`: no inline scripts, no data: URLs.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    server: {
      host: '127.0.0.1',
      proxy: { '/api': proxy, '/docs': proxy, '/openapi.json': proxy },
    },
    // Svelte's server build would be chosen under Node; tests mount real components.
    resolve: mode === 'test' ? { conditions: ['browser'] } : {},
    test: {
      environment: 'jsdom',
      pool: 'vmThreads', // one DOM a worker, each file still on its own
      include: ['src/**/*.test.ts'],
    },
  }
})
