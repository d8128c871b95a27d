/// <reference lib="webworker" />
/** A queue's part of the service worker (queue.ts): what waits is sent without its page. */
import type { Done, Held, Item, Queue } from './queue'

/**
 * Sends what waits when the browser wakes the worker by `tag`, since there is a network again, and with each page that
 * is opened: not every browser wakes it. `told` is what the open pages hear of so many that were sent; `again` says
 * whether the browser is to wake it once more for what is held.
 */
export function sendLater<W extends Item, D extends Done>(
  worker: ServiceWorkerGlobalScope,
  queue: Queue<W, D>,
  tag: string,
  told: (sent: number) => object,
  again: (held: Held) => boolean = () => true,
): void {
  /** Throws where something still waits: the browser then wakes the worker once more. */
  const send = async (): Promise<void> => {
    const { sent, held } = await queue.flush()
    if (sent) (await worker.clients.matchAll()).forEach((client) => client.postMessage(told(sent)))
    if (held && again(held)) throw new Error(held.why)
  }
  worker.addEventListener('fetch', (event) => {
    const { method, mode, url } = event.request
    if (method === 'GET' && mode === 'navigate' && new URL(url).origin === location.origin) event.waitUntil(send().catch(() => undefined))
  })
  worker.addEventListener('sync', (event) => {
    const { tag: woken, waitUntil } = event as ExtendableEvent & { tag: string }
    if (woken === tag) waitUntil.call(event, send())
  })
}
