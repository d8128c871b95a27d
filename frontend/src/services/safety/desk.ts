/** The control desk: the queue with its clocks, by keys, and the alert that is being worked on beside it. */
import type { CityMap } from '../../map/map'
import { Listening } from './listen'
import { Live, type Beat, type People } from './live'
import { Queue, type Row } from './model'
import { showClocks, showRow, type Seen } from './rows'
import { AGAIN_MS, Sound, at } from './sound'
import { Panel } from './panel'

/** So many of each part of the queue are shown; of the others it is said how many they are. */
const MOST = 100
/** The list is drawn anew at most so often. */
const DRAW_MS = 200
const KEYS_NAME = 'safety-keys'

export function startDesk(root: HTMLElement): void {
  if (root.dataset.awake) return
  root.dataset.awake = '1'
  new Desk(root)
}

class Desk {
  private readonly queue = new Queue()
  private readonly sound = new Sound()
  private readonly me: number
  private readonly words: Seen['words']
  private readonly panel: Panel
  private readonly items = new Map<number, HTMLElement>()
  private people: People = {}
  private skew = 0
  private at: number | undefined
  private shown: number[] = []
  private drawing = 0
  private rung = 0
  private readonly title = document.title

  constructor(private readonly root: HTMLElement) {
    this.me = Number(root.dataset.me)
    this.words = JSON.parse(document.getElementById('alert-words')!.textContent!) as Seen['words']
    const token = root.querySelector<HTMLInputElement>('[name=csrfmiddlewaretoken]')?.value ?? ''
    const listening = new Listening(this.field('voice-bar'), root.dataset.alerts!, token, (text) => this.say(text))
    this.panel = new Panel(document.querySelector<HTMLElement>('[data-alert-panel]')!, root.dataset.alerts!, token, {
      said: (text) => this.say(text),
      changed: (row) => this.took([row]),
      closed: () => this.linkOf(this.at)?.focus(),
      talked: (id, part) => listening.sync(id, part),
    })
    this.wakeShift()
    this.wakeKeys()
    const { queue = '', here = '', live = '' } = root.dataset
    new Live({ queue, here, live, token }, this.queue, {
      changed: (fresh) => this.changed(fresh),
      beat: (beat) => this.beat(beat),
      live: (is) => this.isLive(is),
      tick: () => this.tick(),
    }).start()
  }

  private field<T extends HTMLElement = HTMLElement>(name: string): T {
    return this.root.querySelector<T>(`[data-${name}]`)!
  }

  private get now(): number {
    return Date.now() + this.skew
  }

  private readonly isSilent = (owner: number | null): boolean => owner === null || (owner !== this.me && (this.people[owner]?.silent ?? true))
  private readonly nameOf = (owner: number | null): string => (owner === null ? '' : (this.people[owner]?.name ?? '–'))

  private isLive(is: boolean): void {
    const banner = this.field('not-live')
    if (banner.hidden !== is) banner.hidden = is
  }

  private beat({ now, people, shift, handed }: Beat): void {
    this.skew = now - Date.now()
    const before = JSON.stringify(this.people)
    this.people = people
    if (JSON.stringify(people) !== before) this.draw()
    if (handed !== undefined) this.field('handed').hidden = !handed || handed === Number(this.root.dataset.left)
    // Somebody has ended it elsewhere, or begun it.
    if (shift !== undefined && shift !== ('shift' in this.root.dataset)) location.reload()
  }

  private took(rows: Row[]): void {
    this.changed(this.queue.take(rows))
  }

  private changed(fresh: Row[] | undefined): void {
    // What the page came with gives way to what the screen keeps itself.
    this.root.querySelectorAll('[data-alert]').forEach((one) => one.remove())
    if (fresh?.length) this.announce(fresh.filter((one) => one.state === 'waiting'))
    const opened = this.panel.shows
    if (opened !== undefined) this.panel.look(this.queue.rows.get(opened)?.version)
    this.draw()
  }

  /** What is new is read out once, and its sound begins at once. */
  private announce(fresh: Row[]): void {
    if (!fresh.length) return
    const said = this.field('new')
    const one = fresh[0]!
    said.textContent =
      fresh.length === 1
        ? (said.dataset.one ?? '').replace('{}', `${this.words.kinds[one.kind] ?? one.kind} · ${one.place || '–'}`)
        : (said.dataset.many ?? '').replace('{}', String(fresh.length))
    this.rung = 0
  }

  private draw(): void {
    if (!this.drawing) this.drawing = window.setTimeout(() => ((this.drawing = 0), this.list()), DRAW_MS)
  }

  private list(): void {
    const seen: Seen = { now: this.now, me: this.me, nameOf: this.nameOf, isSilent: this.isSilent, words: this.words }
    const parts = this.queue.ordered(this.me, this.isSilent)
    this.shown = []
    const kept = new Set<number>()
    for (const [name, rows] of Object.entries(parts)) {
      const part = this.root.querySelector<HTMLElement>(`[data-part="${name}"]`)!
      const list = part.querySelector('ol')!
      part.hidden = rows.length === 0
      const items = rows.slice(0, MOST).map((row) => {
        const item = this.items.get(row.id) ?? this.add(row.id)
        showRow(item, row, seen)
        kept.add(row.id)
        this.shown.push(row.id)
        return item
      })
      inOrder(list, items)
      const more = part.querySelector<HTMLElement>('[data-more]')!
      more.hidden = rows.length <= MOST
      more.textContent = (more.dataset.more ?? '').replace('{}', String(rows.length - MOST))
      part.querySelector('[data-count]')!.textContent = String(rows.length)
    }
    for (const [id, item] of this.items) {
      if (kept.has(id)) continue
      item.remove()
      this.items.delete(id)
    }
    this.field('none').hidden = this.queue.rows.size > 0
    document.title = parts.waiting.length ? `(${parts.waiting.length}) ${this.title}` : this.title
    this.choose()
  }

  private add(id: number): HTMLElement {
    const template = this.field<HTMLTemplateElement>('row-template')
    const item = template.content.firstElementChild!.cloneNode(true) as HTMLElement
    const link = item.querySelector('a')!
    link.href = `${this.root.dataset.alerts}${id}/`
    link.addEventListener('focus', () => {
      this.at = id
      this.choose()
    })
    link.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return
      event.preventDefault()
      void this.open(id)
    })
    this.items.set(id, item)
    return item
  }

  private linkOf(id: number | undefined): HTMLAnchorElement | null {
    return id === undefined ? null : (this.items.get(id)?.querySelector('a') ?? null)
  }

  private choose(): void {
    for (const [id, item] of this.items) {
      if (id === this.at) item.dataset.chosen = ''
      else delete item.dataset.chosen
    }
  }

  private tick(): void {
    const now = this.now
    for (const [id, item] of this.items) {
      const row = this.queue.rows.get(id)
      if (row) showClocks(item, row, now)
    }
    const waiting = [...this.queue.rows.values()].filter((one) => one.state === 'waiting')
    const level = waiting.reduce((most, one) => Math.max(most, one.level), 0)
    const on = 'shift' in this.root.dataset
    this.field('sound-off').hidden = !on || !this.sound.off
    if (!on || !waiting.length || performance.now() - this.rung < at(AGAIN_MS, level)) return
    this.rung = performance.now()
    this.sound.ring(level)
  }

  /** A shift begins once the test sound was played and somebody says that they heard it. */
  private wakeShift(): void {
    const wake = (): void => void this.sound.wake()
    if ('shift' in this.root.dataset) ['pointerdown', 'keydown'].forEach((name) => document.addEventListener(name, wake))
    const form = this.root.querySelector<HTMLFormElement>('form[data-begin]')
    const play = form?.querySelector<HTMLButtonElement>('[data-test-sound]')
    play?.addEventListener('click', () => {
      void this.sound.test().then((played) => {
        form!.querySelector<HTMLElement>('[data-no-sound]')!.hidden = played
        const heard = form!.querySelector<HTMLInputElement>('[name=heard]')!
        heard.disabled = !played
        form!.querySelector<HTMLButtonElement>('[data-begin-shift]')!.disabled = !played
        if (played) heard.focus()
      })
    })
  }

  private wakeKeys(): void {
    const on = this.field<HTMLInputElement>('keys')
    try {
      on.checked = localStorage.getItem(KEYS_NAME) !== 'off'
    } catch {
      // They are on.
    }
    on.addEventListener('change', () => {
      try {
        localStorage.setItem(KEYS_NAME, on.checked ? 'on' : 'off')
      } catch {
        // It is kept for this page.
      }
    })
    document.addEventListener('keydown', (event) => {
      const typing = (event.target as HTMLElement).matches('input:not([type=checkbox]):not([type=radio]), select, textarea, [contenteditable]')
      if (event.ctrlKey || event.metaKey || event.altKey || (typing && event.key !== 'Escape')) return
      if (event.key === 'Escape' ? this.panel.close() : on.checked && !event.repeat && this.key(event.key.toLowerCase())) event.preventDefault()
    })
  }

  /** Does what a key stands for; gives whether it stands for something. */
  private key(key: string): boolean {
    if (/^[1-9]$/.test(key)) return this.panel.choose(Number(key))
    const chosen = this.panel.shows ?? this.at
    const does: Record<string, () => void> = {
      j: () => this.go(1),
      k: () => this.go(-1),
      a: () => void this.answer(),
      o: () => chosen !== undefined && void this.open(this.at ?? chosen),
      s: () => chosen !== undefined && void this.panel.act(chosen, 'send', true),
      t: () => void this.takeOver(),
      c: () => chosen !== undefined && void this.panel.reach(chosen, '[name=outcome]'),
      p: () => chosen !== undefined && void this.panel.reach(chosen, '#split-kind'),
      w: () => chosen !== undefined && void this.panel.reach(chosen, '#reply'),
      n: () => chosen !== undefined && void this.panel.reach(chosen, '#note'),
    }
    does[key]?.()
    return key in does
  }

  private go(by: number): void {
    const from = this.at === undefined ? -1 : this.shown.indexOf(this.at)
    const next = this.shown[Math.max(0, Math.min(this.shown.length - 1, from + by))]
    const link = this.linkOf(next)
    link?.focus()
    link?.scrollIntoView({ block: 'nearest' })
    if (next !== undefined) this.show(next)
  }

  /** The chosen one if it waits, else what has waited longest. */
  private async answer(): Promise<void> {
    const waits = (id: number | undefined): boolean => id !== undefined && this.queue.rows.get(id)?.state === 'waiting'
    const first = this.queue.ordered(this.me, () => false).waiting[0]?.id
    const id = waits(this.at) ? this.at : waits(this.panel.shows) ? this.panel.shows : first
    if (id === undefined) return this.say(this.root.dataset.noneWaits ?? '')
    this.at = id
    this.choose()
    this.show(id)
    await this.panel.act(id, 'answer', true)
  }

  private async takeOver(): Promise<void> {
    const id = this.at ?? this.panel.shows
    if (id !== undefined) await this.panel.act(id, 'take-over', true)
  }

  private async open(id: number): Promise<void> {
    this.at = id
    this.choose()
    this.show(id)
    await this.panel.open(id)
  }

  private show(id: number): void {
    const row = this.queue.rows.get(id)
    if (!row || row.lon === null || row.lat === null) return
    const { lon, lat } = row
    void customElements.whenDefined('city-map').then(() => {
      const map = document.querySelector<CityMap>('city-map')
      map?.mark?.('to', lon, lat)
      map?.map?.easeTo({ center: [lon, lat], zoom: Math.max(14, map.map.getZoom()) })
    })
  }

  private say(text: string): void {
    const said = this.field('said')
    said.hidden = text === ''
    said.querySelector('span')!.textContent = text
  }
}

/** Puts the items into the list in this order, and moves none that stands where it should: focus stays in it. */
function inOrder(list: Element, items: HTMLElement[]): void {
  const focused = document.activeElement
  items.forEach((item, place) => {
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null)
  })
  if (focused instanceof HTMLElement && focused !== document.activeElement && list.contains(focused)) focused.focus({ preventScroll: true })
}
