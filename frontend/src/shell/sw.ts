/// <reference lib="webworker" />
/**
 * The service worker: keeps the shell at hand without a network, shows what the city sends. What services add to it
 * (their `Assets.worker`) stands before it in the same script, so their listeners hear of everything first.
 */
import { CACHE, OFFLINE, fresh, isBuilt, keep, kept } from './keeping'
import { ALWAYS, OWN, PAGES, forget, page } from './pages'

const ICONS = '/static/cityhall/icons.svg'
const SIGN_OUT = '/accounts/logout/'
const worker = self as unknown as ServiceWorkerGlobalScope

worker.addEventListener('install', (event) => {
  event.waitUntil(Promise.all([keepOffline(), kept(ICONS)]).then(() => worker.skipWaiting()))
})

/** Throws where the city does not send it: the browser then installs the worker another time. */
async function keepOffline(): Promise<void> {
  const page = await fetch(OFFLINE)
  if (!page.ok) throw new Error(String(page.status))
  await keep(OFFLINE, page)
}

worker.addEventListener('activate', (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => ![CACHE, PAGES, ALWAYS].includes(name) && !name.startsWith(OWN)).map((name) => caches.delete(name))))
      .then(() => worker.clients.claim()),
  )
})

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (url.origin !== location.origin) return
  // Whoever signs out leaves nothing for the next at this device, also where the network is lost right then.
  if (request.method === 'POST' && url.pathname === SIGN_OUT) event.waitUntil(forget().catch(() => undefined))
  if (request.method !== 'GET') return
  if (isBuilt(url.pathname)) event.respondWith(kept(request))
  else if (url.pathname === ICONS) event.respondWith(fresh(event))
  else if (request.mode === 'navigate') event.respondWith(page(event))
})

worker.addEventListener('push', (event) => {
  const { id = '', title = '', body = '', url = '/' } = (event.data?.json() ?? {}) as Record<string, string>
  // One that is sent twice, by a worker that was killed before it said that it had sent it, is shown once.
  const icon = '/static/cityhall/icon-192.png'
  event.waitUntil(worker.registration.showNotification(title, { body, tag: String(id), data: { url }, icon }))
})

worker.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(worker.clients.openWindow((event.notification.data as { url: string }).url))
})
