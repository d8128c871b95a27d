/** The rows of the desk's list: made once, then only what is another way is written. */
import { NENA_ANSWER_S, NFPA_ANSWER_S, NFPA_SEND_S, clock, late, type Row } from './model'

export interface Seen {
  /** The city's clock, milliseconds since 1970. */
  now: number
  me: number
  nameOf(owner: number | null): string
  isSilent(owner: number | null): boolean
  words: { kinds: Record<string, string>; states: Record<string, string>; doors: Record<string, string> }
}

/** Whole widths of the bars, in seconds: a third more than the last line on them. */
const ANSWER_BAR_S = 20
const SEND_BAR_S = 80

const write = (one: Element | null, text: string): void => {
  if (one && one.textContent !== text) one.textContent = text
}
const mark = (row: Element, name: string, on: boolean, text?: string): void => {
  const badge = row.querySelector<HTMLElement>(`[data-badge="${name}"]`)
  if (!badge) return
  badge.hidden = !on
  if (on && text !== undefined) write(badge, (badge.dataset.words ?? '{}').replace('{}', text))
}

export function showRow(item: HTMLElement, row: Row, seen: Seen): void {
  const silent = row.state !== 'waiting' && row.owner !== seen.me && seen.isSilent(row.owner)
  item.dataset.state = row.state
  item.classList.toggle('alert-silent', silent)
  write(item.querySelector('[data-kind]'), seen.words.kinds[row.kind] ?? row.kind)
  write(item.querySelector('[data-place]'), row.place || '–')
  write(item.querySelector('[data-door]'), seen.words.doors[row.door] ?? row.door)
  write(item.querySelector('[data-state-word]'), seen.words.states[row.state] ?? row.state)
  write(item.querySelector('[data-owner]'), row.state === 'waiting' ? '' : ` · ${seen.nameOf(row.owner)}`)
  mark(item, 'silent', silent)
  mark(item, 'unread', typeof row.unread === 'number')
  mark(item, 'duress', row.duress)
  mark(item, 'cancelled', row.cancelled && !row.duress)
  mark(item, 'exercise', row.exercise)
  mark(item, 'doubtful', row.doubtful)
  mark(item, 'presses', row.presses > 1, String(row.presses))
  mark(item, 'level', row.state === 'waiting' && row.level > 0, String(row.level))
  showClocks(item, row, seen.now)
}

/** How long it waited for an answer, and from then on for a unit. */
export function showClocks(item: HTMLElement, row: Row, now: number): void {
  const answered = row.state === 'waiting' ? undefined : (row.answered ?? row.received)
  const waited = (answered ?? now) - row.waits
  show(item, 'answer', waited, late(waited, NFPA_ANSWER_S, NENA_ANSWER_S), ANSWER_BAR_S, answered !== undefined)
  const light = item.querySelector<HTMLElement>('.light')
  const unit = item.querySelector<HTMLElement>('[data-clock="unit"]')!
  unit.hidden = answered === undefined
  let worst = answered === undefined ? late(waited, NFPA_ANSWER_S, NENA_ANSWER_S) : 0
  if (answered !== undefined) {
    const gone = (row.sent ?? now) - answered
    const how = late(gone, NFPA_SEND_S, NFPA_SEND_S)
    show(item, 'unit', gone, how, SEND_BAR_S, row.sent !== null)
    if (row.sent === null) worst = how
  }
  const colour = ['green', 'amber', 'red'][worst]!
  if (light && light.dataset.colour !== colour) {
    light.className = `light light-${colour}`
    light.dataset.colour = colour
  }
}

function show(item: HTMLElement, name: string, ms: number, how: 0 | 1 | 2, bar: number, over: boolean): void {
  const root = item.querySelector<HTMLElement>(`[data-clock="${name}"]`)!
  // Put back and answered again, it may have been answered before it began to wait anew.
  write(root.querySelector('b'), clock(ms))
  const late = String(how)
  if (root.dataset.late !== late) root.dataset.late = late
  root.classList.toggle('clock-over', over)
  root.style.setProperty('--share', `${Math.min(100, Math.max(0, Math.round(ms / bar / 10)))}%`)
}
