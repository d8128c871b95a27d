/// <reference lib="webworker" />
/** The reports' part of the service worker: keeps the form at hand without a network, and sends what waits. */
import { fresh, keep } from '../../shell/keeping'
import { TAG, reports } from './queue'

const worker = self as unknown as ServiceWorkerGlobalScope
const FILING = ['/reports/new/', '/reports/sent/']
/** What of the pages' script is loaded later, and needed without a network. */
const LATER = ['filing']

// From a first visit on, whichever page that is of.
worker.addEventListener('install', (event) => {
  event.waitUntil(Promise.all(FILING.map(keepForm)).catch(() => undefined))
})

/** What cannot be had now is kept when somebody opens it: the worker is installed all the same. */
async function keepForm(path: string): Promise<void> {
  const page = await fetch(path)
  if (page.ok) await keep(path, page, LATER)
}

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== location.origin) return
  // Not every browser wakes the worker later: what waits is sent with the next page that is opened.
  if (request.mode === 'navigate') event.waitUntil(sendWaiting().catch(() => undefined))
  if (FILING.includes(url.pathname)) event.respondWith(fresh(event, LATER))
})

// The browser wakes the worker once there is a network again, also where no page is open any more.
worker.addEventListener('sync', (event) => {
  const { tag, waitUntil } = event as ExtendableEvent & { tag: string }
  if (tag === TAG) waitUntil.call(event, sendWaiting())
})

/** Throws where something still waits: the browser then wakes the worker once more. */
async function sendWaiting(): Promise<void> {
  const { sent, held } = await reports.flush()
  if (sent) (await worker.clients.matchAll()).forEach((client) => client.postMessage({ sent }))
  if (held) throw new Error(held.why)
}
