/// <reference lib="webworker" />
/**
 * The crew's part of the service worker: the round and its stops as they were last, also without a network, and what
 * waits is sent. Their pages have addresses and names, so they lie in a cache of their own, for a day at most, and go
 * with the session (shell/pages.ts).
 */
import { keepParts } from '../../shell/keeping'
import { sendLater } from '../../shell/later'
import { AT, OWN, find, page, remember, write } from '../../shell/pages'
import { TAG, works } from './kept'

const worker = self as unknown as ServiceWorkerGlobalScope
const ROUND = `${OWN}round-1`
const OURS = /^\/recycling\/round\/(\d+\/|\?(day=\d{4}-\d\d-\d\d)?(&?truck=[^&]*)?)?$/
/** What of the pages' script is loaded later, and needed without a network. */
const LATER = ['crew', 'refresh']
const FRESH_MS = 10 * 60_000
const OLD_MS = 20 * 3_600_000

const ageOf = (answer: Response): number => Date.now() - Number(answer.headers.get(AT))

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (url.origin !== location.origin) return
  if (request.method === 'POST' && url.pathname === '/accounts/logout/') event.waitUntil(works.forgetSent().catch(() => undefined))
  if (request.method === 'GET' && request.mode === 'navigate' && OURS.test(url.pathname + url.search)) {
    event.respondWith(page(event, keptPage, keepPage))
  }
})

async function keptPage(url: string): Promise<Response | undefined> {
  const known = await find(ROUND, url)
  return known && ageOf(known) < OLD_MS ? known : undefined
}

async function keepPage(url: string, answer: Response): Promise<void> {
  await remember(url, answer.clone())
  if (answer.ok && !answer.redirected) await keepWhole(url, answer)
}

/** What the page loads later comes first: a page that is kept must do all that it does. */
async function keepWhole(url: string, answer: Response): Promise<void> {
  await keepParts(answer.clone(), LATER)
  await write(ROUND, url, answer)
}

/** A page of the round names its stops: they are asked for ahead, since the network may be gone at the next corner. */
worker.addEventListener('message', (event) => {
  const { stops } = (event.data ?? {}) as { stops?: string[] }
  if (Array.isArray(stops)) event.waitUntil(keepStops(stops.filter((path) => OURS.test(path))).catch(() => undefined))
})

async function keepStops(paths: string[]): Promise<void> {
  const cache = await caches.open(ROUND)
  for (const { url } of await cache.keys()) {
    const known = await cache.match(url)
    if (known && ageOf(known) > OLD_MS) await cache.delete(url)
  }
  for (const path of paths) {
    const url = new URL(path, location.origin).href
    const known = await find(ROUND, url)
    if (known && ageOf(known) < FRESH_MS) continue
    const answer = await fetch(url)
    if (answer.redirected || answer.status === 401) return
    if (answer.ok) await keepWhole(url, answer)
  }
}

// Whoever has to sign in does it on a page, which sends it then.
sendLater(worker, works, TAG, (sent) => ({ crew: sent }), (held) => held.why !== 'signin')
