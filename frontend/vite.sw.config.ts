import { defineConfig } from 'vite'

// The service worker keeps one name: its address is what a browser checks for a newer one.
export default defineConfig({
  publicDir: false,
  build: {
    outDir: '../cityhall/web/static/cityhall',
    emptyOutDir: false,
    target: 'es2022',
    rollupOptions: { input: { sw: 'src/sw.ts' }, output: { entryFileNames: 'sw.js', format: 'iife' } },
  },
})
