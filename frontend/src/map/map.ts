import 'maplibre-gl/dist/maplibre-gl.css'
import { GeoJSONSource, Map as MapLibre, Marker, NavigationControl, AttributionControl, Popup, addProtocol, setWorkerUrl, LngLatBounds } from 'maplibre-gl'
import type { MapGeoJSONFeature, StyleSpecification } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { Protocol } from 'pmtiles'
import { ring, type Place } from './shapes'
import { theme } from '../shell/theme'
import { LiveLayer } from './vehicles'

setWorkerUrl(workerUrl)
addProtocol('pmtiles', new Protocol().tile)

export interface LayerSpec {
  id: string
  name: string
  kind: 'point' | 'line' | 'area' | 'heat'
  url: string
  live: string
  panel?: string
  /** Seconds between two looks at a point layer that moves but has no topic. */
  poll?: number
  /** Seconds after which a layer that stands still is asked for anew. */
  again?: number
  /** Radius, px, of points that stand out; what lies under them shows through. */
  size?: number
  /** What the page is about: its points are filled, and large enough for a thumb. */
  bold?: boolean
  color: string
  minzoom: number
  visible: boolean
}

const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] }
const STILL = matchMedia('(prefers-reduced-motion: reduce)')

/**
 * `<city-map center="lon,lat" zoom="12" label="...">`: the city's map, with layers of its services. With `radius`, metres,
 * the ground round its centre is marked and all of it shown.
 */
export class CityMap extends HTMLElement {
  map!: MapLibre
  private live = new Map<string, LiveLayer>()
  private journey: GeoJSON.FeatureCollection = EMPTY
  private layers: LayerSpec[] = []
  private markers: Record<string, Marker> = {}
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
    if (this.reach) this.map.fitBounds(this.reach.reduce((box, place) => box.extend(place), new LngLatBounds()), { padding: 40, maxZoom: 17, animate: false })
    const pin = this.getAttribute('pin')?.split(',').map(Number)
    if (pin) this.pin([pin[0]!, pin[1]!])
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
    for (const layer of this.layers.filter((one) => one.live || one.poll)) {
      const live = new LiveLayer(this.map, layer, this)
      this.live.set(layer.id, live)
      const service = layer.id.split('/')[0]
      live.listen(this.layers.find((one) => one.kind === 'line' && one.id.split('/')[0] === service)?.url ?? '')
    }
    for (const layer of this.layers.filter((one) => one.again)) this.askAgain(layer)
  }

  private askAgain(layer: LayerSpec): void {
    const timer = setInterval(() => {
      if (!this.isConnected) clearInterval(timer)
      else if (!document.hidden) (this.map.getSource(layer.id) as GeoJSONSource | undefined)?.setData(layer.url)
    }, layer.again! * 1000)
  }

  private styleUrl(): string | StyleSpecification {
    return `/map/style-${theme()}.json`
  }

  /** The edge of the ground round the centre that the page is about, where it is. */
  private get reach(): Place[] | undefined {
    const radius = Number(this.getAttribute('radius') ?? 0)
    return radius ? ring(this.getAttribute('center')!.split(',').map(Number) as Place, radius, 64) : undefined
  }

  private drawReach(edge: Place[]): void {
    const color = theme() === 'dark' ? '#ff9d94' : '#b3261e'
    this.map.addSource('reach', { type: 'geojson', data: { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [edge] } } })
    this.map.addLayer({ id: 'reach', type: 'fill', source: 'reach', paint: { 'fill-color': color, 'fill-opacity': 0.1 } })
    this.map.addLayer({ id: 'reach-edge', type: 'line', source: 'reach', paint: { 'line-color': color, 'line-width': 2, 'line-dasharray': [2, 2] } })
  }

  /** Everything of ours on the map; done again after each change of style. */
  private draw(): void {
    if (this.reach) this.drawReach(this.reach)
    this.layers.filter((layer) => !this.live.has(layer.id)).forEach((layer) => this.addLayer(layer))
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
    // Buses drive on the journey, not under it.
    this.layers.filter((layer) => this.live.has(layer.id)).forEach((layer) => this.live.get(layer.id)!.draw(this.isOn(layer)))
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
    } else if (layer.bold) {
      const ground = theme() === 'dark' ? '#161b21' : '#ffffff'
      this.map.addLayer({
        ...base, type: 'circle', layout: { visibility },
        paint: {
          'circle-color': own,
          'circle-stroke-color': ground,
          'circle-stroke-width': 1.5,
          'circle-radius': ['interpolate', ['linear'], ['zoom'], 11, 3.5, 13, 5.5, 17, 9],
        },
      })
    } else {
      this.map.addLayer({
        ...base, type: 'circle', layout: { visibility },
        paint: {
          'circle-color': layer.size ? own : theme() === 'dark' ? '#161b21' : '#ffffff',
          'circle-opacity': layer.size ? 0.25 : 1,
          'circle-stroke-color': own,
          'circle-stroke-width': 2,
          'circle-radius': layer.size || ['interpolate', ['linear'], ['zoom'], 13, 2.2, 17, 6],
        },
      })
    }
    this.map.on('mouseenter', layer.id, () => (this.map.getCanvas().style.cursor = 'pointer'))
    this.map.on('mouseleave', layer.id, () => (this.map.getCanvas().style.cursor = ''))
  }

  private isOn(layer: LayerSpec): boolean {
    const box = document.querySelector<HTMLInputElement>(`[data-layer-toggle][value="${layer.id}"]`)
    return box ? box.checked : layer.visible
  }

  private toggle(id: string, on: boolean): void {
    for (const name of this.live.get(id)?.names() ?? [id]) {
      if (this.map.getLayer(name)) this.map.setLayoutProperty(name, 'visibility', on ? 'visible' : 'none')
    }
  }

  private pressed(lon: number, lat: number, x: number, y: number): void {
    const ids = this.layers.map((layer) => layer.id).filter((id) => this.map.getLayer(id))
    const found = ids.length
      ? this.map.queryRenderedFeatures([[x - 6, y - 6], [x + 6, y + 6]], { layers: ids })
      : []
    const moving = found.find((feature) => this.live.has(feature.layer.id))
    if (moving) return this.live.get(moving.layer.id)!.open(moving, (moving.geometry as GeoJSON.Point).coordinates as [number, number])
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

  /** The one place that the page is about. */
  private pin(place: [number, number]): void {
    const marker = new Marker({ color: '#c2352b' }).setLngLat(place).addTo(this.map)
    marker.getElement().setAttribute('aria-label', this.getAttribute('label-pin') ?? '')
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
