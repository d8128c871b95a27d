/** What moves on a live layer: loaded once, then moved by its topic, gliding between reports. */
import { now as cityNow } from '../../shell/clock'
import { at, glide, type Glide } from '../../map/positions'

export type PointFeature = GeoJSON.Feature<GeoJSON.Point, Record<string, unknown>>
const STILL = matchMedia('(prefers-reduced-motion: reduce)')
const GONE_MS = 5 * 60_000

export class Moving {
  private known = new Map<string, { feature: PointFeature; move: Glide; seen: number }>()
  private events: EventSource | undefined
  private timer = 0
  lost: Date | undefined

  constructor(
    private address: string,
    private topic: string,
    private changed: (features: GeoJSON.FeatureCollection) => void,
  ) {}

  start(): void {
    void this.load()
    this.events = new EventSource(this.topic)
    this.events.addEventListener('message', (event) => this.moved(JSON.parse(event.data as string) as PointFeature[]))
    this.events.addEventListener('reset', () => void this.load())
    this.events.addEventListener('open', () => (this.lost = undefined))
    this.events.addEventListener('error', () => (this.lost ??= new Date(cityNow())))
  }

  stop(): void {
    this.events?.close()
    clearTimeout(this.timer)
    this.known.clear()
  }

  private async load(): Promise<void> {
    try {
      const answer = await fetch(this.address)
      if (answer.ok) this.moved(((await answer.json()) as { features: PointFeature[] }).features)
    } catch {
      this.lost ??= new Date(cityNow())
    }
  }

  private moved(features: PointFeature[]): void {
    const now = performance.now()
    for (const feature of features) {
      const id = String(feature.properties.id ?? feature.id)
      const before = this.known.get(id)
      const to = feature.geometry.coordinates as [number, number]
      const shown = before && !STILL.matches ? at(before.move, now) : undefined
      this.known.set(id, { feature, move: glide(shown, to, now, before ? now - before.seen : 1), seen: now })
    }
    clearTimeout(this.timer)
    this.step()
  }

  private step(): void {
    const now = performance.now()
    let open = false
    const features: PointFeature[] = []
    for (const [id, { feature, move, seen }] of this.known) {
      if (now - seen > GONE_MS && !this.lost) {
        this.known.delete(id)
        continue
      }
      open ||= now < move.start + move.span
      features.push({ ...feature, geometry: { type: 'Point', coordinates: at(move, now) } })
    }
    this.changed({ type: 'FeatureCollection', features })
    if (open && !STILL.matches) this.timer = window.setTimeout(() => this.step(), 100)
  }
}
