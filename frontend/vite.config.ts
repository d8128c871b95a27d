import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { defineConfig } from 'vite'

const OUT = '../cityhall/web/static/cityhall'
const PACKED = /\.(js|css|svg)$/
const SERVICES = 'src/services'
/** What of these a service has is built, and its manifest names it; each with what the built file's name ends with. */
const ENTRIES = { 'main.ts': '', 'main.css': '-style', 'front.ts': '-front', 'front.css': '-front-style' }
/** What every page loads, in one file: services' scripts take it from there. */
const SHELL = /preload-helper|src\/shell\/(clock|combobox|menu|push|theme|used|waking|zone)\.ts$/

/** Writes a .br and a .gz beside each file: the server sends them to browsers that take them, a quarter of the bytes. */
function pack(): void {
  for (const name of readdirSync(OUT, { recursive: true, encoding: 'utf8' }).filter((name) => PACKED.test(name))) {
    const content = readFileSync(join(OUT, name))
    writeFileSync(join(OUT, `${name}.br`), brotliCompressSync(content))
    writeFileSync(join(OUT, `${name}.gz`), gzipSync(content, { level: 9 }))
  }
}

/** The scripts and styles that pages load: the shell's and each service's, by a name that tells whose they are. */
function entries(): Record<string, string> {
  const found: Record<string, string> = { shell: 'src/shell/main.ts', 'shell-style': 'src/shell/styles/main.css' }
  for (const slug of readdirSync(SERVICES)) {
    for (const [entry, ending] of Object.entries(ENTRIES)) {
      const source = join(SERVICES, slug, entry)
      if (existsSync(source)) found[slug + ending] = source
    }
  }
  return found
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
    rolldownOptions: { input: entries(), output: { codeSplitting: { groups: [{ name: 'base', test: SHELL }] } } },
  },
  plugins: [{ name: 'pack', apply: 'build', closeBundle: pack }],
  worker: { format: 'es' },
  test: { environment: 'happy-dom', css: true },
} as never)
