import { aheadMs, now as cityNow } from '../shell/clock'
import { GeoJSONSource, LngLatBounds, Map as MapLibre, Popup } from 'maplibre-gl'
import { EMPTY, remove } from './draw'
import { describe, panelOf } from './popup'
import { at, glide, moving, presence, type Glide } from './positions'
import { startRefresh } from '../shell/refresh'
import { Shape, ring, type Place } from './shapes'
import { addPicture, pictureOf } from './pictures'
import { isChosen, type LayerSpec, type Shown, type Words } from './spec'

type Feature = GeoJSON.Feature<GeoJSON.Point, Record<string, unknown>>
/** What a topic says: of what is gone it says no place any more. */
type Said = Feature | GeoJSON.Feature<null, { id: string; gone: true }>
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
/** Until the map has once been drawn whole, moves are held back: they would keep a slow device from ever finishing. */
const HELD_MS = 5000
const FADE_MS = 5000
const FAINT = 0.25

/** A layer whose points move: each drawn in its line's colour, pointing where it goes, fading as its report grows old. */
export class LiveLayer {
  private readonly known = new Map<string, Seen>()
  private shapes = new Map<string, Shape[]>()
  private frame = 0
  private filled = -HELD_MS
  private skew = 0
  private selected = ''
  private popup: Popup | undefined
  private only: Shown['only'] = {}
  private past: GeoJSON.FeatureCollection | undefined
  private events: EventSource | undefined
  private timers: number[] = []
  /** When the network was lost, undefined while all is well. */
  lost: Date | undefined
  private readonly panned = (): void => this.wake()

  constructor(
    private readonly map: MapLibre,
    private readonly spec: LayerSpec,
    private readonly host: HTMLElement,
    private readonly words: Words,
  ) {
    this.selected = host.getAttribute('select') ?? ''
    map.on('moveend', this.panned)
  }

  /** Draws those alone that are chosen; with a past, that in the place of what goes on. */
  choose(only: Shown['only'], past: GeoJSON.FeatureCollection | undefined): void {
    this.only = only
    this.past = past
    this.wake()
  }

  /** Draws the layers anew, after each change of style. */
  draw(): void {
    const { id, minzoom } = this.spec
    const layer = { source: id, minzoom }
    remove(this.map, id)
    this.map.addSource(id, { type: 'geojson', data: EMPTY })
    this.map.addSource(`${id}-accuracy`, { type: 'geojson', data: EMPTY })
    const size = ['interpolate', ['linear'], ['zoom'], 10, 0.34, 13, 0.62, 16, 1]
    this.map.addLayer({
      id: `${id}-accuracy`, type: 'fill', source: `${id}-accuracy`,
      paint: { 'fill-color': ['get', 'color'], 'fill-opacity': 0.16, 'fill-outline-color': ['get', 'color'] },
    })
    this.map.addLayer({
      ...layer, id, type: 'symbol',
      layout: {
        'icon-image': ['get', 'image'], 'icon-size': size as never, 'icon-allow-overlap': true,
        'icon-ignore-placement': true, 'icon-rotation-alignment': 'map', 'icon-rotate': ['coalesce', ['get', 'bearing'], 0],
      },
      paint: { 'icon-opacity': ['get', 'presence'] },
    })
    this.map.addLayer({
      ...layer, id: `${id}-name`, type: 'symbol', minzoom: Math.max(13, minzoom),
      layout: {
        'text-field': ['get', 'name'], 'text-font': ['sans-serif'], 'text-allow-overlap': true,
        'text-ignore-placement': true, 'text-size': ['interpolate', ['linear'], ['zoom'], 13, 8, 16, 12.5],
      },
      paint: { 'text-color': ['get', 'ink'], 'text-opacity': ['get', 'presence'] },
    })
    this.filled = -HELD_MS
    this.wake()
  }

  /** Follows the layer's topic; each message is a list of features that have moved. Without one it asks again. */
  listen(shapesUrl: string): void {
    if (shapesUrl && !STILL.matches) void this.loadShapes(shapesUrl)
    void this.load()
    // What fades does so without a message too.
    this.timers.push(window.setInterval(() => this.wake(), FADE_MS))
    if (!this.spec.live) {
      this.timers.push(window.setInterval(() => document.hidden || void this.load(), (this.spec.poll ?? 10) * 1000))
      return
    }
    const events = (this.events = new EventSource(this.spec.live))
    events.addEventListener('message', (event) => this.moved(JSON.parse(event.data as string) as Said[]))
    events.addEventListener('reset', () => void this.load())
    events.addEventListener('open', () => {
      this.lost = undefined
      this.host.dataset.live = '1'
    })
    events.addEventListener('error', () => (this.lost ??= new Date(cityNow())))
    addEventListener('pagehide', () => events.close())
  }

  /** Takes the layer off, and hears nothing more. */
  stop(): void {
    this.events?.close()
    this.timers.forEach(clearInterval)
    cancelAnimationFrame(this.frame)
    this.frame = -1
    this.popup?.remove()
    this.map.off('moveend', this.panned)
    remove(this.map, this.spec.id)
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
      this.lost ??= new Date(cityNow())
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

  private moved(features: Said[]): void {
    const now = performance.now()
    for (const feature of features) {
      const id = String(feature.properties.id ?? feature.id)
      if (!feature.geometry) {
        this.known.delete(id)
        continue
      }
      const before = this.known.get(id)
      const to = feature.geometry.coordinates as Place
      const shown = before && !STILL.matches ? at(before.move, now) : undefined
      const { speed, bearing, name } = feature.properties as { speed?: number; bearing?: number; name?: string }
      const report = STILL.matches ? {} : { speed, bearing, shapes: this.shapes.get(name ?? '') ?? [] }
      this.known.set(id, { feature: feature as Feature, move: glide(shown, to, now, before ? now - before.seen : 1, report), seen: now })
    }
    this.host.dataset.moving = String(this.known.size)
    this.wake()
  }

  private wake(): void {
    if (!this.frame) this.frame = requestAnimationFrame((time) => this.step(time))
  }

  private step(now: number): void {
    this.frame = 0
    if (!this.map.getSource(this.spec.id)) return
    if (!this.host.dataset.idle && now - this.filled < HELD_MS) return
    if (this.past) return this.fill(this.past.features.map((one) => this.drawn(one as Feature, (one as Feature).geometry.coordinates as Place, 1)))
    const wanted = coming()
    const [[west, south], [east, north]] = this.map.getBounds().toArray()
    const room = [(east - west) / 4, (north - south) / 4] as const
    let open = false
    const features: Feature[] = []
    const circles: GeoJSON.Feature[] = []
    for (const [id, { feature, move }] of this.known) {
      const here = this.presence(feature)
      if (!here) {
        this.known.delete(id)
        continue
      }
      if ((wanted && !wanted.has(id)) || !isChosen(feature.properties, this.only)) continue
      const place = at(move, now)
      if (place[0] < west - room[0] || place[0] > east + room[0] || place[1] < south - room[1] || place[1] > north + room[1]) continue
      open ||= moving(move, now)
      const drawn = this.drawn(feature, place, here)
      features.push(drawn)
      const accuracy = Number(feature.properties.accuracy ?? 0)
      if (accuracy > 1 && (id === this.selected || this.map.getZoom() >= ACCURACY_ZOOM)) circles.push(circle(place, accuracy, String(drawn.properties.color)))
      if (id === this.selected) this.popup?.setLngLat(place)
    }
    if (features.length) this.filled = now
    this.fill(features, circles)
    if (open && !STILL.matches) setTimeout(() => this.wake(), FRAME_MS)
  }

  private fill(features: Feature[], circles: GeoJSON.Feature[] = []): void {
    const give = (id: string, given: GeoJSON.Feature[]): void =>
      void (this.map.getSource(id) as GeoJSONSource | undefined)?.setData({ type: 'FeatureCollection', features: given })
    give(this.spec.id, features)
    give(`${this.spec.id}-accuracy`, circles)
  }

  /** How much of it is to be seen, by the age of its report; without a network that is not the age of what is there. */
  private presence(feature: Feature): number {
    const { at: reported } = feature.properties
    if (typeof reported !== 'number') return 1
    const here = presence((Date.now() + this.skew) / 1000 - reported)
    return this.lost ? Math.max(here, FAINT) : here
  }

  private drawn(feature: Feature, place: Place, here: number): Feature {
    const { color, bearing, status } = feature.properties as { color?: string; bearing?: number | null; status?: string }
    const own = color || this.spec.color
    const going = bearing !== null && bearing !== undefined
    const estimated = status === 'reckoned'
    const image = pictureOf(own, going, status === 'off_route' || status === 'wrong_way')
    addPicture(this.map, image)
    const properties = {
      ...feature.properties, image, color: own, ink: ink(own), presence: estimated ? Math.min(here, 0.55) : here,
    }
    return { ...feature, geometry: { type: 'Point', coordinates: place }, properties }
  }

  /** Opens what is told of one of its points beside it, the layer's panel where it has one; it goes along with the point. */
  open(feature: { properties: Record<string, unknown> | null }, place: Place): void {
    const properties = feature.properties ?? {}
    this.selected = String(properties.id ?? '')
    const panel = panelOf(this.spec, properties.id)
    const body = document.createElement('div')
    body.className = 'moving-popup'
    const inner = body.appendChild(document.createElement('div'))
    inner.dataset.refreshBody = ''
    inner.append(describe(this.spec, properties, this.words))
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
    if (panel) {
      body.dataset.refresh = `${panel}?part=1`
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
