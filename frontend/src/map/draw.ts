/** Puts layers onto a MapLibre map as they are to be shown: marks, heat or districts. */
import type { FilterSpecification, GeoJSONSource, Map as MapLibre } from 'maplibre-gl'
import { theme } from '../shell/theme'
import { asked, type LayerSpec, type OutsideSpec, type Shown } from './spec'

export const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] }
const PARTS = ['', '-edge', '-name', '-accuracy']
/** Points larger than this, px, stand out by their size: what lies under them shows through. */
const LARGE = 8

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || '#888888'
}

/** The ramp from few to many, for heat and districts. */
export function ramp(): string[] {
  return [1, 2, 3, 4, 5].map((step) => token(`--ramp-${step}`))
}

function shade(): unknown {
  const colors = ramp()
  return ['interpolate', ['linear'], ['sqrt', ['get', 'share']], 0, colors[0], 0.3, colors[1], 0.55, colors[2], 0.8, colors[3], 1, colors[4]]
}

/** The expression of a layer's colour: by a field where its style says so, else the feature's own, else the layer's. */
export function colour(spec: LayerSpec): unknown {
  const { field, colors, breaks } = spec.style ?? {}
  if (!field || !colors?.length) return ['case', ['to-boolean', ['get', 'color']], ['get', 'color'], spec.color]
  if (breaks?.every((one) => typeof one === 'number')) {
    const steps = breaks.flatMap((limit, at) => [limit, colors[at + 1] ?? colors[colors.length - 1]])
    return ['step', ['to-number', ['get', field], 0], colors[0], ...steps]
  }
  const pairs = (breaks ?? []).flatMap((value, at) => [String(value), colors[at % colors.length]])
  return pairs.length ? ['match', ['to-string', ['get', field]], ...pairs, spec.color] : spec.color
}

function only(shown: Shown): FilterSpecification | undefined {
  const parts = Object.entries(shown.only).map(([field, values]) => ['in', ['to-string', ['get', field]], ['literal', values]])
  return parts.length ? (['all', ...parts] as unknown as FilterSpecification) : undefined
}

/** Takes a layer off. */
export function remove(map: MapLibre, id: string): void {
  for (const part of PARTS) if (map.getLayer(id + part)) map.removeLayer(id + part)
  for (const part of PARTS) if (map.getSource(id + part)) map.removeSource(id + part)
}

/**
 * Puts a layer on, under another, drawn as `shown` says: from tiles where the page has them, else whole. Heat and
 * districts come later through `fill`, as do features that are `given`.
 */
export function add(map: MapLibre, spec: LayerSpec, shown: Shown, under: string, given = false): void {
  remove(map, spec.id)
  if (shown.as !== 'points') return addShades(map, spec, shown)
  const tiled = Boolean(spec.tiles) && !given
  if (tiled) map.addSource(spec.id, { type: 'vector', tiles: [location.origin + asked(spec.tiles!, shown)], maxzoom: 16 })
  else map.addSource(spec.id, { type: 'geojson', data: given ? EMPTY : spec.url })
  // Tiles are thinned, so that their layer can be shown from afar too.
  const base = { source: spec.id, ...(tiled ? { 'source-layer': 'layer' } : { minzoom: spec.minzoom }) }
  const wanted = only(shown)
  const filter = wanted ? { filter: wanted } : {}
  const paint = colour(spec) as never
  if (spec.kind === 'line') {
    map.addLayer({ ...base, ...filter, id: spec.id, type: 'line', layout: { 'line-cap': 'round', 'line-join': 'round' }, paint: { 'line-color': paint, 'line-opacity': 0.6, 'line-width': ['interpolate', ['linear'], ['zoom'], 10, 1.1, 15, 3.4] } }, under)
  } else if (spec.kind === 'area') {
    map.addLayer({ ...base, ...filter, id: spec.id, type: 'fill', paint: { 'fill-color': paint, 'fill-opacity': 0.4 } }, under)
    map.addLayer({ ...base, ...filter, id: `${spec.id}-edge`, type: 'line', paint: { 'line-color': paint, 'line-width': 1.4 } }, under)
  } else addMarks(map, spec, { ...base, ...filter }, under)
}

function addMarks(map: MapLibre, spec: LayerSpec, base: object, under: string): void {
  const own = colour(spec) as never
  const many = ['*', 1.3, ['ln', ['coalesce', ['get', 'points'], 1]]]
  const size = spec.style?.size ?? 4
  const large = size > LARGE
  map.addLayer({
    ...base, id: spec.id, type: 'circle',
    paint: {
      'circle-color': own,
      'circle-opacity': large ? 0.35 : 1,
      'circle-stroke-color': large ? own : theme() === 'dark' ? '#161b21' : '#ffffff',
      'circle-stroke-width': large ? 2 : 1.2,
      'circle-radius': ['interpolate', ['linear'], ['zoom'], 10, ['+', size * 0.45, many], 13, ['+', size * 0.7, many], 16, ['+', size * 1.8, many]] as never,
    },
  } as never, under)
}

function addShades(map: MapLibre, spec: LayerSpec, shown: Shown): void {
  map.addSource(spec.id, { type: 'geojson', data: EMPTY })
  const firstName = map.getStyle().layers.find((layer) => layer.type === 'symbol')?.id
  map.addLayer({ id: spec.id, source: spec.id, type: 'fill', paint: { 'fill-color': shade() as never, 'fill-opacity': shown.as === 'heat' ? 0.62 : 0.7 } }, firstName)
  map.addLayer({ id: `${spec.id}-edge`, source: spec.id, type: 'line', paint: { 'line-color': theme() === 'dark' ? '#0d1117' : '#ffffff', 'line-width': shown.as === 'zones' ? 2 : 0.6 } }, firstName)
  if (shown.as === 'heat') return
  map.addLayer({
    id: `${spec.id}-name`, source: spec.id, type: 'symbol',
    layout: { 'text-field': ['concat', ['get', 'name'], '\n', ['to-string', ['get', 'count']]], 'text-font': ['sans-serif'], 'text-size': 13 },
    paint: { 'text-color': token('--text'), 'text-halo-color': token('--surface'), 'text-halo-width': 1.6 },
  })
}

/** Gives a layer's source its features. */
export function fill(map: MapLibre, id: string, features: GeoJSON.FeatureCollection): void {
  ;(map.getSource(id) as GeoJSONSource | undefined)?.setData?.(features)
}

/** Another server's pictures, under everything of ours. */
export function addOutside(map: MapLibre, spec: OutsideSpec, on: boolean): void {
  remove(map, spec.id)
  if (!on) return
  // An attribution is HTML to MapLibre; ours is what an officer typed.
  const whose = document.createElement('span')
  whose.textContent = spec.attribution
  map.addSource(spec.id, { type: 'raster', tiles: [spec.tiles], tileSize: 256, attribution: whose.innerHTML })
  const first = map.getStyle().layers.find((layer) => layer.type === 'symbol')?.id
  map.addLayer({ id: spec.id, source: spec.id, type: 'raster', paint: { 'raster-opacity': 0.85 } }, first)
}
