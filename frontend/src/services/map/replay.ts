/** The past on the map: a slider over an hour, played as fast as one likes. */
import { now } from '../../shell/clock'
import { asked, isChosen, say, type LayerSpec, type Shown, type Words } from './spec'

export interface Track {
  id: string
  at: number[]
  places: [number, number][]
  properties: Record<string, unknown>
}

/** A thing unheard of for so long is not drawn: it may be anywhere. */
export const LOST_S = 90
const EVENT_S = 600

/** Where a track was at a second, between its sightings; undefined before, after and in a long silence. */
export function placeAt(track: Track, second: number, lost = LOST_S): [number, number] | undefined {
  const { at, places } = track
  let low = 0
  let high = at.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((at[middle] ?? 0) <= second) low = middle + 1
    else high = middle
  }
  const before = low - 1
  if (before < 0) return undefined
  const from = places[before]!
  const start = at[before]!
  if (low === at.length) return second - start <= lost ? from : undefined
  const end = at[low]!
  const to = places[low]!
  if (end - start > lost) return second - start <= lost ? from : undefined
  const share = (second - start) / (end - start || 1)
  return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share]
}

/** The features of a moment. Single events (one sighting each) stay for ten minutes. */
export function moment(tracks: Track[], second: number, only: Record<string, string[]>): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = []
  for (const track of tracks) {
    if (!isChosen(track.properties, only)) continue
    const place = placeAt(track, second, track.at.length === 1 ? EVENT_S : LOST_S)
    if (place) features.push({ type: 'Feature', geometry: { type: 'Point', coordinates: place }, properties: { ...track.properties, id: track.id } })
  }
  return { type: 'FeatureCollection', features }
}

export class Replay {
  private tracks: Record<string, Track[]> = {}
  private begin = 0
  private playing = 0
  private form: HTMLFormElement
  private slider: HTMLInputElement
  private clock: HTMLOutputElement
  private button: HTMLButtonElement
  on = false

  constructor(
    root: HTMLElement,
    private specs: LayerSpec[],
    private words: Words,
    private shown: () => Record<string, Shown>,
    private changed: (past: Record<string, GeoJSON.FeatureCollection> | undefined) => void,
  ) {
    this.form = root.querySelector<HTMLFormElement>('[data-replay]')!
    this.slider = this.form.querySelector<HTMLInputElement>('[data-moment]')!
    this.clock = this.form.querySelector<HTMLOutputElement>('output')!
    this.button = this.form.querySelector<HTMLButtonElement>('[data-play]')!
    this.form.addEventListener('submit', (event) => event.preventDefault())
    this.form.querySelector('[name=start]')!.addEventListener('change', () => void this.load())
    this.slider.addEventListener('input', () => this.draw())
    this.button.addEventListener('click', () => (this.playing ? this.pause() : this.play()))
  }

  get start(): string {
    return this.form.querySelector<HTMLInputElement>('[name=start]')!.value
  }

  /** The moment shown, in words; "" while nothing is replayed. */
  get text(): string {
    return this.on ? `${this.start.slice(0, 10)} ${this.clock.textContent}` : ''
  }

  async open(start?: string): Promise<void> {
    this.on = true
    this.form.hidden = false
    if (start) this.form.querySelector<HTMLInputElement>('[name=start]')!.value = start
    await this.load()
  }

  close(): void {
    this.on = false
    this.form.hidden = true
    this.pause()
    this.changed(undefined)
  }

  async load(): Promise<void> {
    this.pause()
    this.tracks = {}
    for (const spec of this.specs.filter((one) => one.replay && this.shown()[one.id])) {
      const answer = await fetch(asked(spec.replay, undefined, { start: this.start, minutes: '60' })).catch(() => undefined)
      if (!answer?.ok) continue
      const body = (await answer.json()) as { start: number; end: number; tracks: Track[] }
      this.begin = body.start
      this.tracks[spec.id] = body.tracks
    }
    this.slider.max = String(Math.max(60, Math.min(3600, Math.floor(now() / 1000 - this.begin))))
    const times = Object.values(this.tracks).flat().flatMap((track) => [track.at[0] ?? Infinity])
    this.slider.value = String(times.length ? Math.max(0, Math.floor(Math.min(...times) - this.begin) + 1) : 0)
    this.form.dataset.tracks = String(times.length)
    this.draw()
  }

  private draw(): void {
    const second = this.begin + Number(this.slider.value)
    const past = Object.fromEntries(Object.entries(this.tracks).map(([id, tracks]) => [id, moment(tracks, second, this.shown()[id]?.only ?? {})]))
    const time = new Date(second * 1000).toLocaleTimeString(document.documentElement.lang, { timeZone: this.form.dataset.zone, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
    const some = Object.values(this.tracks).some((tracks) => tracks.length)
    this.clock.textContent = some ? time : (this.words.noReplay ?? '')
    this.slider.setAttribute('aria-valuetext', say(this.words.replaying, { time }))
    this.changed(past)
  }

  private play(): void {
    this.button.textContent = this.words.pause ?? ''
    const step = (): void => {
      const speed = Number(this.form.querySelector<HTMLSelectElement>('[name=speed]')!.value)
      const next = Number(this.slider.value) + speed / 10
      if (next >= Number(this.slider.max)) return this.pause()
      this.slider.value = String(next)
      this.draw()
    }
    this.playing = window.setInterval(step, 100)
  }

  private pause(): void {
    clearInterval(this.playing)
    this.playing = 0
    this.button.textContent = this.words.play ?? ''
  }
}
