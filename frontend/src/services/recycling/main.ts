/** A pickup's page asks at once when the city tells that it stands otherwise; without a stream it asks by itself. */
const AGAIN_MS = 4000

export function listen(part: HTMLElement): void {
  const events = new EventSource(part.dataset.recyclingLive!)
  const look = (): void => void part.dispatchEvent(new Event('refresh'))
  // What came before the stream was open, or was lost, is not told again.
  ;['open', 'reset', 'message'].forEach((name) => events.addEventListener(name, look))
  events.addEventListener('error', () => events.readyState === EventSource.CLOSED && setTimeout(() => listen(part), AGAIN_MS))
  addEventListener('pagehide', () => events.close(), { once: true })
  addEventListener('pageshow', (event) => (event as PageTransitionEvent).persisted && listen(part), { once: true })
}

document.querySelectorAll<HTMLElement>('[data-recycling-live]').forEach(listen)
