/** What a page is about, drawn among its layers: a journey, a place, the ground round one. */
import type { GeoJSONSource, Map as MapLibre } from 'maplibre-gl'
import { theme } from '../shell/theme'
import type { Place } from './shapes'

/** The lowest of the journey's parts: what stands still is drawn under it, what moves over it. */
export const JOURNEY = 'journey-casing'

/** The ground that the page is about, by its edge. */
export function addReach(map: MapLibre, edge: Place[]): void {
  const color = theme() === 'dark' ? '#ff9d94' : '#b3261e'
  map.addSource('reach', { type: 'geojson', data: { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [edge] } } })
  map.addLayer({ id: 'reach', type: 'fill', source: 'reach', paint: { 'fill-color': color, 'fill-opacity': 0.1 } })
  map.addLayer({ id: 'reach-edge', type: 'line', source: 'reach', paint: { 'line-color': color, 'line-width': 2, 'line-dasharray': [2, 2] } })
}

/** A journey: rides in their lines' colours, walks as dots. */
export function addJourney(map: MapLibre, journey: GeoJSON.FeatureCollection): void {
  map.addSource('journey', { type: 'geojson', data: journey })
  const color = ['case', ['!=', ['get', 'color'], ''], ['get', 'color'], '#0b5cad']
  const line = { 'line-cap': 'round', 'line-join': 'round' } as const
  const walk = ['==', ['get', 'mode'], 'walk']
  map.addLayer({
    id: JOURNEY, type: 'line', source: 'journey', filter: ['!', walk] as never, layout: line,
    paint: { 'line-color': theme() === 'dark' ? '#0d1117' : '#ffffff', 'line-width': 9 },
  })
  map.addLayer({
    id: 'journey-ride', type: 'line', source: 'journey', filter: ['!', walk] as never, layout: line,
    paint: { 'line-color': color as never, 'line-width': 5.5 },
  })
  map.addLayer({
    id: 'journey-walk', type: 'line', source: 'journey', filter: walk as never, layout: line,
    paint: { 'line-color': theme() === 'dark' ? '#d6dde6' : '#33404d', 'line-width': 4, 'line-dasharray': [0.1, 1.8] },
  })
}

/** Another journey in the place of the one that is drawn. */
export function setJourney(map: MapLibre, journey: GeoJSON.FeatureCollection): void {
  ;(map.getSource('journey') as GeoJSONSource | undefined)?.setData(journey)
}

/** The place that the page is about. */
export function addHere(map: MapLibre, place: Place): void {
  map.addSource('here', { type: 'geojson', data: { type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: place } } })
  const [ground, rim] = theme() === 'dark' ? ['#0d1117', '#7cb8f5'] : ['#ffffff', '#0b5cad']
  map.addLayer({
    id: 'here', type: 'circle', source: 'here',
    paint: { 'circle-radius': 9, 'circle-color': ground!, 'circle-stroke-color': rim!, 'circle-stroke-width': 5 },
  })
}
