import { describe, expect, it } from 'vitest'

/** Every source by its path below src/. */
const SOURCES = Object.entries(import.meta.glob('../**/*.{ts,css}', { query: '?raw', import: 'default', eager: true }) as Record<string, string>)
  .map(([path, text]) => [new URL(path, 'http://src/shell/').pathname.slice(1), text] as const)
const IMPORTED = /(?:\bfrom|\bimport|@import)\s*\(?\s*["'](\.[^"']+)["']/g

/** The floor that a source is on, "shell", "map" or "services/<slug>", and those that it may take from. */
const floor = (path: string): string => /^(shell|map|services\/\w+)\//.exec(path)?.[1] ?? ''
const below = (path: string): string[] => ({ shell: ['shell'], map: ['map', 'shell'] })[floor(path)] ?? [floor(path), 'map', 'shell']
/** The shell loads the map where a page has one, and takes nothing from it. */
const LOADED = "import('../map/map')"

const imports = SOURCES.flatMap(([path, text]) =>
  [...text.replaceAll(path === 'shell/main.ts' ? LOADED : '\0', '').matchAll(IMPORTED)].map((found) => ({
    path,
    taken: new URL(found[1]!, `http://src/${path}`).pathname.slice(1),
  })),
)

describe('floors of the front end', () => {
  it('sees the sources and what they import', () => {
    expect(new Set(SOURCES.map(([path]) => floor(path)))).toEqual(new Set(['shell', 'map', 'services/house', 'services/map', 'services/recycling', 'services/reports', 'services/safety', 'services/transit', 'services/treasury']))
    expect(imports).toContainEqual({ path: 'services/reports/filing.ts', taken: 'shell/combobox' })
    expect(imports).toContainEqual({ path: 'services/reports/main.ts', taken: 'services/reports/filing' })
    expect(imports).toContainEqual({ path: 'services/transit/main.css', taken: 'services/transit/riders.css' })
  })

  it('has imports that only go down, and none from one service to another', () => {
    expect(imports.filter(({ path, taken }) => !below(path).includes(floor(taken)))).toEqual([])
  })
})
