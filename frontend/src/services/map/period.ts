/** A range of time that what says when it happened is chosen by: how long back, cut by two sliders over a histogram. */
import { now } from '../../shell/clock'
import { part } from './charts'
import { asked, say, type LayerSpec, type Period, type Shown, type Words } from './spec'

export const BARS = 48
const MINUTE_S = 60
const YEAR_S = 365 * 86_400

/** The window's start and the width of a bar, in seconds. Starts at whole bars, so that many readers ask for the same. */
export function steps(period: Period, now: number): { start: number; step: number } {
  const step = period.span / BARS
  const end = period.end ?? Math.ceil(now / Math.max(MINUTE_S, step)) * Math.max(MINUTE_S, step)
  return { start: end - period.span, step }
}

function stamp(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}

/** The period as `datetime` takes it (OGC 17-069r4, 7.15.4); what goes on until now has an open end. */
export function during(period: Period, now: number): string {
  const { start, step } = steps(period, now)
  const last = period.to ?? BARS
  return `${stamp(start + (period.from ?? 0) * step)}/${last === BARS && period.end === undefined ? '..' : stamp(start + last * step)}`
}

export class PeriodForm {
  private form: HTMLFormElement
  private span: HTMLSelectElement
  private from: HTMLInputElement
  private to: HTMLInputElement
  private end: number | undefined
  private counts: number[] = []
  private asking: AbortController | undefined
  on = false

  constructor(
    root: HTMLElement,
    private specs: LayerSpec[],
    private words: Words,
    private changed: () => void,
  ) {
    this.form = root.querySelector<HTMLFormElement>('[data-period]')!
    this.span = this.form.querySelector<HTMLSelectElement>('[name=span]')!
    this.from = this.form.querySelector<HTMLInputElement>('[name=from]')!
    this.to = this.form.querySelector<HTMLInputElement>('[name=to]')!
    this.form.addEventListener('submit', (event) => event.preventDefault())
    this.span.addEventListener('change', () => this.whole())
    this.form.querySelector('[data-whole]')!.addEventListener('click', () => this.whole())
    this.from.addEventListener('input', () => this.slid(this.from))
    this.to.addEventListener('input', () => this.slid(this.to))
  }

  /** What is chosen; undefined while time does not matter. */
  get state(): Period | undefined {
    if (!this.on) return undefined
    const cut = this.end === undefined ? {} : { end: this.end, from: Number(this.from.value), to: Number(this.to.value) }
    return { span: Number(this.span.value), ...cut }
  }

  open(period?: Period): void {
    this.on = true
    this.form.hidden = false
    if (period) this.span.value = String(period.span)
    this.end = period?.end
    this.from.value = String(period?.from ?? 0)
    this.to.value = String(period?.to ?? BARS)
    this.draw()
  }

  close(): void {
    this.on = false
    this.form.hidden = true
  }

  /** The layers with the period; those that say no time, or are always now, as they were. */
  apply(layers: Record<string, Shown>): Record<string, Shown> {
    const period = this.state
    if (!period) return layers
    const time = during(period, now() / 1000)
    return Object.fromEntries(Object.entries(layers).map(([id, shown]) => [id, this.timed(id) ? { ...shown, during: time } : shown]))
  }

  /** Asks how much there was when, of the layers that are on and say so. */
  async ask(layers: Record<string, Shown>, bbox: string): Promise<void> {
    const period = this.state
    if (!period) return
    this.asking?.abort()
    const { signal } = (this.asking = new AbortController())
    const { start } = steps(period, now() / 1000)
    const whole = `${stamp(start)}/${stamp(start + period.span)}`
    const ids = Object.keys(layers).filter((id) => this.timed(id))
    const answers = await Promise.all(ids.map(async (id) => {
      const answer = await fetch(asked(this.timed(id)!.times, layers[id], { bbox, datetime: whole }), { signal }).catch(() => undefined)
      return answer?.ok ? ((await answer.json()) as { counts: number[] }).counts : []
    }))
    if (signal.aborted) return
    this.counts = Array.from({ length: BARS }, (_, at) => answers.reduce((sum, counts) => sum + (counts[at] ?? 0), 0))
    this.form.querySelector<HTMLElement>('[data-timeless]')!.hidden = ids.length > 0
    this.form.dataset.counted = String(this.counts.reduce((sum, count) => sum + count, 0))
    this.draw()
  }

  /** In words, for a picture's caption. */
  get text(): string {
    return this.on ? `${this.say(Number(this.from.value))} – ${this.say(Number(this.to.value))}` : ''
  }

  private timed(id: string): LayerSpec | undefined {
    return this.specs.find((spec) => spec.id === id && spec.times)
  }

  private whole(): void {
    this.open({ span: Number(this.span.value) })
    this.changed()
  }

  /** A range has at least one bar; as soon as it is cut, it stands still while time goes on. */
  private slid(moved: HTMLInputElement): void {
    const { start } = steps(this.state!, now() / 1000)
    this.end ??= start + Number(this.span.value)
    if (Number(this.from.value) >= Number(this.to.value)) {
      if (moved === this.from) this.from.value = String(Number(this.to.value) - 1)
      else this.to.value = String(Number(this.from.value) + 1)
    }
    this.draw()
    this.changed()
  }

  private say(bar: number): string {
    const { start, step } = steps(this.state!, now() / 1000)
    // The last bar of a period that goes on ends now.
    const moment = this.end === undefined ? Math.min(start + bar * step, now() / 1000) : start + bar * step
    const fine = step < 86_400 ? { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const : step * BARS > YEAR_S ? { year: 'numeric' } as const : {}
    return new Date(moment * 1000).toLocaleString(document.documentElement.lang, { timeZone: this.form.dataset.zone, day: 'numeric', month: 'short', ...fine })
  }

  private draw(): void {
    const [from, to] = [Number(this.from.value), Number(this.to.value)]
    this.from.setAttribute('aria-valuetext', this.say(from))
    this.to.setAttribute('aria-valuetext', this.say(to))
    const inside = this.counts.slice(from, to).reduce((sum, count) => sum + count, 0)
    const count = inside.toLocaleString(document.documentElement.lang)
    this.form.querySelector('output')!.textContent = say(this.words.happened, { count, from: this.say(from), to: this.say(to) })
    const most = Math.max(1, ...this.counts)
    const tallest = this.counts.indexOf(most)
    const label = tallest < 0 ? (this.words.nothing ?? '') : say(this.words.mostAt, { count: most, time: this.say(tallest) })
    const picture = part('svg', { viewBox: `0 0 ${BARS * 10} 40`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label })
    this.counts.forEach((number, at) => {
      const height = number ? Math.max(2, (38 * number) / most) : 0
      picture.append(part('rect', { x: at * 10 + 1, y: 40 - height, width: 8, height, class: at >= from && at < to ? 'facet-share' : 'period-out' }))
    })
    this.form.querySelector('[data-bars]')!.replaceChildren(picture)
  }
}
