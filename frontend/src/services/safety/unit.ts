/** A unit's telephone: an offer sounds and counts down, one press takes it and shows the way. */
import { clock } from './model'
import { newKey } from './sending'
import { Sound } from './sound'
import { submit } from './submit'
import { startTicking } from './ticking'

const RING_MS = 2000
const CALLING_MS = 120_000

export function startUnit(root: HTMLElement): void {
  if (root.dataset.awake) return
  root.dataset.awake = '1'
  const sound = new Sound()
  const skew = Number(root.dataset.now) - Date.now()
  let rung = 0
  let offered = ''
  // Of a call for help that has no answer yet: sent again it is the same call.
  let calling = ''
  let since = 0
  const tick = (): void => {
    if (!root.isConnected) return
    const now = Date.now() + skew
    root.querySelectorAll<HTMLElement>('[data-until]').forEach((one) => {
      const left = Number(one.dataset.until) - now
      const words = (left > 0 ? (one.dataset.words ?? '{}') : (one.dataset.over ?? '')).replace('{}', clock(left + 999))
      if (one.textContent !== words) one.textContent = words
      one.classList.toggle('late', left <= Number(one.dataset.soon ?? 0))
    })
    const asked = root.querySelector<HTMLElement>('[data-offer]')
    const offer = asked?.dataset.offer ?? ''
    // What can wait rings once.
    if (offer && (offer !== offered || (!('once' in asked!.dataset) && performance.now() - rung > RING_MS))) {
      rung = performance.now()
      sound.ring(2)
      navigator.vibrate?.([300, 100, 300])
    }
    offered = offer
    root.querySelector<HTMLElement>('[data-sound-off]')!.hidden = !sound.off
  }
  startTicking(tick, 500)
  const wake = (): void => void sound.wake().then(tick)
  ;['pointerdown', 'keydown'].forEach((name) => document.addEventListener(name, wake))
  root.addEventListener('submit', (event) => {
    const form = event.target as HTMLFormElement
    event.preventDefault()
    const leads = 'leads' in form.dataset
    const calls = 'keyed' in form.dataset
    if (calls) {
      // Who calls again after a while, calls anew: what became of the first may be over.
      if (!calling || performance.now() - since > CALLING_MS) [calling, since] = [newKey(), performance.now()]
      keyed(form, calling)
    }
    void submit(form, event.submitter).then((sent) => {
      if (sent && calls) calling = ''
      const way = root.querySelector<HTMLAnchorElement>('#way')
      if (sent && leads && way) lead(way)
    })
  })
  root.addEventListener('click', (event) => {
    const link = (event.target as HTMLElement).closest<HTMLAnchorElement>('a[href^="geo:"]')
    if (link) link.href = wayFor(link.getAttribute('href')!)
  })
}

/** Has a form carry the key of what it sends: the part that refreshes itself has none, for it would never be the same. */
function keyed(form: HTMLFormElement, key: string): void {
  let field = form.querySelector<HTMLInputElement>('[name=key]')
  if (!field) {
    field = document.createElement('input')
    field.type = 'hidden'
    field.name = 'key'
    form.append(field)
  }
  field.value = key
}

/**
 * Opens the telephone's own map beside this page: a page that itself leaves for another program loses the presses that
 * follow. Where the browser does not let it, the way is one press away.
 */
function lead(way: HTMLAnchorElement): void {
  const opened = window.open(wayFor(way.getAttribute('href')!), '_blank')
  if (!opened) return way.focus()
  // What is left of it once the map has taken over is an empty page.
  const back = (): void => {
    if (document.hidden) return
    document.removeEventListener('visibilitychange', back)
    opened.close()
  }
  document.addEventListener('visibilitychange', back)
}

/** Where the telephone's own map takes it: an iPhone's knows no `geo:` (RFC 5870). */
function wayFor(geo: string): string {
  return /iPhone|iPad/.test(navigator.userAgent) ? `maps://?daddr=${geo.slice('geo:'.length)}` : geo
}
