/// <reference lib="webworker" />
/** The buses' part of the service worker: favourites and lines by the timetable, also without a network. */
import { page } from '../../shell/pages'
import { instead, isOurs, renew, renewOld } from './keeping'

const worker = self as unknown as ServiceWorkerGlobalScope

worker.addEventListener('message', (event) => {
  const { favourites, mine } = (event.data ?? {}) as { favourites?: string[]; mine?: boolean }
  if (Array.isArray(favourites)) event.waitUntil(renew(favourites, mine === true).catch(() => undefined))
})

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || request.mode !== 'navigate' || url.origin !== location.origin) return
  if (url.pathname.startsWith('/transit/')) event.waitUntil(renewOld().catch(() => undefined))
  if (isOurs(url)) event.respondWith(page(event, instead))
})
