/// <reference lib="webworker" />
/**
 * The service worker: keeps the shell at hand without a network, shows what the city sends. What services add to it
 * (their `Assets.worker`) stands before it in the same script, so their listeners hear of everything first.
 */
import { CACHE, OFFLINE, fresh, isBuilt, keep, kept } from './keeping'

const ICONS = '/static/cityhall/icons.svg'
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
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => worker.clients.claim()),
  )
})

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== location.origin) return
  if (isBuilt(url.pathname)) event.respondWith(kept(request))
  else if (url.pathname === ICONS) event.respondWith(fresh(event))
  else if (request.mode === 'navigate') event.respondWith(fetch(request).catch(async () => (await caches.match(OFFLINE))!))
})

worker.addEventListener('push', (event) => {
  const { title = '', body = '', url = '/' } = (event.data?.json() ?? {}) as Record<string, string>
  event.waitUntil(worker.registration.showNotification(title, { body, data: { url }, icon: '/static/cityhall/icon-192.png' }))
})

worker.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(worker.clients.openWindow((event.notification.data as { url: string }).url))
})
