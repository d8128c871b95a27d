import 'maplibre-gl/dist/maplibre-gl.css'
import { AttributionControl, GeoJSONSource, LngLatBounds, Map as MapLibre, Marker, NavigationControl, Popup, addProtocol, setWorkerUrl } from 'maplibre-gl'
import type { MapGeoJSONFeature } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { Protocol } from 'pmtiles'
import { theme } from '../shell/theme'
import { JOURNEY, addHere, addJourney, addReach, setJourney } from './about'
import { EMPTY, add, addOutside, fill, remove } from './draw'
import { LiveLayer } from './live'
import { addPicture } from './pictures'
import { told } from './popup'
import { ring, type Place } from './shapes'
import { asked, data, usual, type LayerSpec, type OutsideSpec, type Shown, type Words } from './spec'

setWorkerUrl(workerUrl)
addProtocol('pmtiles', new Protocol().tile)

const STILL = matchMedia('(prefers-reduced-motion: reduce)')
/** How often heat and districts of what moves are asked for anew. */
const AGAIN_MS = 10_000
const NEAR_PX = 6

/** Which attribute has the words for each of MapLibre's own. */
const OWN_WORDS = {
  'Map.Title': 'label',
  'Marker.Title': 'label-pin',
  'NavigationControl.ZoomIn': 'label-in',
  'NavigationControl.ZoomOut': 'label-out',
  'NavigationControl.ResetBearing': 'label-north',
  'AttributionControl.ToggleAttribution': 'label-credits',
  'Popup.Close': 'label-close',
  'GeolocateControl.FindMyLocation': 'label-locate',
  'GeolocateControl.LocationNotAvailable': 'label-unlocated',
  'CooperativeGesturesHandler.WindowsHelpText': 'label-keys',
  'CooperativeGesturesHandler.MacHelpText': 'label-keys-mac',
  'CooperativeGesturesHandler.MobileHelpText': 'label-fingers',
}

/** Where the map was pressed, and what of which layer lies there. */
export type Press = CustomEvent<{ lon: number; lat: number; layer?: string; properties?: Record<string, unknown> }>

/**
 * `<city-map center="lon,lat" zoom="12" label="...">`: the city's map, wherever one is.
 *
 * `layers`, `outside` and `words` name the page's data: its layers (LayerSpec), other servers' maps, the words of
 * popups. It shows the layers that are visible; with `waits` none until it is told by `show`. `[data-layer-toggle]`
 * boxes switch layers. `here` marks the centre, `radius`, metres, the ground round it, `pin` a place; `bare` has no
 * controls. A press opens what is told of a feature, unless the page takes the `press` event for itself; beside all
 * features it is a `pick`.
 */
export class CityMap extends HTMLElement {
  map!: MapLibre
  private specs: LayerSpec[] = []
  private outsides: OutsideSpec[] = []
  private words: Words = {}
  private shown: Record<string, Shown> = {}
  private outside: string[] = []
  /** How each layer that is on the map is drawn. */
  private drawn = new Map<string, string>()
  private live = new Map<string, LiveLayer>()
  private past: Record<string, GeoJSON.FeatureCollection> = {}
  private journey = EMPTY
  private markers: Record<string, Marker> = {}
  private styled = false

  connectedCallback(): void {
    if (this.map) return
    // MapLibre's own canvas is the region of that name; before there is one, the element's name is of no use.
    this.removeAttribute('aria-label')
    this.specs = data<LayerSpec[]>(this.getAttribute('layers')) ?? []
    this.outsides = data<OutsideSpec[]>(this.getAttribute('outside')) ?? []
    this.words = data<Words>(this.getAttribute('words')) ?? {}
    this.map = new MapLibre({
      container: this, style: this.style_, center: this.center, zoom: Number(this.getAttribute('zoom') ?? 12),
      locale: this.locale, attributionControl: false, dragRotate: false, pitchWithRotate: false, fadeDuration: STILL.matches ? 0 : 200,
    })
    this.map.touchZoomRotate.disableRotation()
    if (!this.hasAttribute('bare')) {
      this.map.addControl(new AttributionControl({ compact: true }), 'bottom-right')
      this.map.addControl(new NavigationControl({ showCompass: false }), 'top-right')
    }
    this.map.getCanvas().setAttribute('aria-label', this.getAttribute('label') ?? '')
    if (this.reach) this.map.fitBounds(this.reach.reduce((box, place) => box.extend(place), new LngLatBounds()), { padding: 40, maxZoom: 17, animate: false })
    const pin = this.getAttribute('pin')?.split(',').map(Number) as Place | undefined
    if (pin) this.marker('#c2352b', 'pin', pin)
    this.hear()
    if (!this.hasAttribute('waits')) this.show(Object.fromEntries(this.specs.filter((spec) => this.isOn(spec)).map((spec) => [spec.id, usual(spec)])))
  }

  private hear(): void {
    this.map.setMissingStyleImageResolver(async (name) => addPicture(this.map, name))
    this.map.on('style.load', () => this.begin())
    this.map.on('moveend', () => this.shade())
    this.map.on('click', ({ lngLat, point }) => this.pressed(lngLat.toArray(), point.x, point.y))
    this.map.on('idle', () => (this.dataset.idle = '1'))
    this.map.on('error', (event) => {
      const silent = this.outsides.find((one) => one.id === (event as { sourceId?: string }).sourceId)
      if (silent) this.dispatchEvent(new CustomEvent('silent', { detail: silent.name }))
      else console.error(event.error)
    })
    for (const { id } of this.specs) {
      this.map.on('mouseenter', id, () => (this.map.getCanvas().style.cursor = 'pointer'))
      this.map.on('mouseleave', id, () => (this.map.getCanvas().style.cursor = ''))
    }
    document.addEventListener('theme', () => {
      this.styled = false
      this.map.setStyle(this.style_, { diff: false })
    })
    document.querySelectorAll<HTMLInputElement>('[data-layer-toggle]').forEach((box) => {
      box.addEventListener('change', () => this.toggle(box.value, box.checked))
    })
    setInterval(() => this.shade(true), AGAIN_MS)
    for (const layer of this.specs.filter((one) => one.again)) setInterval(() => this.askAgain(layer), layer.again! * 1000)
  }

  /** What MapLibre says by itself, in the page's words; what the page has none for stays as MapLibre has it. */
  private get locale(): Record<string, string> {
    const said = Object.entries(OWN_WORDS).map(([name, attribute]) => [name, this.getAttribute(attribute)] as const)
    return Object.fromEntries(said.filter((one): one is readonly [string, string] => Boolean(one[1])))
  }

  private get style_(): string {
    return `/map/style-${theme()}.json`
  }

  private get center(): Place {
    const [lon = 0, lat = 0] = (this.getAttribute('center') ?? '').split(',').map(Number)
    return [lon, lat]
  }

  /** The edge of the ground round the centre that the page is about, where it is. */
  private get reach(): Place[] | undefined {
    const radius = Number(this.getAttribute('radius') ?? 0)
    return radius ? ring(this.center, radius, 64) : undefined
  }

  /** When the network was lost, undefined while all is well. */
  get lost(): Date | undefined {
    return [...this.live.values()].map((one) => one.lost).find(Boolean)
  }

  /** West, south, east, north of what is seen. */
  bbox(): string {
    const bounds = this.map.getBounds()
    const edge = (value: number, most: number): string => Math.max(-most, Math.min(most, value)).toFixed(5)
    return [edge(bounds.getWest(), 180), edge(bounds.getSouth(), 90), edge(bounds.getEast(), 180), edge(bounds.getNorth(), 90)].join()
  }

  /** Shows these layers and maps of other servers, each as it says, and no others. */
  show(layers: Record<string, Shown>, outside: string[] = []): void {
    this.shown = structuredClone(layers)
    this.outside = outside
    for (const spec of this.specs) this.follow(spec)
    this.draw()
  }

  private toggle(id: string, on: boolean): void {
    const { [id]: _was, ...others } = this.shown
    const spec = this.specs.find((one) => one.id === id)
    if (spec) this.show(on ? { ...others, [id]: usual(spec) } : others, this.outside)
  }

  private isOn(spec: LayerSpec): boolean {
    return document.querySelector<HTMLInputElement>(`[data-layer-toggle][value="${spec.id}"]`)?.checked ?? spec.visible
  }

  /** Puts the past in the place of what moves and of what is drawn as points; undefined ends it. */
  replay(past: Record<string, GeoJSON.FeatureCollection> | undefined): void {
    this.past = past ?? {}
    for (const spec of this.specs) this.follow(spec)
    this.draw()
    for (const [id, features] of Object.entries(this.past)) if (!this.live.has(id) && this.shown[id]?.as === 'points') fill(this.map, id, features)
  }

  /** Hears what moves while it is shown, and no longer. */
  private follow(spec: LayerSpec): void {
    const shown = this.shown[spec.id]
    const moves = shown?.as === 'points' && (spec.live || spec.poll)
    let live = this.live.get(spec.id)
    if (!moves) {
      live?.stop()
      this.live.delete(spec.id)
      return
    }
    if (!live) {
      live = new LiveLayer(this.map, spec, this, this.words)
      this.live.set(spec.id, live)
      const service = spec.id.split('/')[0]
      live.listen(this.specs.find((one) => one.kind === 'line' && one.id.split('/')[0] === service)?.url ?? '')
    }
    live.choose(shown.only, this.past[spec.id])
  }

  /** Everything of ours on a new style. */
  private begin(): void {
    this.styled = true
    this.drawn.clear()
    if (this.reach) addReach(this.map, this.reach)
    addJourney(this.map, this.journey)
    if (this.hasAttribute('here') && !this.hasAttribute('pin') && !this.reach) addHere(this.map, this.center)
    this.draw()
  }

  /** Brings the map to what is shown: what stands still under the journey, what moves on it, other servers' under all. */
  private draw(): void {
    if (!this.styled) return
    for (const spec of this.outsides) {
      const on = this.outside.includes(spec.id)
      if (on !== Boolean(this.map.getSource(spec.id))) addOutside(this.map, spec, on)
    }
    for (const spec of this.specs) {
      const shown = this.shown[spec.id]
      const live = this.live.get(spec.id)
      const given = shown?.as === 'points' && spec.id in this.past
      const wanted = !shown ? '' : live ? 'live' : `${given} ${JSON.stringify(shown)}`
      if ((this.drawn.get(spec.id) ?? '') === wanted) continue
      this.drawn.set(spec.id, wanted)
      if (!shown) remove(this.map, spec.id)
      else if (live) live.draw()
      else add(this.map, spec, shown, JOURNEY, given)
    }
    this.shade()
  }

  private askAgain(spec: LayerSpec): void {
    if (this.isConnected && !document.hidden) (this.map.getSource(spec.id) as GeoJSONSource | undefined)?.setData(spec.url)
  }

  /** Asks anew for heat and districts; with `live` for those alone that change by themselves. */
  private shade(live = false): void {
    if (!this.styled || document.hidden) return
    for (const spec of this.specs) {
      const shown = this.shown[spec.id]
      if (!shown || shown.as === 'points' || (live && !spec.live)) continue
      const heat = shown.as === 'heat'
      const more = heat ? { bbox: this.bbox(), zoom: this.map.getZoom().toFixed(1) } : undefined
      void fetch(asked((heat ? spec.heat : spec.zones) ?? '', shown, more))
        .then(async (answer) => answer.ok && fill(this.map, spec.id, (await answer.json()) as GeoJSON.FeatureCollection))
        .catch(() => undefined)
    }
  }

  private pressed(at: Place, x: number, y: number): void {
    const layers = Object.keys(this.shown).filter((id) => this.map.getLayer(id))
    const near: [[number, number], [number, number]] = [[x - NEAR_PX, y - NEAR_PX], [x + NEAR_PX, y + NEAR_PX]]
    const found = layers.length ? this.map.queryRenderedFeatures(near, { layers }) : []
    const feature =
      found.find((one) => this.live.has(one.layer.id)) ?? found.find((one) => one.geometry.type === 'Point') ?? found[0]
    const [lon, lat] = at
    const detail: Press['detail'] = { lon, lat, ...(feature ? { layer: feature.layer.id, properties: feature.properties } : {}) }
    if (!this.dispatchEvent(new CustomEvent('press', { cancelable: true, detail }))) return
    if (feature) this.open(feature, at)
    else this.dispatchEvent(new CustomEvent('pick', { bubbles: true, detail }))
  }

  private open(feature: MapGeoJSONFeature, at: Place): void {
    const place = feature.geometry.type === 'Point' ? (feature.geometry.coordinates as Place) : at
    const live = this.live.get(feature.layer.id)
    if (live) return live.open(feature, place)
    const spec = this.specs.find((one) => one.id === feature.layer.id)
    new Popup({ maxWidth: '280px' }).setLngLat(place).setDOMContent(told(spec, feature.properties, this.words)).addTo(this.map)
  }

  /** Draws a journey and brings it into view; an empty one takes it away. */
  async travel(journey: GeoJSON.FeatureCollection): Promise<void> {
    this.journey = journey
    if (!this.styled) await this.map.once('style.load')
    setJourney(this.map, journey)
    const bounds = new LngLatBounds()
    for (const feature of journey.features) {
      for (const point of (feature.geometry as GeoJSON.LineString).coordinates) bounds.extend(point as Place)
    }
    // A journey keeps clear of the edges, and of the panel, which lies over the map on a phone.
    const padding = Math.min(60, this.clientWidth / 8)
    if (!bounds.isEmpty()) this.map.fitBounds(bounds, { padding, maxZoom: 16, duration: STILL.matches ? 0 : 600 })
    this.dataset.journey = String(journey.features.length)
  }

  private marker(color: string, label: string, place: Place, draggable = false): Marker {
    const marker = new Marker({ color, draggable }).setLngLat(place).addTo(this.map)
    marker.getElement().setAttribute('aria-label', this.getAttribute(`label-${label}`) ?? '')
    return marker
  }

  /** A marker, "from" or "to"; it can be dragged where somebody wants to be told that it `moved`. */
  mark(end: 'from' | 'to', lon: number, lat: number, moved?: (lon: number, lat: number) => void): void {
    this.markers[end]?.remove()
    const marker = this.marker(end === 'from' ? '#1a7f4b' : '#c2352b', end, [lon, lat], moved !== undefined)
    if (moved) marker.on('dragend', () => moved(marker.getLngLat().lng, marker.getLngLat().lat))
    this.markers[end] = marker
  }
}

customElements.define('city-map', CityMap)
