/** One map with layers on it: keeps what is drawn as the state says, through pans, live moves and changes of theme. */
import { AttributionControl, Map as MapLibre, NavigationControl, Popup, addProtocol, setWorkerUrl, type MapGeoJSONFeature } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { Protocol } from 'pmtiles'
import { theme } from '../../shell/theme'
import { EMPTY, add, addOutside, fill, remove } from './draw'
import { Moving } from './moving'
import { asked, say, type LayerSpec, type OutsideSpec, type Shown, type Words } from './spec'

setWorkerUrl(workerUrl)
addProtocol('pmtiles', new Protocol().tile)
const AGAIN_MS = 10_000
const HELD_MS = 5_000

export class Board {
  readonly map: MapLibre
  private shown: Record<string, Shown> = {}
  private outside: string[] = []
  private drawn = new Map<string, string>()
  private moving = new Map<string, Moving>()
  private past: Record<string, GeoJSON.FeatureCollection> | undefined
  private styled = false

  constructor(
    readonly element: HTMLElement,
    private specs: LayerSpec[],
    private outsides: OutsideSpec[],
    private words: Words,
    at: { center: [number, number]; zoom: number },
    options: { controls: boolean } = { controls: true },
  ) {
    this.map = new MapLibre({
      container: element, style: `/map/style-${theme()}.json`, center: at.center, zoom: at.zoom,
      attributionControl: false, dragRotate: false, pitchWithRotate: false, fadeDuration: 150,
    })
    this.map.touchZoomRotate.disableRotation()
    if (options.controls) {
      this.map.addControl(new AttributionControl({ compact: true }), 'bottom-right')
      this.map.addControl(new NavigationControl({ showCompass: false }), 'top-right')
    }
    this.map.getCanvas().setAttribute('aria-label', element.dataset.label ?? '')
    this.map.on('style.load', () => {
      this.styled = true
      this.drawn.clear()
      this.draw()
    })
    this.map.on('moveend', () => this.shade())
    this.map.on('click', (event) => this.pressed(event.point.x, event.point.y))
    this.map.on('idle', () => (element.dataset.idle = '1'))
    this.map.on('error', (event) => {
      const silent = outsides.find((one) => one.id === (event as { sourceId?: string }).sourceId)
      if (silent) element.dispatchEvent(new CustomEvent('silent', { detail: silent.name }))
      else console.error(event.error)
    })
    document.addEventListener('theme', () => {
      this.styled = false
      this.map.setStyle(`/map/style-${theme()}.json`, { diff: false })
    })
    setInterval(() => this.shade(true), AGAIN_MS)
  }

  /** When the network was lost, undefined while all is well. */
  get lost(): Date | undefined {
    return [...this.moving.values()].map((one) => one.lost).find(Boolean)
  }

  /** West, south, east, north of what is seen. */
  bbox(): string {
    const bounds = this.map.getBounds()
    const edge = (value: number, most: number): string => Math.max(-most, Math.min(most, value)).toFixed(5)
    return [edge(bounds.getWest(), 180), edge(bounds.getSouth(), 90), edge(bounds.getEast(), 180), edge(bounds.getNorth(), 90)].join()
  }

  show(layers: Record<string, Shown>, outside: string[] = []): void {
    this.shown = structuredClone(layers)
    this.outside = outside
    this.draw()
  }

  /** Puts the past in the place of what moves and of what is drawn as points; undefined ends it. */
  replay(past: Record<string, GeoJSON.FeatureCollection> | undefined): void {
    this.past = past
    for (const id of Object.keys(past ?? {})) fill(this.map, id, past?.[id] ?? EMPTY)
  }

  private draw(): void {
    if (!this.styled) return
    for (const spec of this.outsides) {
      const on = this.outside.includes(spec.id)
      if (on !== Boolean(this.map.getSource(spec.id))) addOutside(this.map, spec, on)
    }
    for (const spec of this.specs) {
      const shown = this.shown[spec.id]
      const wanted = shown ? JSON.stringify(shown) : ''
      if ((this.drawn.get(spec.id) ?? '') === wanted) continue
      this.drawn.set(spec.id, wanted)
      if (!shown) remove(this.map, spec.id)
      else add(this.map, spec, shown)
      this.follow(spec, shown)
    }
    this.shade()
  }

  private follow(spec: LayerSpec, shown: Shown | undefined): void {
    this.moving.get(spec.id)?.stop()
    this.moving.delete(spec.id)
    if (!shown || shown.as !== 'points' || !spec.live) return
    let filled = -HELD_MS
    const moving = new Moving(spec.url, spec.live, (features) => {
      // Until the map has once been drawn whole, moves are held back: they would keep a slow device from ever finishing.
      if (!this.element.dataset.idle && performance.now() - filled < HELD_MS) return
      filled = performance.now()
      if (!this.past?.[spec.id]) fill(this.map, spec.id, features)
      this.element.dataset.moving = String(features.features.length)
    })
    this.moving.set(spec.id, moving)
    moving.start()
  }

  /** Asks anew for heat and districts; with `live` for those alone that change by themselves. */
  private shade(live = false): void {
    if (!this.styled || document.hidden) return
    for (const spec of this.specs) {
      const shown = this.shown[spec.id]
      if (!shown || shown.as === 'points' || (live && !spec.live)) continue
      const heat = shown.as === 'heat'
      const more = heat ? { bbox: this.bbox(), zoom: this.map.getZoom().toFixed(1) } : undefined
      void fetch(asked(heat ? spec.heat : spec.zones, shown, more))
        .then(async (answer) => answer.ok && fill(this.map, spec.id, (await answer.json()) as GeoJSON.FeatureCollection))
        .catch(() => undefined)
    }
  }

  private pressed(x: number, y: number): void {
    const ids = Object.keys(this.shown).filter((id) => this.map.getLayer(id))
    const found = ids.length ? this.map.queryRenderedFeatures([[x - 5, y - 5], [x + 5, y + 5]], { layers: ids }) : []
    const feature = found.find((one) => one.geometry.type === 'Point') ?? found[0]
    if (feature) this.popup(feature, this.map.unproject([x, y]).toArray() as [number, number])
  }

  private popup(feature: MapGeoJSONFeature, at: [number, number]): void {
    const spec = this.specs.find((one) => one.id === feature.layer.id)
    const { name, url, color: _color, count, share: _share, points, ...rest } = feature.properties as Record<string, unknown>
    const body = document.createElement('div')
    const known = spec?.panel && rest.id ? spec.panel.replace('{id}', encodeURIComponent(String(rest.id))) : ''
    const link = String(url ?? known)
    const title = body.appendChild(document.createElement(link ? 'a' : 'strong'))
    title.textContent = String(name || spec?.name || '')
    if (link) title.setAttribute('href', link)
    const list = body.appendChild(document.createElement('dl'))
    const say2 = (term: string, value: unknown): void => {
      list.appendChild(document.createElement('dt')).textContent = term
      list.appendChild(document.createElement('dd')).textContent = String(value)
    }
    if (count !== undefined) say2(this.words.inView ?? '', count)
    if (Number(points) > 1) say2('', say(this.words.stands, { count: Number(points) }))
    for (const [field, value] of Object.entries(rest)) {
      if (field !== 'at' && (spec?.labels[field] && value !== null && value !== '' && field !== 'id')) say2(spec.labels[field], spec.values[field]?.[String(value)] ?? value)
    }
    const place = feature.geometry.type === 'Point' ? (feature.geometry.coordinates as [number, number]) : at
    new Popup({ maxWidth: '280px' }).setLngLat(place).setDOMContent(body).addTo(this.map)
  }
}
