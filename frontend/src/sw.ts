/// <reference lib="webworker" />
/** Keeps the shell and the form for reports at hand without a network, sends what waits, shows what the city sends. */
import { TAG, flush } from './queue'

const worker = self as unknown as ServiceWorkerGlobalScope
const CACHE = 'cityhall-1'
const OFFLINE = '/offline/'
const FILING = ['/reports/new/', '/reports/sent/']

worker.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.add(OFFLINE)).then(() => worker.skipWaiting()))
})

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
  // Not every browser wakes the worker later: what waits is sent with the next page that is opened.
  if (request.mode === 'navigate') event.waitUntil(sendWaiting().catch(() => undefined))
  // Built files have their content's hash in their name: what is kept is never old.
  if (url.pathname.startsWith('/static/cityhall/assets/')) event.respondWith(kept(request))
  else if (FILING.includes(url.pathname) || url.pathname === '/static/cityhall/icons.svg') event.respondWith(fresh(request))
  else if (request.mode === 'navigate') event.respondWith(fetch(request).catch(async () => (await caches.match(OFFLINE))!))
})

async function kept(request: Request): Promise<Response> {
  const known = await caches.match(request)
  if (known) return known
  const answer = await fetch(request)
  if (answer.ok) await (await caches.open(CACHE)).put(request, answer.clone())
  return answer
}

/** The page as the city has it now; without a network as it was last. */
async function fresh(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request)
    if (answer.ok && !answer.redirected) await (await caches.open(CACHE)).put(new URL(request.url).pathname, answer.clone())
    return answer
  } catch {
    return (await caches.match(new URL(request.url).pathname)) ?? (await caches.match(OFFLINE))!
  }
}

// The browser wakes the worker once there is a network again, also where no page is open any more.
worker.addEventListener('sync', (event) => {
  const { tag, waitUntil } = event as ExtendableEvent & { tag: string }
  if (tag === TAG) waitUntil.call(event, sendWaiting())
})

/** Throws where something still waits: the browser then wakes the worker once more. */
async function sendWaiting(): Promise<void> {
  const { sent, held } = await flush()
  if (sent) (await worker.clients.matchAll()).forEach((client) => client.postMessage({ sent }))
  if (held) throw new Error(held.why)
}

worker.addEventListener('push', (event) => {
  const { title = '', body = '', url = '/' } = (event.data?.json() ?? {}) as Record<string, string>
  event.waitUntil(worker.registration.showNotification(title, { body, data: { url }, icon: '/static/cityhall/icon-192.png' }))
})

worker.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(worker.clients.openWindow((event.notification.data as { url: string }).url))
})
