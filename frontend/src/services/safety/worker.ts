/// <reference lib="webworker" />
/** The part of the service worker that keeps the button at hand, also where there is no network. */
import { fresh, keep } from '../../shell/keeping'

const worker = self as unknown as ServiceWorkerGlobalScope
const BUTTON = '/safety/'

// From a first visit on, whichever page that is of.
worker.addEventListener('install', (event) => {
  event.waitUntil(keepButton().catch(() => undefined))
})

/** What cannot be had now is kept when somebody opens it: the worker is installed all the same. */
async function keepButton(): Promise<void> {
  const page = await fetch(BUTTON)
  if (page.ok) await keep(BUTTON, page)
}

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || request.mode !== 'navigate' || url.origin !== location.origin) return
  if (url.pathname === BUTTON) event.respondWith(fresh(event))
})
