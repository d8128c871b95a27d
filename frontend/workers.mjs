// The parts of the service worker, each a script by itself, with one name: the city joins those of its services to
// /sw.js, whose text is what a browser checks for a newer one.
import { existsSync, readdirSync } from 'node:fs'
import { build } from 'vite'

const parts = Object.fromEntries(
  readdirSync('src/services')
    .map((slug) => [slug, `src/services/${slug}/worker.ts`])
    .filter(([, source]) => existsSync(source)),
)

for (const [name, source] of Object.entries({ shell: 'src/shell/sw.ts', ...parts })) {
  await build({
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: {
      outDir: '../cityhall/web/static/cityhall',
      emptyOutDir: false,
      target: 'es2022',
      rolldownOptions: { input: source, output: { entryFileNames: `workers/${name}.js`, format: 'iife' } },
    },
  })
}
