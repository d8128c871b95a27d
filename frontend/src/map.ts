import 'maplibre-gl/dist/maplibre-gl.css'
import { GeoJSONSource, Map as MapLibre, Marker, NavigationControl, AttributionControl, Popup, addProtocol, setWorkerUrl, LngLatBounds } from 'maplibre-gl'
import type { MapGeoJSONFeature, StyleSpecification } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { Protocol } from 'pmtiles'
import { at, glide, type Glide } from './positions'
import { theme } from './theme'

setWorkerUrl(workerUrl)
addProtocol('pmtiles', new Protocol().tile)

export interface LayerSpec {
  id: string
  name: string
  kind: 'point' | 'line' | 'area' | 'heat'
  url: string
  live: string
  color: string
  minzoom: number
  visible: boolean
}

type Feature = GeoJSON.Feature<GeoJSON.Point, Record<string, unknown>>

const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] }
const STILL = matchMedia('(prefers-reduced-motion: reduce)')

/** `<city-map center="lon,lat" zoom="12" bounds="w,s,e,n" label="...">`: the city's map, with layers of its services. */
export class CityMap extends HTMLElement {
  map!: MapLibre
  private moving = new Map<string, { feature: Feature; move: Glide; seen: number }>()
  private liveSource = ''
  private journey: GeoJSON.FeatureCollection = EMPTY
  private layers: LayerSpec[] = []
  private markers: Record<string, Marker> = {}
  private frame = 0
  private ready!: Promise<void>

  connectedCallback(): void {
    if (this.map) return
    this.setAttribute('role', 'region')
    const [lon, lat] = (this.getAttribute('center') ?? '0,0').split(',').map(Number)
    this.map = new MapLibre({
      container: this,
      style: this.styleUrl(),
      center: [lon ?? 0, lat ?? 0],
      zoom: Number(this.getAttribute('zoom') ?? 12),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      fadeDuration: 200,
    })
    this.map.touchZoomRotate.disableRotation()
    this.map.addControl(new AttributionControl({ compact: true }), 'bottom-right')
    this.map.addControl(new NavigationControl({ showCompass: false }), 'top-right')
    this.map.getCanvas().setAttribute('aria-label', this.getAttribute('label') ?? '')
    const layers = this.getAttribute('layers')
    const source = layers && document.getElementById(layers)
    if (source) this.layers = JSON.parse(source.textContent ?? '[]') as LayerSpec[]
    this.ready = new Promise((resolve) => this.map.once('style.load', () => resolve()))
    this.map.on('style.load', () => this.draw())
    this.map.on('click', (event) => this.pressed(event.lngLat.lng, event.lngLat.lat, event.point.x, event.point.y))
    this.map.on('idle', () => (this.dataset.idle = '1'))
    document.addEventListener('theme', () => this.map.setStyle(this.styleUrl(), { diff: false }))
    document.querySelectorAll<HTMLInputElement>('[data-layer-toggle]').forEach((box) => {
      box.addEventListener('change', () => this.toggle(box.value, box.checked))
    })
    this.layers.filter((layer) => layer.live).forEach((layer) => this.listen(layer))
  }

  private styleUrl(): string | StyleSpecification {
    return `/map/style-${theme()}.json`
  }

  /** Everything of ours on the map; done again after each change of style. */
  private draw(): void {
    for (const layer of this.layers) this.addLayer(layer)
    this.map.addSource('journey', { type: 'geojson', data: this.journey })
    const color = ['case', ['!=', ['get', 'color'], ''], ['get', 'color'], '#0b5cad']
    const line = { 'line-cap': 'round', 'line-join': 'round' } as const
    const walk = ['==', ['get', 'mode'], 'walk']
    this.map.addLayer({
      id: 'journey-casing', type: 'line', source: 'journey', filter: ['!', walk] as never, layout: line,
      paint: { 'line-color': theme() === 'dark' ? '#0d1117' : '#ffffff', 'line-width': 9 },
    })
    this.map.addLayer({
      id: 'journey-ride', type: 'line', source: 'journey', filter: ['!', walk] as never, layout: line,
      paint: { 'line-color': color as never, 'line-width': 5.5 },
    })
    this.map.addLayer({
      id: 'journey-walk', type: 'line', source: 'journey', filter: walk as never, layout: line,
      paint: { 'line-color': theme() === 'dark' ? '#d6dde6' : '#33404d', 'line-width': 4, 'line-dasharray': [0.1, 1.8] },
    })
  }

  private addLayer(layer: LayerSpec): void {
    this.map.addSource(layer.id, { type: 'geojson', data: layer.url })
    const visibility = this.isOn(layer) ? 'visible' : 'none'
    const own = ['case', ['to-boolean', ['get', 'color']], ['get', 'color'], layer.color] as never
    const base = { id: layer.id, source: layer.id, minzoom: layer.minzoom }
    if (layer.kind === 'line') {
      this.map.addLayer({
        ...base, type: 'line', layout: { visibility, 'line-cap': 'round', 'line-join': 'round' },
        paint: { 'line-color': own, 'line-opacity': 0.55, 'line-width': ['interpolate', ['linear'], ['zoom'], 10, 1, 15, 3.2] },
      })
    } else if (layer.kind === 'area') {
      this.map.addLayer({ ...base, type: 'fill', layout: { visibility }, paint: { 'fill-color': own, 'fill-opacity': 0.3 } })
    } else if (layer.kind === 'heat') {
      this.map.addLayer({ ...base, type: 'heatmap', layout: { visibility } })
    } else {
      const live = Boolean(layer.live)
      this.map.addLayer({
        ...base, type: 'circle', layout: { visibility },
        paint: {
          'circle-color': live ? own : theme() === 'dark' ? '#161b21' : '#ffffff',
          'circle-stroke-color': live ? '#ffffff' : own,
          'circle-stroke-width': 2,
          'circle-radius': live
            ? ['interpolate', ['linear'], ['zoom'], 10, 3.5, 13, 6, 16, 12]
            : ['interpolate', ['linear'], ['zoom'], 13, 2.2, 17, 6],
        },
      })
      if (live) {
        this.map.addLayer({
          id: `${layer.id}-name`, source: layer.id, type: 'symbol', minzoom: 13,
          layout: { visibility, 'text-field': ['get', 'name'], 'text-font': ['sans-serif'], 'text-size': ['interpolate', ['linear'], ['zoom'], 13, 8, 16, 12], 'text-allow-overlap': true },
          paint: { 'text-color': '#ffffff', 'text-halo-color': own, 'text-halo-width': 1 },
        })
      }
    }
    this.map.on('mouseenter', layer.id, () => (this.map.getCanvas().style.cursor = 'pointer'))
    this.map.on('mouseleave', layer.id, () => (this.map.getCanvas().style.cursor = ''))
  }

  private isOn(layer: LayerSpec): boolean {
    const box = document.querySelector<HTMLInputElement>(`[data-layer-toggle][value="${layer.id}"]`)
    return box ? box.checked : layer.visible
  }

  private toggle(id: string, on: boolean): void {
    for (const name of [id, `${id}-name`]) {
      if (this.map.getLayer(name)) this.map.setLayoutProperty(name, 'visibility', on ? 'visible' : 'none')
    }
  }

  private pressed(lon: number, lat: number, x: number, y: number): void {
    const ids = this.layers.map((layer) => layer.id).filter((id) => this.map.getLayer(id))
    const found = ids.length
      ? this.map.queryRenderedFeatures([[x - 6, y - 6], [x + 6, y + 6]], { layers: ids })
      : []
    const point = found.find((feature) => feature.geometry.type === 'Point') ?? found[0]
    if (point) return this.popup(point, lon, lat)
    this.dispatchEvent(new CustomEvent('pick', { bubbles: true, detail: { lon, lat } }))
  }

  private popup(feature: MapGeoJSONFeature, lon: number, lat: number): void {
    const { name, lines, url } = feature.properties as Record<string, string>
    const body = document.createElement('div')
    const title = document.createElement(url ? 'a' : 'strong')
    title.textContent = name || ''
    if (url) title.setAttribute('href', url)
    body.append(title)
    if (lines) {
      const detail = document.createElement('p')
      detail.textContent = lines
      body.append(detail)
    }
    const place = feature.geometry.type === 'Point' ? (feature.geometry.coordinates as [number, number]) : [lon, lat]
    new Popup({ closeButton: true, maxWidth: '260px' }).setLngLat(place as [number, number]).setDOMContent(body).addTo(this.map)
  }

  /** Follows a layer's live topic; each message is a list of features that have moved. */
  private listen(layer: LayerSpec): void {
    this.liveSource = layer.id
    const load = async (): Promise<void> => {
      const answer = await fetch(layer.url)
      if (answer.ok) this.moved(((await answer.json()) as { features: Feature[] }).features)
    }
    void load()
    const events = new EventSource(layer.live)
    events.addEventListener('message', (event) => this.moved(JSON.parse(event.data as string) as Feature[]))
    events.addEventListener('reset', () => void load())
    events.addEventListener('open', () => (this.dataset.live = '1'))
    addEventListener('pagehide', () => events.close())
  }

  private moved(features: Feature[]): void {
    const now = performance.now()
    for (const feature of features) {
      const id = String(feature.properties.id)
      const before = this.moving.get(id)
      const to = feature.geometry.coordinates as [number, number]
      const shown = before && !STILL.matches ? at(before.move, now) : undefined
      this.moving.set(id, { feature, move: glide(shown, to, now, before ? now - before.seen : 1), seen: now })
    }
    this.dataset.vehicles = String(this.moving.size)
    if (!this.frame) this.frame = requestAnimationFrame((time) => this.step(time))
  }

  private step(now: number): void {
    this.frame = 0
    const source = this.map.getSource(this.liveSource) as GeoJSONSource | undefined
    let open = false
    const features: Feature[] = []
    for (const { feature, move } of this.moving.values()) {
      open ||= now < move.start + move.span
      features.push({ ...feature, geometry: { type: 'Point', coordinates: at(move, now) } })
    }
    source?.setData({ type: 'FeatureCollection', features })
    // Ten pictures a second look smooth for a bus and leave a phone's battery alone.
    if (open && !STILL.matches) setTimeout(() => (this.frame = requestAnimationFrame((time) => this.step(time))), 100)
  }

  /** Draws a journey and brings it into view; an empty one takes it away. */
  async show(journey: GeoJSON.FeatureCollection): Promise<void> {
    this.journey = journey
    await this.ready
    ;(this.map.getSource('journey') as GeoJSONSource | undefined)?.setData(journey)
    const bounds = new LngLatBounds()
    for (const feature of journey.features) {
      for (const point of (feature.geometry as GeoJSON.LineString).coordinates) bounds.extend(point as [number, number])
    }
    if (!bounds.isEmpty()) this.map.fitBounds(bounds, { padding: this.room(), maxZoom: 16, duration: STILL.matches ? 0 : 600 })
    this.dataset.journey = String(journey.features.length)
  }

  /** Keeps what is shown clear of the panel, which lies over the map on a phone. */
  private room(): { top: number; right: number; bottom: number; left: number } {
    const side = Math.min(60, this.clientWidth / 8)
    return { top: side, right: side, bottom: side, left: side }
  }

  /** A marker that can be dragged: "from" or "to". */
  mark(end: 'from' | 'to', lon: number, lat: number, moved: (lon: number, lat: number) => void): void {
    this.markers[end]?.remove()
    const marker = new Marker({ color: end === 'from' ? '#1a7f4b' : '#c2352b', draggable: true }).setLngLat([lon, lat]).addTo(this.map)
    marker.getElement().setAttribute('aria-label', this.getAttribute(`label-${end}`) ?? end)
    marker.on('dragend', () => moved(marker.getLngLat().lng, marker.getLngLat().lat))
    this.markers[end] = marker
  }
}

customElements.define('city-map', CityMap)
