/**
 * A part that refreshes itself (refresh.ts) asks at once when the city tells that something is another way: `address` is
 * that of a live topic. A stream that ends is begun anew after `pause`, ms; without one the part asks by itself.
 */
export function listen(part: HTMLElement, address: string, pause: number): void {
  const events = new EventSource(address)
  const look = (): void => void part.dispatchEvent(new Event('refresh'))
  // What came before the stream was open, or was lost, is not told again.
  ;['open', 'reset', 'message'].forEach((name) => events.addEventListener(name, look))
  events.addEventListener('error', () => events.readyState === EventSource.CLOSED && setTimeout(() => listen(part, address, pause), pause))
  addEventListener('pagehide', () => events.close(), { once: true })
  addEventListener('pageshow', (event) => (event as PageTransitionEvent).persisted && listen(part, address, pause), { once: true })
}
