/** The map page: the panel's choices on the map, counts and charts that follow the view, and all that one does with it. */
import { ramp } from '../../map/draw'
import '../../map/map'
import type { CityMap } from '../../map/map'
import { now } from '../../shell/clock'
import { lighten } from '../../shell/theme'
import { charts, key, withChosen, type Facet } from './charts'
import { Compare } from './compare'
import { PeriodForm } from './period'
import { keep, picture, sheet, type Caption } from './picture'
import { Replay } from './replay'
import { startScreen, ownScenes } from './screen'
import { asked, data, decode, encode, say, usual, type Drawing, type LayerSpec, type OutsideSpec, type Selected, type Shown, type Side, type State, type Words } from './spec'
import { LayerTable } from './table'
import { startViews } from './views'

const SOON_MS = 250
const LIVE_MS = 5_000
const SETTLED_MS = 6_000

class OneMap {
  private sides: Record<Side, Selected> = { left: { layers: {}, outside: [] }, right: { layers: {}, outside: [] } }
  private focus: string | undefined
  private replay: Replay
  private compare: Compare
  private period: PeriodForm
  private table: LayerTable
  private soon = 0
  private asking: AbortController | undefined

  constructor(
    private root: HTMLElement,
    private city: CityMap,
    private specs: LayerSpec[],
    private outsides: OutsideSpec[],
    private words: Words,
    state: State,
  ) {
    this.replay = new Replay(root, specs, words, () => ({ ...this.sides.right.layers, ...this.sides.left.layers }), (past) => {
      this.city.replay(past)
      this.compare.right?.replay(past)
    })
    this.compare = new Compare(root, city, () => this.turned(), () => this.changed())
    this.period = new PeriodForm(root, specs, words, () => this.changed())
    this.table = new LayerTable(root, words, (place) => this.city.map.flyTo({ center: place, zoom: 16 }))
    this.wake()
    this.apply(state)
    this.city.map.on('moveend', () => this.changed())
    city.addEventListener('silent', (event) => this.tell(say(words.silent, { name: (event as CustomEvent<string>).detail })))
    setInterval(() => this.count(true), LIVE_MS)
  }

  /** The layers that the panel's choices are for: of the map on the left, or of the one on the right. */
  private get shown(): Record<string, Shown> {
    return this.sides[this.compare.side].layers
  }

  get state(): State {
    const { map } = this.city
    const { left, right } = this.sides
    const period = this.period.state
    const center = map.getCenter()
    return {
      center: [Number(center.lng.toFixed(5)), Number(center.lat.toFixed(5))],
      zoom: Number(map.getZoom().toFixed(2)),
      layers: left.layers,
      ...(left.outside.length ? { outside: left.outside } : {}),
      ...(this.compare.on ? { compare: { right: right.layers, ...(right.outside.length ? { outside: right.outside } : {}), at: this.compare.at } } : {}),
      ...(period ? { period } : {}),
      ...(this.replay.on ? { start: this.replay.start } : {}),
    }
  }

  /** Arranges everything as a state says; what the state does not know stays as the layers want it. */
  apply(state: State): void {
    const visible = Object.fromEntries(this.specs.filter((spec) => spec.visible).map((spec) => [spec.id, usual(spec)]))
    this.sides.left = this.selected(state.layers ?? visible, state.outside)
    this.sides.right = this.selected(state.compare?.right ?? this.second(), state.compare?.outside)
    if (state.center) this.city.map.jumpTo({ center: state.center, zoom: state.zoom ?? this.city.map.getZoom() })
    this.mode('compare', Boolean(state.compare), () => this.compare.open(state.compare?.at), () => this.compare.close())
    this.mode('period', Boolean(state.period), () => this.period.open(state.period), () => this.period.close())
    this.turned()
    if (state.start) this.mode('replay', true, () => void this.replay.open(state.start), () => this.replay.close())
  }

  /** What of a state's layers there is. */
  private selected(layers: Record<string, Shown>, outside: string[] = []): Selected {
    const known = this.specs.filter((spec) => layers[spec.id])
    return {
      layers: Object.fromEntries(known.map((spec) => [spec.id, { ...usual(spec), ...layers[spec.id] }])),
      outside: outside.filter((id) => this.outsides.some((one) => one.id === id)),
    }
  }

  /** What the right map begins with: where there is most of something, beside what is there now. */
  private second(): Record<string, Shown> {
    const spec = this.specs.find((one) => one.kind === 'point' && !one.live)
    return spec ? { [spec.id]: { as: 'heat', only: {} } } : {}
  }

  /** The panel shows the choices of the other map. */
  private turned(): void {
    for (const spec of this.specs) this.row(spec.id, (row) => {
      row.querySelector<HTMLInputElement>('[data-on]')!.checked = Boolean(this.shown[spec.id])
      const as = row.querySelector<HTMLSelectElement>('[data-as]')
      if (as) as.value = this.shown[spec.id]?.as ?? usual(spec).as
    })
    for (const box of this.root.querySelectorAll<HTMLInputElement>('[data-outside]')) box.checked = this.sides[this.compare.side].outside.includes(box.value)
    this.changed()
  }

  private row(id: string, work: (row: HTMLElement) => void): void {
    const found = this.root.querySelector<HTMLElement>(`[data-layer="${id}"]`)
    if (found) work(found)
  }

  private wake(): void {
    for (const spec of this.specs) this.row(spec.id, (row) => this.wakeRow(spec, row))
    for (const box of this.root.querySelectorAll<HTMLInputElement>('[data-outside]')) {
      box.addEventListener('change', () => {
        const side = this.sides[this.compare.side]
        side.outside = box.checked ? [...side.outside, box.value] : side.outside.filter((id) => id !== box.value)
        this.changed()
      })
    }
    this.press('compare', (on) => {
      if (on) this.compare.open()
      else this.compare.close()
      this.turned()
    })
    this.press('period', (on) => (on ? this.period.open() : this.period.close()))
    this.press('replay', (on) => (on ? void this.replay.open() : this.replay.close()))
    this.root.querySelector('[data-act=table]')?.addEventListener('click', () => this.openTable())
    this.root.querySelector('[data-act=png]')?.addEventListener('click', () => void picture(this.maps, this.caption).then((blob) => keep(blob, `${this.words.city} ${new Date(now()).toISOString().slice(0, 16)}.png`)))
    this.root.querySelector('[data-act=print]')?.addEventListener('click', () => void this.print())
    addEventListener('beforeprint', () => sheet(this.root.querySelector<HTMLElement>('[data-print]')!, this.maps, this.caption))
    this.root.querySelector('[data-act=share]')?.addEventListener('click', () => void navigator.clipboard?.writeText(location.href).then(() => this.tell(this.words.copied)))
    document.addEventListener('keydown', (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'p') {
        event.preventDefault()
        void this.print()
      }
      const typing = (event.target as HTMLElement).closest('input:not([type=checkbox]):not([type=range]):not([type=radio]), select, textarea, dialog')
      if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && event.key.toLowerCase() === 't') this.openTable()
    })
    startViews(this.root, this.words, () => this.state, (text) => this.tell(text))
    // Until now a press would have been lost.
    this.root.querySelectorAll<HTMLButtonElement>('[data-act]').forEach((button) => (button.disabled = false))
  }

  private wakeRow(spec: LayerSpec, row: HTMLElement): void {
    row.addEventListener('focusin', () => (this.focus = spec.id))
    row.querySelector<HTMLInputElement>('[data-on]')!.addEventListener('change', (event) => {
      if ((event.target as HTMLInputElement).checked) this.shown[spec.id] = { ...usual(spec), as: (row.querySelector<HTMLSelectElement>('[data-as]')?.value as Drawing) ?? 'points' }
      else delete this.shown[spec.id]
      this.changed()
      if (this.replay.on) void this.replay.load()
    })
    row.querySelector<HTMLSelectElement>('[data-as]')?.addEventListener('change', (event) => {
      const only = this.shown[spec.id]?.only ?? {}
      this.shown[spec.id] = { as: (event.target as HTMLSelectElement).value as Drawing, only }
      row.querySelector<HTMLInputElement>('[data-on]')!.checked = true
      this.changed()
    })
    const open = row.querySelector<HTMLButtonElement>('[data-open]')!
    open.addEventListener('click', () => {
      const detail = row.querySelector<HTMLElement>('[data-detail]')!
      detail.hidden = !detail.hidden
      open.setAttribute('aria-expanded', String(!detail.hidden))
      this.count()
    })
    row.querySelector('[data-table]')!.addEventListener('click', () => void this.table.open(spec, this.seen[spec.id], this.city.bbox()))
  }

  private press(name: string, work: (on: boolean) => void): void {
    const button = this.root.querySelector<HTMLButtonElement>(`[data-act=${name}]`)
    button?.addEventListener('click', () => {
      const on = button.getAttribute('aria-pressed') !== 'true'
      button.setAttribute('aria-pressed', String(on))
      work(on)
      this.changed()
    })
  }

  private mode(name: string, on: boolean, open: () => void, close: () => void): void {
    this.root.querySelector(`[data-act=${name}]`)?.setAttribute('aria-pressed', String(on))
    if (on) open()
    else close()
  }

  private openTable(): void {
    const on = Object.keys(this.shown)
    const id = this.focus && on.includes(this.focus) ? this.focus : (on.find((one) => this.specs.find((spec) => spec.id === one)?.live) ?? on[0])
    const spec = this.specs.find((one) => one.id === id)
    if (spec) void this.table.open(spec, this.seen[spec.id], this.city.bbox())
  }

  /** The same as they are asked for: with the period. */
  private get seen(): Record<string, Shown> {
    return this.period.apply(this.shown)
  }

  private changed(): void {
    const { left, right } = this.sides
    for (const spec of this.specs) this.row(spec.id, (row) => this.keys(spec, row))
    this.city.show(this.period.apply(left.layers), left.outside)
    this.compare.right?.show(this.period.apply(right.layers), right.outside)
    clearTimeout(this.soon)
    this.soon = window.setTimeout(() => {
      history.replaceState(history.state, '', `#${encode(this.state)}`)
      this.count()
    }, SOON_MS)
  }

  /** The colours of a layer: in a comparison each map's by itself, unless both draw it alike. */
  private keys(spec: LayerSpec, row: HTMLElement): void {
    const [left, right] = [this.sides.left.layers[spec.id], this.compare.on ? this.sides.right.layers[spec.id] : undefined]
    const alike = left?.as === right?.as
    const named = this.compare.on && !alike
    key(row.querySelector<HTMLElement>('[data-key=left]')!, spec, left, this.words, named ? this.words.left : '')
    key(row.querySelector<HTMLElement>('[data-key=right]')!, spec, alike ? undefined : right, this.words, named ? this.words.right : '')
  }

  /** Counts what the view holds of each layer that is on; charts too where its part is open. */
  private count(live = false): void {
    if (document.hidden) return
    if (!live) {
      this.asking?.abort()
      this.asking = new AbortController()
    }
    const bbox = this.city.bbox()
    const seen = this.seen
    if (!live) void this.period.ask(this.shown, bbox)
    for (const spec of this.specs) {
      this.row(spec.id, (row) => {
        const shown = seen[spec.id]
        const place = row.querySelector<HTMLElement>('[data-count]')!
        if (!shown) return void (place.textContent = '')
        if (live && !spec.live) return
        const open = !row.querySelector<HTMLElement>('[data-detail]')!.hidden
        void fetch(asked(spec.summary, shown, { bbox, ...(open ? { facets: '1' } : {}) }), { signal: live ? null : this.asking!.signal })
          .then(async (answer) => {
            if (!answer.ok) return
            const body = (await answer.json()) as { count: number; facets?: Facet[] }
            place.textContent = body.count.toLocaleString(document.documentElement.lang)
            place.setAttribute('aria-label', `${body.count} ${this.words.inView}`)
            if (body.facets) charts(row.querySelector<HTMLElement>('[data-facets]')!, withChosen(body.facets, shown.only, spec.labels), shown.only, this.words, spec.values, (field, value) => this.choose(spec, field, value))
          })
          .catch(() => undefined)
      })
    }
    this.offline()
  }

  private offline(): void {
    const lost = this.city.lost
    const place = this.root.querySelector<HTMLElement>('[data-lost]')
    if (!place) return
    place.hidden = !lost
    if (lost) place.textContent = say(this.words.offline, { time: lost.toLocaleTimeString(document.documentElement.lang, { timeZone: this.root.dataset.zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }) })
  }

  private choose(spec: LayerSpec, field: string, value: string): void {
    const shown = this.shown[spec.id]
    if (!shown) return
    const values = shown.only[field] ?? []
    const now = values.includes(value) ? values.filter((one) => one !== value) : [...values, value]
    const only = { ...shown.only, [field]: now }
    if (!now.length) delete only[field]
    this.shown[spec.id] = { ...shown, only }
    this.changed()
  }

  private get maps(): { map: CityMap['map']; from: number }[] {
    const right = this.compare.right
    return [{ map: this.city.map, from: 0 }, ...(right ? [{ map: right.map, from: this.compare.at / 100 }] : [])]
  }

  /** What stands round a picture of the map: what is drawn and chosen, of when, and whose it is. */
  private get caption(): Caption {
    const { left, right } = this.sides
    const sides = this.compare.right ? [left, right] : [left]
    const names = [this.words.left, this.words.right]
    const legend = sides.flatMap((side, at) => this.specs.filter((spec) => side.layers[spec.id]).map((spec) => {
      const shown = side.layers[spec.id]!
      const chosen = Object.entries(shown.only).flatMap(([field, values]) => values.map((value) => spec.values[field]?.[value] ?? value))
      const name = `${sides.length > 1 ? `${names[at]}: ` : ''}${spec.name}${chosen.length ? ` (${chosen.join(', ')})` : ''}`
      return { name, colors: shown.as !== 'points' ? ramp() : spec.style.field && spec.style.colors?.length ? spec.style.colors : [spec.color] }
    }))
    const outsides = new Set(sides.flatMap((side) => side.outside))
    const whose = this.outsides.filter((one) => outsides.has(one.id)).map((one) => `${one.name}: ${one.attribution}`)
    const time = new Date(now()).toLocaleString(document.documentElement.lang, { timeZone: this.root.dataset.zone, dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' })
    const title = this.root.querySelector('#map-title')?.textContent ?? ''
    return { title: `${this.words.city} · ${title}`, legend, notes: [[this.period.text, this.replay.text].filter(Boolean).join(' · '), [time, this.root.dataset.attribution, ...whose].join(' · ')].filter(Boolean) }
  }

  /** Prints light, whatever the screen is: dark maps drink ink. */
  private async print(): Promise<void> {
    const dark = document.documentElement.dataset.theme === 'dark'
    const back = dark ? lighten() : undefined
    if (back) await Promise.all(this.maps.map(({ map }) => settled(map)))
    if (back) addEventListener('afterprint', back, { once: true })
    window.print()
  }

  private tell(text: string | undefined): void {
    this.root.querySelector('[data-status]')!.textContent = text ?? ''
  }
}

/** Waits until a map has drawn all of its new style, though not for ever: what moves may keep it from rest. */
function settled(map: CityMap['map']): Promise<void> {
  return new Promise((resolve) => {
    map.once('idle', () => resolve())
    setTimeout(resolve, SETTLED_MS)
  })
}

/** Wakes the page. */
export function startOneMap(root: HTMLElement): void {
  const city = root.querySelector<CityMap>('city-map')!
  const specs = data<LayerSpec[]>(city.getAttribute('layers')) ?? []
  const outsides = data<OutsideSpec[]>(city.getAttribute('outside')) ?? []
  const words = data<Words>(city.getAttribute('words')) ?? {}
  if (root.dataset.screen) {
    city.map.setZoom(city.map.getZoom() + Math.log2(Math.max(0.5, Math.min(innerWidth / 1280, innerHeight / 720))))
    const saved = data<{ name: string; state: State }[]>('map-cycle') ?? []
    startScreen(root, city, saved.length ? saved : ownScenes(specs), words)
    return
  }
  new OneMap(root, city, specs, outsides, words, decode(location.hash.slice(1)) ?? data<State>('map-state') ?? {})
}
