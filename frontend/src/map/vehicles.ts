import { aheadMs } from '../shell/clock'
import { GeoJSONSource, LngLatBounds, Map as MapLibre, Popup } from 'maplibre-gl'
import type { LayerSpec } from './map'
import { at, glide, moving, presence, type Glide } from './positions'
import { startRefresh } from '../shell/refresh'
import { Shape, ring, type Place } from './shapes'
import { theme } from '../shell/theme'

type Feature = GeoJSON.Feature<GeoJSON.Point, Record<string, unknown>>
interface Seen {
  feature: Feature
  move: Glide
  seen: number
}

const STILL = matchMedia('(prefers-reduced-motion: reduce)')
/** Ten pictures a second look smooth for a bus and leave a phone's battery alone. */
const FRAME_MS = 100
const ACCURACY_ZOOM = 16
const FRAMED = 2
const FARTHEST_FRAMED_M = 5000
const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] }

/** A layer whose points move: each drawn in its line's colour, pointing where it goes, fading as its report grows old. */
export class LiveLayer {
  private readonly known = new Map<string, Seen>()
  private shapes = new Map<string, Shape[]>()
  private frame = 0
  private skew = 0
  private selected = ''
  private popup: Popup | undefined

  constructor(
    private readonly map: MapLibre,
    private readonly spec: LayerSpec,
    private readonly host: HTMLElement,
  ) {
    this.selected = host.getAttribute('select') ?? ''
    map.on('styleimagemissing', ({ id }) => this.addImage(id))
    map.on('moveend', () => this.wake())
    map.on('mouseenter', spec.id, () => (map.getCanvas().style.cursor = 'pointer'))
    map.on('mouseleave', spec.id, () => (map.getCanvas().style.cursor = ''))
  }

  /** Draws the layers anew, after each change of style. */
  draw(on: boolean): void {
    const visibility = on ? 'visible' : 'none'
    const { id, minzoom } = this.spec
    const layer = { source: id, minzoom }
    this.map.addSource(id, { type: 'geojson', data: EMPTY })
    this.map.addSource(`${id}-accuracy`, { type: 'geojson', data: EMPTY })
    const size = ['interpolate', ['linear'], ['zoom'], 10, 0.34, 13, 0.62, 16, 1]
    this.map.addLayer({
      id: `${id}-accuracy`, type: 'fill', source: `${id}-accuracy`, layout: { visibility },
      paint: { 'fill-color': ['get', 'color'], 'fill-opacity': 0.16, 'fill-outline-color': ['get', 'color'] },
    })
    this.map.addLayer({
      ...layer, id, type: 'symbol',
      layout: {
        visibility, 'icon-image': ['get', 'image'], 'icon-size': size as never, 'icon-allow-overlap': true,
        'icon-ignore-placement': true, 'icon-rotation-alignment': 'map', 'icon-rotate': ['coalesce', ['get', 'bearing'], 0],
      },
      paint: { 'icon-opacity': ['get', 'presence'] },
    })
    this.map.addLayer({
      ...layer, id: `${id}-name`, type: 'symbol', minzoom: Math.max(13, minzoom),
      layout: {
        visibility, 'text-field': ['get', 'name'], 'text-font': ['sans-serif'], 'text-allow-overlap': true,
        'text-ignore-placement': true, 'text-size': ['interpolate', ['linear'], ['zoom'], 13, 8, 16, 12.5],
      },
      paint: { 'text-color': ['get', 'ink'], 'text-opacity': ['get', 'presence'] },
    })
    if (this.host.hasAttribute('here') && !this.map.getSource('here')) this.drawHere()
    this.wake()
  }

  /** The place that the page is about. */
  private drawHere(): void {
    const coordinates = (this.host.getAttribute('center') ?? '0,0').split(',').map(Number)
    this.map.addSource('here', { type: 'geojson', data: { type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates } } })
    const [ground, rim] = theme() === 'dark' ? ['#0d1117', '#7cb8f5'] : ['#ffffff', '#0b5cad']
    this.map.addLayer({
      id: 'here', type: 'circle', source: 'here',
      paint: { 'circle-radius': 9, 'circle-color': ground!, 'circle-stroke-color': rim!, 'circle-stroke-width': 5 },
    }, this.spec.id)
  }

  /** The names of its layers, to be shown and hidden with it. */
  names(): string[] {
    return [this.spec.id, `${this.spec.id}-name`, `${this.spec.id}-accuracy`]
  }

  /** Follows the layer's topic; each message is a list of features that have moved. Without one it asks again. */
  listen(shapesUrl: string): void {
    if (shapesUrl) void this.loadShapes(shapesUrl)
    void this.load()
    // What fades does so without a message too.
    setInterval(() => this.wake(), 5000)
    if (!this.spec.live) {
      setInterval(() => document.hidden || void this.load(), (this.spec.poll ?? 10) * 1000)
      return
    }
    const events = new EventSource(this.spec.live)
    events.addEventListener('message', (event) => this.moved(JSON.parse(event.data as string) as Feature[]))
    events.addEventListener('reset', () => void this.load())
    events.addEventListener('open', () => (this.host.dataset.live = '1'))
    addEventListener('pagehide', () => events.close())
  }

  private async load(): Promise<void> {
    try {
      const answer = await fetch(this.spec.url)
      if (!answer.ok) return
      const date = Date.parse(answer.headers.get('Date') ?? '')
      // This device's clock may be wrong by hours; ages are by the city's.
      if (date) this.skew = date + aheadMs() - Date.now()
      const first = this.known.size === 0
      this.moved(((await answer.json()) as { features: Feature[] }).features)
      if (first && this.host.hasAttribute('here') && !this.selected) this.frameComing()
    } catch {
      // The next message, or the next look, brings them.
    }
  }

  /** Brings the place that the page is about into view together with the next buses that come to it. */
  private frameComing(): void {
    const [lon, lat] = (this.host.getAttribute('center') ?? '0,0').split(',').map(Number) as Place
    const ruler = new Shape([[lon, lat]])
    const wanted = coming()
    const near = [...this.known]
      .filter(([id]) => !wanted || wanted.has(id))
      .map(([, { feature }]) => feature.geometry.coordinates as Place)
      .sort((a, b) => ruler.metres([lon, lat], a) - ruler.metres([lon, lat], b))
      .slice(0, FRAMED)
      .filter((place) => ruler.metres([lon, lat], place) < FARTHEST_FRAMED_M)
    if (!near.length) return
    const bounds = near.reduce((box, place) => box.extend(place), new LngLatBounds([lon, lat], [lon, lat]))
    this.map.fitBounds(bounds, { padding: Math.min(70, this.host.clientWidth / 6), maxZoom: 15, animate: false })
  }

  private async loadShapes(url: string): Promise<void> {
    const answer = await fetch(url).catch(() => undefined)
    if (!answer?.ok) return
    const lines = (await answer.json()) as GeoJSON.FeatureCollection<GeoJSON.LineString, { name: string }>
    for (const line of lines.features) {
      if (line.geometry.coordinates.length < 2) continue
      const shape = new Shape(line.geometry.coordinates as Place[])
      this.shapes.set(line.properties.name, [...(this.shapes.get(line.properties.name) ?? []), shape])
    }
  }

  private moved(features: Feature[]): void {
    const now = performance.now()
    for (const feature of features) {
      const id = String(feature.properties.id)
      const before = this.known.get(id)
      const to = feature.geometry.coordinates as Place
      const shown = before && !STILL.matches ? at(before.move, now) : undefined
      const { speed, bearing, name } = feature.properties as { speed?: number; bearing?: number; name?: string }
      const report = STILL.matches ? {} : { speed, bearing, shapes: this.shapes.get(name ?? '') ?? [] }
      this.known.set(id, { feature, move: glide(shown, to, now, before ? now - before.seen : 1, report), seen: now })
    }
    this.host.dataset.vehicles = String(this.known.size)
    this.wake()
  }

  private wake(): void {
    if (!this.frame) this.frame = requestAnimationFrame((time) => this.step(time))
  }

  private step(now: number): void {
    this.frame = 0
    const source = this.map.getSource(this.spec.id) as GeoJSONSource | undefined
    const wanted = coming()
    const view = this.map.getBounds()
    const [[west, south], [east, north]] = view.toArray()
    const room = [(east - west) / 4, (north - south) / 4] as const
    let open = false
    const features: Feature[] = []
    const circles: GeoJSON.Feature[] = []
    for (const [id, { feature, move }] of this.known) {
      const here = presence((Date.now() + this.skew) / 1000 - Number(feature.properties.at ?? 0))
      if (!here) {
        this.known.delete(id)
        continue
      }
      if (wanted && !wanted.has(id)) continue
      const place = at(move, now)
      if (place[0] < west - room[0] || place[0] > east + room[0] || place[1] < south - room[1] || place[1] > north + room[1]) continue
      open ||= moving(move, now)
      const drawn = this.drawn(feature, place, here)
      features.push(drawn)
      const accuracy = Number(feature.properties.accuracy ?? 0)
      if (accuracy > 1 && (id === this.selected || this.map.getZoom() >= ACCURACY_ZOOM)) circles.push(circle(place, accuracy, String(drawn.properties.color)))
      if (id === this.selected) this.popup?.setLngLat(place)
    }
    source?.setData({ type: 'FeatureCollection', features })
    ;(this.map.getSource(`${this.spec.id}-accuracy`) as GeoJSONSource | undefined)?.setData({ type: 'FeatureCollection', features: circles })
    if (open && !STILL.matches) setTimeout(() => this.wake(), FRAME_MS)
  }

  private drawn(feature: Feature, place: Place, here: number): Feature {
    const { color, bearing, status } = feature.properties as { color?: string; bearing?: number | null; status?: string }
    const own = color || this.spec.color
    const form = bearing === null || bearing === undefined ? 'still' : 'going'
    const estimated = status === 'reckoned'
    const properties = {
      ...feature.properties, color: own, ink: ink(own), presence: estimated ? Math.min(here, 0.55) : here,
      image: `vehicle ${form} ${own} ${status === 'off_route' || status === 'wrong_way' ? 'astray' : 'well'}`,
    }
    return { ...feature, geometry: { type: 'Point', coordinates: place }, properties }
  }

  private addImage(id: string): void {
    const [kind, form, color, how] = id.split(' ')
    if (kind !== 'vehicle' || this.map.hasImage(id)) return
    const drawn = icon(color!, form === 'going', how === 'astray')
    if (drawn) this.map.addImage(id, drawn, { pixelRatio: 2 })
  }

  /** Opens the panel of a vehicle beside it; it goes along with the bus. */
  open(feature: { properties: Record<string, unknown> | null }, place: Place): void {
    const id = String(feature.properties?.id ?? '')
    this.selected = id
    const body = document.createElement('div')
    body.className = 'vehicle-popup'
    const inner = document.createElement('div')
    inner.dataset.refreshBody = ''
    inner.textContent = String(feature.properties?.name ?? '')
    body.append(inner)
    this.popup?.remove()
    const popup = new Popup({ closeButton: true, maxWidth: '300px', offset: 18 }).setLngLat(place).setDOMContent(body).addTo(this.map)
    this.popup = popup
    popup.on('close', () => {
      // Another may have been opened meanwhile.
      if (this.popup !== popup) return
      this.selected = ''
      this.popup = undefined
      this.wake()
    })
    if (this.spec.panel) {
      body.dataset.refresh = `${this.spec.panel.replace('{id}', encodeURIComponent(id))}?part=1`
      body.dataset.every = '5'
      startRefresh(body, true)
    }
    this.wake()
  }
}

/** The buses that a page is about, from its `#coming` list; all of them where it has none. */
function coming(): Set<string> | undefined {
  const list = document.getElementById('coming')
  return list ? new Set(JSON.parse(list.textContent ?? '[]') as string[]) : undefined
}

/** A disc in the line's colour with a pointer to where it goes; one that is astray has a dashed rim. */
function icon(color: string, going: boolean, astray: boolean): ImageData | undefined {
  const size = 88
  const pen = Object.assign(document.createElement('canvas'), { width: size, height: size }).getContext('2d')
  if (!pen) return undefined
  const [middle, radius] = [size / 2, 24]
  const rim = theme() === 'dark' ? '#0d1117' : '#ffffff'
  pen.lineJoin = 'round'
  pen.beginPath()
  if (going) {
    pen.arc(middle, middle, radius, -Math.PI / 2 + 0.62, -Math.PI / 2 - 0.62)
    pen.lineTo(middle, middle - radius - 15)
    pen.closePath()
  } else pen.arc(middle, middle, radius, 0, 2 * Math.PI)
  pen.fillStyle = color
  pen.strokeStyle = rim
  pen.lineWidth = 5
  if (astray) pen.setLineDash([7, 5])
  pen.stroke()
  pen.fill()
  return pen.getImageData(0, 0, size, size)
}

/** Black or white, whichever reads better on a colour (WCAG 2.2, relative luminance). */
export function ink(color: string): string {
  const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
  const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  const light = 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
  return (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? '#000000' : '#ffffff'
}

/** A circle of metres as a polygon. */
function circle(middle: Place, metres: number, color: string): GeoJSON.Feature<GeoJSON.Polygon> {
  return { type: 'Feature', properties: { color }, geometry: { type: 'Polygon', coordinates: [ring(middle, metres, 32)] } }
}
