/// <reference lib="webworker" />
/** The reports' part of the service worker: keeps the form at hand without a network, and sends what waits. */
import { fresh, keep } from '../../shell/keeping'
import { sendLater } from '../../shell/later'
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
  if (FILING.includes(url.pathname)) event.respondWith(fresh(event, LATER))
})

sendLater(worker, reports, TAG, (sent) => ({ sent }))
