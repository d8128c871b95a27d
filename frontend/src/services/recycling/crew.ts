/** The crew's pages: what is done is kept on the telephone and sent; each stop says how far what was done there is. */
import { newKey, type Held } from '../../shell/queue'
import { Sending, heldWords, type Outcome } from '../../shell/sending'
import { moment } from '../../shell/zone'
import { TAG, works, type Taken, type What, type Work } from './kept'
import { wakeStop } from './stop'

const DAY_MS = 20 * 3_600_000
const SAID = 'crew-said'
const SEEN = 'crew-round'
const ROUND = '/recycling/round/'
/** So long a page waits for the city's answer before it goes on: what is kept is sent all the same. */
const PATIENCE_MS = 4000

export interface Crew {
  root: HTMLElement
  by: number
  sending: Sending<Work, Taken>
  /** How far the demo's clock is ahead, ms. */
  ahead: number
}

export function startCrew(root: HTMLElement): void {
  const by = Number(root.dataset.by)
  const crew: Crew = { root, by, ahead: Number(document.documentElement.dataset.ahead ?? 0) * 1000, sending: new Sending(works, TAG, () => void show(crew), (one) => one.by === by) }
  const stop = document.querySelector<HTMLElement>('[data-stop-page]')
  if (stop) wakeStop(crew, stop)
  else remember(SEEN, location.pathname + location.search)
  sayWhatWasDone(root)
  // What waits must not be cleared away where the telephone runs short of room.
  void navigator.storage?.persist?.().catch(() => false)
  document.body.addEventListener('htmx:afterSwap', () => void show(crew))
  addEventListener('online', () => void crew.sending.go())
  navigator.serviceWorker?.addEventListener('message', (event) => (event.data as { crew?: unknown })?.crew && void show(crew))
  void forgetOld().then(() => crew.sending.go())
  void keepRound()
}

/** What was sent is shown for a day. */
async function forgetOld(): Promise<void> {
  for (const one of await works.sent()) if (Date.now() - one.at > DAY_MS) await works.forget(one.key).catch(() => undefined)
}

/** Has the service worker keep the round and its stops, once it hears of this page. */
async function keepRound(): Promise<void> {
  const paths = [...document.querySelectorAll<HTMLAnchorElement>('a[data-stop]')].map((link) => new URL(link.href).pathname)
  const registration = await navigator.serviceWorker?.ready
  registration?.active?.postMessage({ stops: [ROUND, ...paths, location.pathname + location.search] })
}

/** Keeps something that was done, and sends it where that goes quickly. */
export async function keepAndSend(crew: Crew, done: Pick<Work, 'pickup' | 'what' | 'words' | 'why' | 'weighed' | 'photo' | 'drawn'>): Promise<{ key: string; outcome: Outcome<Taken> }> {
  const now = Date.now()
  // Behind all that waits, also where the telephone's clock was put back meanwhile: what is done is sent in its order.
  const at = (await works.waiting()).reduce((latest, one) => Math.max(latest, one.at + 1), now)
  const work: Work = { ...done, key: newKey(), at, by: crew.by, told: new Date(now + crew.ahead).toISOString() }
  return { key: work.key, outcome: await crew.sending.dispatch(work, PATIENCE_MS) }
}

/** The round that was last looked at, that of one truck or of all. */
export function lastRound(): string {
  try {
    const known = sessionStorage.getItem(SEEN) ?? ''
    return known.startsWith(ROUND) ? known : ROUND
  } catch {
    return ROUND
  }
}

function remember(what: string, words: string): void {
  try {
    sessionStorage.setItem(what, words)
  } catch {
    // A browser that keeps nothing does without.
  }
}

/** What is to be said on the next page, which may be shown without the city. */
export const sayNext = (words: string): void => remember(SAID, words)

function sayWhatWasDone(root: HTMLElement): void {
  const said = root.querySelector<HTMLElement>('[data-crew-said]')!
  try {
    said.textContent = sessionStorage.getItem(SAID) ?? ''
    sessionStorage.removeItem(SAID)
  } catch {
    said.textContent = ''
  }
  said.hidden = !said.textContent
}

/** Says something on this page, and reads it out. */
export function say(root: HTMLElement, words: string): void {
  const said = root.querySelector<HTMLElement>('[data-crew-said]')!
  said.textContent = words
  said.hidden = !words
}

export interface Known {
  waits: Work[]
  sent: Taken[]
}

/** Shows how far everything is: at each stop, and in the list of what is still on this telephone. */
async function show(crew: Crew): Promise<void> {
  const known: Known = { waits: await works.waiting(), sent: await works.sent() }
  document.querySelectorAll<HTMLElement>('[data-stop-mark]').forEach((mark) => {
    const { words, kind } = markOf(crew.root, known, Number(mark.dataset.stopMark), crew.sending.going)
    mark.textContent = words
    mark.className = `badge${kind}`
    mark.hidden = !words
  })
  showList(crew, known.waits)
  document.querySelector('[data-stop-page]')?.dispatchEvent(new CustomEvent<Known>('known', { detail: known }))
}

/** The mark of a stop: the worst of what was done there first. "" where nothing was done from here. */
export function markOf(root: HTMLElement, { waits, sent }: Known, pickup: number, going: ReadonlySet<string>): { words: string; kind: string } {
  const mine = waits.filter((one) => one.pickup === pickup)
  const refused = mine.find((one) => one.refused !== undefined)
  const { phone = '', sent: underway = '', received = '', refused: against = '' } = root.dataset
  if (refused) return { words: `${against} ${refused.refused}`, kind: ' badge-bad' }
  if (mine.some((one) => going.has(one.key))) return { words: underway, kind: '' }
  if (mine.length) return { words: phone, kind: ' badge-warn' }
  return sent.some((one) => one.pickup === pickup) ? { words: received, kind: ' badge-ok' } : { words: '', kind: '' }
}

function showList(crew: Crew, waits: Work[]): void {
  const list = crew.root.querySelector<HTMLElement>('[data-crew-waiting]')!
  list.hidden = waits.length === 0
  const held = waits.find((one) => one.by !== crew.by || one.held?.why === 'signin')
  crew.root.querySelector<HTMLElement>('[data-crew-signin]')!.hidden = !held
  // Somebody may be about to press a button in it.
  const shown = JSON.stringify(waits.map(({ key, held, refused }) => [key, held, refused]))
  if (list.dataset.shown === shown) return
  list.dataset.shown = shown
  list.querySelector('ul')!.replaceChildren(
    ...waits.sort((a, b) => a.at - b.at).map((one) => {
      const item = document.createElement('li')
      item.className = 'list-row'
      const words = document.createElement('span')
      words.className = 'stack-tight'
      const what = document.createElement('strong')
      what.textContent = one.words
      const state = document.createElement('small')
      const why: Held | undefined = one.by === crew.by ? one.held : { why: 'signin' }
      state.textContent = `${one.refused === undefined ? heldWords(crew.root, why) : `${crew.root.dataset.refused} ${one.refused}`} · ${moment(one.at)}`
      words.append(what, state)
      const again = button(crew.root.dataset.now!, one.words, () => void works.release(one.key).then(() => crew.sending.go()))
      item.append(words, again)
      if (one.refused !== undefined) item.append(button(crew.root.dataset.remove!, one.words, () => void works.forget(one.key).then(() => show(crew))))
      return item
    }),
  )
}

function button(text: string, of: string, pressed: () => void): HTMLElement {
  const made = document.createElement('button')
  made.type = 'button'
  made.className = 'button button-quiet'
  made.textContent = text
  made.setAttribute('aria-label', `${text}: ${of}`)
  made.addEventListener('click', pressed)
  return made
}

/** Where a stop stands as this telephone knows it: what was done here counts before the city has heard of it. */
export function stateOf(state: string, known: Known, pickup: number, shownAt: number): string {
  const after: Record<What, { from: string[]; to: string }> = {
    set_out: { from: ['promised'], to: 'on_way' },
    turn_back: { from: ['on_way', 'arrived'], to: 'promised' },
    arrive: { from: ['promised', 'on_way'], to: 'arrived' },
    miss: { from: ['promised', 'on_way', 'arrived'], to: 'missed' },
    weigh: { from: ['promised', 'on_way', 'arrived'], to: 'weighed' },
  }
  const waits = known.waits.filter((one) => one.refused === undefined)
  const heard = known.sent.filter((one) => one.heard > shownAt)
  return [...waits, ...heard]
    .filter((one) => one.pickup === pickup)
    .sort((a, b) => a.at - b.at)
    .reduce((now, { what }) => (after[what].from.includes(now) ? after[what].to : now), state)
}

