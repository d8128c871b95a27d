import { defineConfig } from 'vite'

// The built files go where Django's static files are; `manifest.json` tells the templates their hashed names.
export default defineConfig({
  base: '/static/cityhall/',
  build: {
    outDir: '../cityhall/web/static/cityhall',
    emptyOutDir: true,
    manifest: 'manifest.json',
    target: 'es2022',
    chunkSizeWarningLimit: 1500,
    rollupOptions: { input: ['src/main.ts'] },
  },
  worker: { format: 'es' },
  test: { environment: 'happy-dom' },
} as never)
