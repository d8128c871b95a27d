import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { defineConfig } from 'vite'

const OUT = '../cityhall/web/static/cityhall'
const PACKED = /\.(js|css|svg)$/

/** Writes a .br and a .gz beside each file: the server sends them to browsers that take them, a quarter of the bytes. */
function pack(): void {
  for (const name of readdirSync(OUT, { recursive: true, encoding: 'utf8' }).filter((name) => PACKED.test(name))) {
    const content = readFileSync(join(OUT, name))
    writeFileSync(join(OUT, `${name}.br`), brotliCompressSync(content))
    writeFileSync(join(OUT, `${name}.gz`), gzipSync(content, { level: 9 }))
  }
}

// The built files go where Django's static files are; `manifest.json` tells the templates their hashed names.
export default defineConfig({
  base: '/static/cityhall/',
  build: {
    outDir: OUT,
    emptyOutDir: true,
    manifest: 'manifest.json',
    target: 'es2022',
    chunkSizeWarningLimit: 1500,
    rollupOptions: { input: ['src/main.ts'] },
  },
  plugins: [{ name: 'pack', apply: 'build', closeBundle: pack }],
  worker: { format: 'es' },
  test: { environment: 'happy-dom' },
} as never)
