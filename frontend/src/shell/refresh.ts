/**
 * A part of a page that is asked for again every few seconds, while somebody looks at it.
 *
 * `data-refresh` is its address, `data-every` the seconds. `[data-refresh-body]` in it is what is put in anew,
 * `[data-refresh-lost]` is shown while there is no answer. Nothing is taken away under a reader's hands: while a form
 * in it is open or written in, it waits. With `data-if-changed` an answer like the one before is not put in, so that
 * what is read out loud is only what is new. The event `refresh` on it asks at once: something is known to be another way.
 */
import { clockTime } from './zone'

const started = new WeakSet<HTMLElement>()
/** Whether a finger, a pen or a mouse button is down. */
let pressed = false
for (const [name, down] of [['pointerdown', true], ['pointerup', false], ['pointercancel', false]] as const) {
  // What the press does comes right after it was let go.
  document.addEventListener(name, () => (down ? (pressed = true) : setTimeout(() => (pressed = false))), { capture: true })
}

export function startRefresh(root: HTMLElement, atOnce = false): void {
  if (started.has(root)) return
  started.add(root)
  const every = Number(root.dataset.every ?? 15) * 1000
  let last = Date.now()
  let asking = false
  let wanted = false
  let before = ''
  const look = async (): Promise<void> => {
    if (asking || pressed || document.hidden || busy(root)) return
    asking = true
    wanted = false
    try {
      const answer = await fetch(root.dataset.refresh!, { cache: 'no-store', credentials: 'same-origin' })
      if (!answer.ok) throw new Error(String(answer.status))
      const html = await answer.text()
      // A finger that went down meanwhile presses what is there now; the next look brings the rest.
      if (pressed || busy(root)) return
      if (html !== before || !('ifChanged' in root.dataset)) put(root, html)
      before = html
      last = Date.now()
      lost(root, undefined)
    } catch {
      lost(root, new Date(last))
    } finally {
      asking = false
      // What was told of meanwhile may not be in that answer.
      if (wanted && root.isConnected) void look()
    }
  }
  const timer = setInterval(() => {
    if (root.isConnected) void look()
    else clearInterval(timer)
  }, every)
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && root.isConnected && (wanted || Date.now() - last > every)) void look()
  })
  addEventListener('online', () => root.isConnected && void look())
  root.addEventListener('refresh', () => {
    wanted = true
    void look()
  })
  if (atOnce) void look()
}

/** Whether the reader is at work in it. */
function busy(root: HTMLElement): boolean {
  if (root.querySelector('details[open]:not([data-keep-open])')) return true
  if ([...root.querySelectorAll('textarea')].some((one) => one.value !== one.defaultValue)) return true
  if ([...root.querySelectorAll<HTMLInputElement>('[type=radio]')].some((one) => one.checked !== one.defaultChecked)) return true
  return root.contains(document.activeElement) && (document.activeElement?.matches('input, select, textarea') ?? false)
}

function put(root: HTMLElement, html: string): void {
  const body = root.querySelector<HTMLElement>('[data-refresh-body]')!
  const focused = document.activeElement?.id ?? ''
  const within = focused !== '' && body.contains(document.activeElement)
  const open = new Map([...body.querySelectorAll<HTMLDetailsElement>('[data-keep-open]')].map((one) => [one.id, one.open]))
  body.innerHTML = html
  body.querySelectorAll<HTMLDetailsElement>('[data-keep-open]').forEach((one) => (one.open = open.get(one.id) ?? one.open))
  if (within) document.getElementById(focused)?.focus({ preventScroll: true })
  // The same as for a part that HTMX puts in: `wake` (waking.ts) hears of it.
  body.dispatchEvent(new CustomEvent('htmx:afterSwap', { bubbles: true }))
}

function lost(root: HTMLElement, since: Date | undefined): void {
  const banner = root.querySelector<HTMLElement>('[data-refresh-lost]')
  if (!banner) return
  banner.hidden = since === undefined
  const words = banner.querySelector<HTMLElement>('[data-words]')
  if (since && words) {
    words.textContent = (words.dataset.words ?? '{}').replace('{}', clockTime(since.getTime(), { second: '2-digit' }))
  }
}
