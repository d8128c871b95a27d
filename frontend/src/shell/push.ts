/**
 * The switch for messages on this device (Web Push).
 * Source: W3C Push API, section 3; the subscription is kept by the city, the permission by the browser.
 */
const API = '/api/people/push-subscriptions'

export function startPush(root: HTMLElement): void {
  const box = root.querySelector<HTMLInputElement>('[data-push-switch]')!
  const said = root.querySelector<HTMLElement>('[data-push-said]')!
  const say = (what: 'none' | 'denied' | 'on' | 'off' | 'failed'): void => void (said.textContent = said.dataset[what] ?? '')
  if (!('serviceWorker' in navigator) || !('PushManager' in window)) return say('none')
  void navigator.serviceWorker.ready.then(async (worker) => {
    const known = await worker.pushManager.getSubscription()
    box.checked = known !== null
    box.disabled = false
  })
  box.addEventListener('change', () => {
    box.disabled = true
    const done = box.checked ? subscribe(root.dataset.key ?? '') : unsubscribe()
    void done
      .then((now) => {
        box.checked = now === 'on'
        say(now)
      })
      .catch(() => {
        box.checked = !box.checked
        say('failed')
      })
      .finally(() => (box.disabled = false))
  })
}

/** Asks for the permission and subscribes, where this browser can. Never throws: who cannot be pushed to has an inbox. */
export async function allow(key: string): Promise<void> {
  if (!('serviceWorker' in navigator) || !('PushManager' in window)) return
  await subscribe(key).catch(() => undefined)
}

async function subscribe(key: string): Promise<'on' | 'denied'> {
  if ((await Notification.requestPermission()) !== 'granted') return 'denied'
  const worker = await navigator.serviceWorker.ready
  const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) })
  const { endpoint, keys } = subscription.toJSON()
  try {
    await send('POST', { endpoint, keys })
  } catch (problem) {
    await subscription.unsubscribe()
    throw problem
  }
  return 'on'
}

async function unsubscribe(): Promise<'off'> {
  const subscription = await (await navigator.serviceWorker.ready).pushManager.getSubscription()
  if (subscription) {
    await send('DELETE', { endpoint: subscription.endpoint })
    await subscription.unsubscribe()
  }
  return 'off'
}

async function send(method: string, body: unknown): Promise<void> {
  const token = document.querySelector<HTMLInputElement>('input[name=csrfmiddlewaretoken]')?.value ?? ''
  const headers = { 'Content-Type': 'application/json', 'X-CSRFToken': token }
  const answer = await fetch(API, { method, headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${answer.status}`)
}

/** base64url as bytes (RFC 4648, section 5). */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0))
}
