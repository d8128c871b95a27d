import { now as cityNow } from '../../shell/clock'

/** What the city says of a vehicle; the table and the map take the same features. */
export interface Vehicle {
  vehicle: string
  line: string
  headsign: string
  states: string
  level: string
  delay_s: number | null
  speed_kmh: number | null
  at: number
  fix: number
  occupancy: number | null
  next_stop: string
  hold_s: number | null
  url: string
  id: string
  route: string
  trip: string
  gone?: boolean
}

interface Names {
  rules: Record<string, string>
  fixes: Record<string, string>
  occupancy: Record<string, string>
  levels: Record<string, string>
  hold: string
  go: string
  stale: string
}

export type Key = 'vehicle' | 'line' | 'level' | 'delay' | 'speed' | 'age'
const UNHEARD_S = 30
/** Not heard for longer, a vehicle is not counted as on the road. */
const STALE_S = 600
const LEVELS = ['bad', 'warn', 'ok', 'off']

/** Seconds late as signed minutes. */
export function minutes(seconds: number | null): string {
  if (seconds === null) return '–'
  const whole = Math.round(seconds / 60)
  return `${whole < 0 ? '−' : '+'}${Math.abs(whole)}`
}

/** Whether what is known of a vehicle is too old to say that it is on the road; both in seconds since 1970. */
export const isStale = (at: number, now: number): boolean => now - at >= STALE_S

/** What a press in a late vehicle's row is about. Who was about to cancel a trip is not to cancel the one after it. */
export function aim(form: HTMLFormElement, vehicle: Pick<Vehicle, 'vehicle' | 'trip'>): void {
  const trip = form.querySelector<HTMLInputElement>('[name=trip]')!
  if (trip.value !== vehicle.trip) form.querySelector('details')?.removeAttribute('open')
  trip.value = vehicle.trip
  form.querySelector<HTMLInputElement>('[name=vehicle]')!.value = vehicle.vehicle
}

/** Orders vehicles by what their rows say; what is not known comes last, and equal ones by line and vehicle. */
export function compare(a: DOMStringMap, b: DOMStringMap, key: Key, down: boolean): number {
  const sign = down ? -1 : 1
  const tie = text(a.line, b.line) || text(a.vehicle, b.vehicle)
  if (key === 'vehicle' || key === 'line') return sign * text(a[key], b[key]) || tie
  if (key === 'level') return sign * (LEVELS.indexOf(a.level ?? '') - LEVELS.indexOf(b.level ?? '')) || tie
  const [one, other] = key === 'age' ? [b.at, a.at] : [a[key], b[key]]
  if (!one || !other) return one ? -1 : other ? 1 : tie
  return sign * (Number(one) - Number(other)) || tie
}

function text(a = '', b = ''): number {
  return a.localeCompare(b, undefined, { numeric: true })
}

/** Whether a row is shown under the filters. */
export function matches(row: DOMStringMap, state: string, line: string, words: string): boolean {
  const states = (row.states ?? '').split(' ')
  if (state && !states.includes(state) && row.level !== state) return false
  if (line && row.line !== line) return false
  const said = `${row.vehicle} ${row.line} ${row.headsign}`.toLowerCase()
  return said.includes(words.trim().toLowerCase())
}

/** The fleet room's table: rows change as the fleet does, and stay sorted and filtered. */
class FleetTable {
  private body: HTMLTableSectionElement
  private form: HTMLFormElement
  private names: Names
  private key: Key = 'level'
  private down = false
  private waiting = 0

  constructor(private root: HTMLElement) {
    this.body = root.querySelector('tbody')!
    this.form = root.querySelector('[data-filter]')!
    this.names = JSON.parse(document.getElementById('fleet-names')?.textContent ?? '{}') as Names
    this.form.addEventListener('input', () => this.filter())
    this.form.addEventListener('submit', (event) => event.preventDefault())
    root.querySelectorAll<HTMLButtonElement>('[data-sort]').forEach((button) => {
      button.addEventListener('click', () => this.sortBy(button))
    })
    document.addEventListener('keydown', (event) => this.pressed(event))
    setInterval(() => this.tick(), 1000)
    this.listen()
    this.filter()
  }

  private rows(): HTMLTableRowElement[] {
    return [...this.body.rows]
  }

  private listen(): void {
    const said = this.root.querySelector<HTMLElement>('[data-connection]')!
    const events = new EventSource(this.root.dataset.live!)
    events.addEventListener('open', () => {
      this.root.dataset.open = '1'
      said.textContent = ''
      void this.load()
    })
    events.addEventListener('error', () => (said.textContent = said.dataset.lost ?? ''))
    events.addEventListener('message', (event) => this.take(JSON.parse(event.data as string) as GeoJSON.Feature[]))
    events.addEventListener('reset', () => void this.load())
    addEventListener('pagehide', () => events.close())
  }

  /** Everything anew: what changed before the stream was open, or was lost, is in it. */
  private async load(): Promise<void> {
    const answer = await fetch(this.root.dataset.source!, { cache: 'no-store' })
    if (!answer.ok) return
    const { features } = (await answer.json()) as GeoJSON.FeatureCollection
    const there = new Set(features.map((feature) => String(feature.id)))
    for (const row of this.rows()) if (!there.has(row.dataset.vehicle ?? '')) row.remove()
    this.take(features)
  }

  private take(features: GeoJSON.Feature[]): void {
    for (const feature of features) {
      const vehicle = feature.properties as unknown as Vehicle
      const row = this.rows().find((one) => one.dataset.vehicle === vehicle.id)
      if (vehicle.gone) row?.remove()
      else this.show(row ?? this.add(), vehicle)
    }
    // Rows move at most once a second, so that nobody clicks on one that has just gone.
    if (!this.waiting) this.waiting = window.setTimeout(() => ((this.waiting = 0), this.sort(), this.filter()), 1000)
  }

  private add(): HTMLTableRowElement {
    const template = this.root.querySelector<HTMLTemplateElement>('template[data-row]')!
    const row = template.content.querySelector('tr')!.cloneNode(true) as HTMLTableRowElement
    this.body.append(row)
    return row
  }

  private show(row: HTMLTableRowElement, vehicle: Vehicle): void {
    const before = new Set((row.dataset.states ?? '').split(' '))
    if (row.dataset.vehicle) this.tell(vehicle, before)
    if (isStale(vehicle.at, cityNow() / 1000)) row.dataset.stale = '1'
    else delete row.dataset.stale
    Object.assign(row.dataset, {
      vehicle: vehicle.vehicle, level: vehicle.level, states: vehicle.states, line: vehicle.line, headsign: vehicle.headsign,
      delay: vehicle.delay_s ?? '', speed: vehicle.speed_kmh ?? '', at: vehicle.at,
    })
    const cell = (name: string): HTMLElement => row.querySelector(`[data-cell="${name}"]`)!
    const write = (name: string, said: string): void => {
      if (cell(name).textContent !== said) cell(name).textContent = said
    }
    cell('vehicle').setAttribute('href', vehicle.url)
    write('vehicle', vehicle.vehicle)
    write('line', vehicle.line)
    write('headsign', vehicle.headsign)
    write('delay', minutes(vehicle.delay_s))
    write('speed', vehicle.speed_kmh === null ? '–' : String(vehicle.speed_kmh))
    write('next', vehicle.next_stop)
    write('occupancy', this.names.occupancy[String(vehicle.occupancy)] ?? '')
    write('fix', this.names.fixes[String(vehicle.fix)] ?? '')
    this.badges(cell('states'), vehicle)
    const acts = row.querySelector<HTMLFormElement>('[data-acts]')
    if (!acts) return
    acts.hidden = !vehicle.states.split(' ').includes('late') || isStale(vehicle.at, cityNow() / 1000)
    aim(acts, vehicle)
  }

  private badges(cell: HTMLElement, vehicle: Vehicle): void {
    const states = vehicle.states.split(' ').filter(Boolean)
    const hold = vehicle.hold_s === null ? '' : vehicle.hold_s > 0 ? this.names.hold.replace('%s', String(vehicle.hold_s)) : this.names.go
    const badges = states.map((state) => this.badge(this.names.rules[state] ?? state, this.names.levels[state] ?? 'warn'))
    if (isStale(vehicle.at, cityNow() / 1000)) badges.unshift(this.badge(this.names.stale, ''))
    if (hold) badges.push(this.badge(hold, ''))
    cell.replaceChildren(...badges.flatMap((badge) => [badge, ' ']))
  }

  private badge(said: string, level: string): HTMLElement {
    const badge = document.createElement('span')
    badge.className = level ? `badge badge-${level}` : 'badge'
    badge.textContent = said
    return badge
  }

  /** Says what has begun and is bad, for who does not look at the table. */
  private tell(vehicle: Vehicle, before: Set<string>): void {
    const begun = vehicle.states.split(' ').filter((state) => state && !before.has(state) && this.names.levels[state] === 'bad')
    if (!begun.length) return
    const said = begun.map((state) => this.names.rules[state]).join(', ')
    this.root.querySelector('[data-news]')!.textContent = `${vehicle.vehicle}: ${said}`
  }

  private sortBy(button: HTMLButtonElement): void {
    const key = button.dataset.sort as Key
    this.down = this.key === key && !this.down
    this.key = key
    this.root.querySelectorAll('th[aria-sort]').forEach((head) => head.setAttribute('aria-sort', 'none'))
    button.closest('th')!.setAttribute('aria-sort', this.down ? 'descending' : 'ascending')
    this.sort()
  }

  private sort(): void {
    const rows = this.rows()
    const wanted = [...rows].sort((a, b) => compare(a.dataset, b.dataset, this.key, this.down))
    if (wanted.every((row, place) => row === rows[place])) return
    const focused = document.activeElement as HTMLElement | null
    this.body.append(...wanted)
    if (focused && this.body.contains(focused)) focused.focus({ preventScroll: true })
  }

  /** A line whose first vehicle has come out since the page was loaded can be chosen too. */
  private offer(): void {
    const select = this.form.querySelector<HTMLSelectElement>('[name="line"]')!
    const known = new Set([...select.options].map((option) => option.value))
    for (const row of this.rows()) {
      const line = row.dataset.line ?? ''
      if (known.has(line)) continue
      known.add(line)
      const before = [...select.options].slice(1).find((option) => text(line, option.value) < 0)
      select.add(new Option(line, line), before ?? null)
    }
  }

  private filter(): void {
    this.offer()
    const values = new FormData(this.form)
    const [state, line, words] = ['state', 'line', 'q'].map((name) => String(values.get(name) ?? ''))
    const counts: Record<string, number> = { '': 0 }
    let shown = 0
    let well = true
    for (const row of this.rows()) {
      row.hidden = !matches(row.dataset, state!, line!, words!)
      if (!row.hidden) shown++
      // What was not heard for long is shown for what is open of it, and is not on the road.
      if (!isStale(Number(row.dataset.at), cityNow() / 1000)) counts['']!++
      well &&= row.dataset.level === 'ok' || row.dataset.level === 'off'
      for (const one of (row.dataset.states ?? '').split(' ')) if (one) counts[one] = (counts[one] ?? 0) + 1
    }
    this.root.querySelectorAll<HTMLElement>('[data-count]').forEach((place) => {
      const count = counts[place.dataset.count ?? ''] ?? 0
      place.textContent = String(count)
      place.closest('.chip')!.classList.toggle('chip-none', count === 0)
    })
    this.root.querySelector<HTMLElement>('[data-well]')!.hidden = !well || !counts['']
    this.root.querySelector<HTMLElement>('[data-none]')!.hidden = shown > 0
  }

  private tick(): void {
    const now = cityNow() / 1000
    const rows = this.rows()
    const unheard = rows.filter((row) => now - Number(row.dataset.at) > UNHEARD_S).length
    this.root.querySelector<HTMLElement>('[data-deaf]')!.hidden = rows.length < 4 || unheard <= rows.length / 2
    for (const row of rows) {
      const age = row.querySelector('[data-cell="age"]')!
      const said = String(Math.max(0, Math.round(now - Number(row.dataset.at))))
      if (age.textContent !== said) age.textContent = said
      if (isStale(Number(row.dataset.at), now) && !row.dataset.stale) this.grownOld(row)
    }
  }

  /** Marks a row that nothing has come for; the next message of the vehicle takes the mark away. */
  private grownOld(row: HTMLTableRowElement): void {
    row.dataset.stale = '1'
    row.querySelector('[data-cell="states"]')!.prepend(this.badge(this.names.stale, ''), ' ')
    this.filter()
  }

  private pressed(event: KeyboardEvent): void {
    const target = event.target as HTMLElement
    const field = this.form.querySelector<HTMLInputElement>('[type="search"]')!
    if (event.key === '/' && !target.matches('input, select, textarea')) {
      event.preventDefault()
      field.focus()
    } else if (event.key === 'Escape' && target === field) {
      field.value = ''
      this.filter()
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (target !== field && !this.body.contains(target)) return
      event.preventDefault()
      const links = this.rows().filter((row) => !row.hidden).map((row) => row.querySelector('a')!)
      const place = links.indexOf(target as HTMLAnchorElement) + (event.key === 'ArrowDown' ? 1 : -1)
      if (place < 0) field.focus()
      else links[Math.min(place, links.length - 1)]?.focus()
    }
  }
}

/** Wakes the fleet room's table. */
export function startFleet(root: HTMLElement): void {
  new FleetTable(root)
}
