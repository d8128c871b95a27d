/** The screen at a stop: a clock, alerts one after the other, and itself anew when the city's program is new. */
import { now } from '../../shell/clock'

const TURN_S = 8

export function startBoard(root: HTMLElement): void {
  if (root.dataset.awake) return
  root.dataset.awake = '1'
  const clock = document.querySelector<HTMLElement>('[data-clock]')
  const build = built(root)
  let turn = 0
  const tick = (): void => {
    if (clock) clock.textContent = time(clock.dataset.clock ?? 'UTC', new Date(now()))
    if (new Date(now()).getSeconds() % TURN_S === 0) turn += 1
    show(root, turn)
  }
  root.addEventListener('htmx:afterSwap', () => {
    show(root, turn)
    fit(root)
    // It was answered just now, so the page itself will be too.
    if (built(root) !== build) location.reload()
  })
  addEventListener('resize', () => fit(root))
  setInterval(tick, 1000)
  tick()
  fit(root)
}

export const built = (root: HTMLElement): string => root.querySelector<HTMLElement>('[data-build]')?.dataset.build ?? ''

/** The time of the city's clock, wherever the screen thinks it is. */
export function time(zone: string, now: Date): string {
  return new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: zone }).format(now)
}

/** No row is shown by half: nobody is there to scroll. */
function fit(root: HTMLElement): void {
  const box = root.querySelector<HTMLElement>('.board-fit')
  const rows = [...(box?.querySelectorAll<HTMLElement>('tbody tr') ?? [])]
  rows.forEach((row) => (row.hidden = false))
  if (!box) return
  const end = box.getBoundingClientRect().bottom + 1
  rows.filter((row) => row.getBoundingClientRect().bottom > end).forEach((row) => (row.hidden = true))
}

/** One alert at a time, without movement. */
export function show(root: HTMLElement, turn: number): void {
  const alerts = [...root.querySelectorAll<HTMLElement>('[data-turns] > *')]
  alerts.forEach((alert, place) => (alert.hidden = place !== turn % alerts.length))
}
