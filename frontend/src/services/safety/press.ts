/** The page with the button: it says honestly whether it is ready, and how far a call has come. */
import { clockTime } from '../../shell/zone'
import { startHold } from './hold'
import { watchPlace, type Place } from './place'
import { OLD_MS, Sender, keep, type Press } from './sending'

/** How often it is looked whether the city can be reached, while somebody has the page before them. */
const LOOK_MS = 20_000
const PATIENCE_MS = 5000

export function startPress(form: HTMLFormElement): void {
  if (form.dataset.awake) return
  form.dataset.awake = '1'
  const field = <T extends HTMLElement>(selector: string): T => form.querySelector<T>(selector)!
  const button = field<HTMLButtonElement>('[data-call]')
  const said = field('[data-press-state]')
  const stages = field('[data-stages]')
  const numbers = field('[data-numbers]')

  // A page that was kept for want of a network does not know what it was opened with.
  for (const [name, value] of new URLSearchParams(location.search)) {
    const hidden = form.querySelector<HTMLInputElement>(`input[type=hidden][name="${CSS.escape(name)}"]`)
    if (hidden && ['bus', 'place', 'lon', 'lat', 'way'].includes(name)) hidden.value ||= value
  }
  const sender = new Sender(show)
  const place = watchPlace((point) => sender.press && sender.where(point), showPlace)

  function show(press: Press): void {
    stages.hidden = false
    field('[data-how]').hidden = true
    stages.querySelectorAll<HTMLElement>('li').forEach((one) => {
      const here = one.dataset.stage === press.state
      if (here) one.setAttribute('aria-current', 'step')
      else one.removeAttribute('aria-current')
    })
    const key = press.state === 'queued' ? (press.why ?? 'sent') : press.state
    const words = (said.dataset[key] ?? '').replace('{}', clockTime(press.at, { second: '2-digit' }))
    if (said.textContent !== words) said.textContent = words
    said.hidden = false
    numbers.hidden = press.state !== 'queued' || press.why === undefined
    if (press.state === 'received') received(press)
  }

  /** The page of the call sends the place when that comes later. */
  const received = (press: Press): void => {
    button.disabled = true
    if (press.told || place.denied()) keep(undefined)
    location.replace(press.link!)
  }

  const call = (): void => {
    if (old.hidden === false) sender.forget()
    old.hidden = true
    field('[data-short]').hidden = true
    const values = Object.fromEntries([...new FormData(form)].filter(([name]) => ['kind', 'place', 'bus', 'way'].includes(name)))
    place.ask()
    sender.call(values as Record<string, string>, given(form) ?? place.known())
  }
  startHold(button, { held: call, click: call, short: () => (field('[data-short]').hidden = false) })
  field('[data-tap]').addEventListener('click', call)

  function showPlace(now: Place): void {
    form.querySelectorAll<HTMLElement>('[data-place]').forEach((one) => (one.hidden = one.dataset.place !== now))
  }

  const old = field('[data-old]')
  if (sender.press?.state === 'received') sender.forget()
  const waits = sender.press
  // Without a pause: whoever comes back to the page wants it sent.
  if (waits && Date.now() - waits.at < OLD_MS) void sender.go()
  else if (waits) {
    old.hidden = false
    const words = field('[data-old-words]')
    words.textContent = (words.dataset.oldWords ?? '').replace('{}', new Date(waits.at).toLocaleString(document.documentElement.lang))
    field('[data-old-send]').addEventListener('click', () => {
      old.hidden = true
      void sender.go()
    })
    field('[data-old-forget]').addEventListener('click', () => {
      old.hidden = true
      sender.forget()
    })
  }
  watchNetwork(form)
}

/** The place that the page was opened with: of a press on the map. */
function given(form: HTMLFormElement): { lon: number; lat: number; accuracy: number } | undefined {
  const value = (name: string): number => parseFloat((form.elements.namedItem(name) as HTMLInputElement | null)?.value ?? '')
  const [lon, lat] = [value('lon'), value('lat')]
  return Number.isFinite(lon) && Number.isFinite(lat) ? { lon, lat, accuracy: 0 } : undefined
}

/** Says whether the city answers: by asking it, for a browser only knows whether a cable is in. */
function watchNetwork(form: HTMLFormElement): void {
  let asked = 0
  const show = (now: 'asking' | 'ready' | 'lost'): void => {
    form.dataset.network = now
    form.querySelectorAll<HTMLElement>('[data-network-state]').forEach((one) => (one.hidden = one.dataset.networkState !== now))
  }
  const look = async (): Promise<void> => {
    const mine = ++asked
    let there = false
    try {
      there = navigator.onLine && (await fetch(form.dataset.test!, { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) })).ok
    } catch {
      // There is no answer.
    }
    if (mine === asked) show(there ? 'ready' : 'lost')
  }
  addEventListener('online', () => void look())
  addEventListener('offline', () => show('lost'))
  document.addEventListener('visibilitychange', () => document.hidden || void look())
  setInterval(() => document.hidden || void look(), LOOK_MS)
  show('asking')
  void look()
}
