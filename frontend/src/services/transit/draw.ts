import type { GeoJSONSource } from 'maplibre-gl'
import type { CityMap, Press } from '../../map/map'
import { lineOf, pointsOf, toggled, wayBetween, withWay, without } from './drawing'

const LAYER = 'transit/stops'

/** An officer's form beside the map: a press adds to the field that is chosen; the fields stay the truth. */
export function startDraw(page: HTMLElement): void {
  const city = document.querySelector<CityMap>('city-map')
  const tools = page.querySelector<HTMLElement>('[data-draw-tools]')
  if (!city || !tools || page.dataset.awake) return
  page.dataset.awake = '1'
  const field = (name: string): HTMLTextAreaElement | null => page.querySelector(`textarea[data-${name}]`)
  const mode = (): string => tools.querySelector<HTMLInputElement>('input[name=draw]:checked')?.value ?? 'stops'
  const said = tools.querySelector<HTMLElement>('[data-draw-said]')!

  const drawn = (): GeoJSON.FeatureCollection => {
    const path = pointsOf(field('path')?.value ?? '').map((point) => point.place)
    const shape = (geometry: GeoJSON.Geometry): GeoJSON.Feature => ({ type: 'Feature', geometry, properties: {} })
    const features = pointsOf(field('places')?.value ?? '').map((point) => shape({ type: 'Point', coordinates: point.place }))
    if (path.length > 1) features.push(shape({ type: 'LineString', coordinates: path }))
    if (path.length) features.push(shape({ type: 'Point', coordinates: path[path.length - 1]! }))
    return { type: 'FeatureCollection', features }
  }
  const redraw = (): void => {
    const map = city.map
    const color = getComputedStyle(document.documentElement).getPropertyValue('--bad').trim()
    const stops = (field('stops')?.value ?? '').split('\n').map((line) => line.trim()).filter(Boolean)
    const source = map.getSource('draw') as GeoJSONSource | undefined
    if (source) source.setData(drawn())
    else {
      map.addSource('draw', { type: 'geojson', data: drawn() })
      map.addLayer({ id: 'draw-line', type: 'line', source: 'draw', filter: ['==', ['geometry-type'], 'LineString'], layout: { 'line-cap': 'round', 'line-join': 'round' }, paint: { 'line-color': color, 'line-width': 5 } })
      map.addLayer({ id: 'draw-point', type: 'circle', source: 'draw', filter: ['==', ['geometry-type'], 'Point'], paint: { 'circle-color': color, 'circle-radius': 6, 'circle-stroke-width': 2, 'circle-stroke-color': '#ffffff' } })
      map.addLayer({ id: 'draw-stop', type: 'circle', source: LAYER, filter: ['in', ['get', 'id'], ['literal', stops]], paint: { 'circle-color': color, 'circle-radius': 8, 'circle-stroke-width': 2, 'circle-stroke-color': '#ffffff' } })
    }
    map.setFilter('draw-stop', ['in', ['get', 'id'], ['literal', stops]])
    const points = pointsOf(field('path')?.value ?? '').length
    said.textContent = [field('path') ? `${points} ${said.dataset.labelPoints}` : '', `${stops.length} ${said.dataset.labelStops}`].filter(Boolean).join(' · ')
    page.dataset.drawn = String(points)
  }
  const put = (name: string, change: (text: string) => string): void => {
    const target = field(name)
    if (!target) return
    target.value = change(target.value)
    redraw()
  }

  /** The way before each press: a press adds a whole stretch, and is taken back as one. */
  const before: string[] = []
  let asking = Promise.resolve()
  const lead = async (lon: number, lat: number): Promise<void> => {
    const text = field('path')?.value ?? ''
    const last = pointsOf(text).at(-1)?.place
    const way = last ? await wayBetween(last, [lon, lat]) : [[lon, lat] as [number, number]]
    before.push(text)
    put('path', () => withWay(text, way))
  }
  const back = (): void => {
    const known = mode() === 'path' ? before.pop() : undefined
    put(mode(), (text) => known ?? without(text))
  }

  const begin = (): void => {
    tools.hidden = false
    redraw()
    const places = pointsOf([field('path')?.value, field('places')?.value].join('\n')).map((point) => point.place)
    const [lons, lats] = [places.map(([lon]) => lon), places.map(([, lat]) => lat)]
    const corner = (pick: (...all: number[]) => number): [number, number] => [pick(...lons), pick(...lats)]
    if (places.length) city.map.fitBounds([corner(Math.min), corner(Math.max)], { padding: 60, maxZoom: 15, animate: false })
    city.map.on('style.load', () => setTimeout(redraw))
    city.addEventListener('press', (event) => {
      event.preventDefault()
      const { lon, lat, layer, properties } = (event as Press).detail
      // One after the other: each stretch begins where the last one ended.
      if (mode() === 'path') asking = asking.then(() => lead(lon, lat))
      else if (mode() !== 'stops') put(mode(), (text) => lineOf(text, lon, lat))
      else if (layer === LAYER) put('stops', (text) => toggled(text, String(properties?.id)))
    })
  }
  void customElements.whenDefined('city-map').then(() => {
    if (city.map.isStyleLoaded() && city.map.getSource(LAYER)) begin()
    else city.map.once('idle', begin)
  })
  tools.querySelector('[data-draw-back]')?.addEventListener('click', back)
  page.querySelectorAll('textarea').forEach((area) => area.addEventListener('change', redraw))
}
