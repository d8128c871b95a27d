/**
 * Calls `tick` every `ms`, also while the page is behind another: browsers slow down the timers of what is not seen,
 * to once a minute, but not a worker's.
 */
export function startTicking(tick: () => void, ms: number): void {
  try {
    const address = URL.createObjectURL(new Blob([`setInterval(() => postMessage(0), ${ms})`], { type: 'text/javascript' }))
    const worker = new Worker(address)
    worker.addEventListener('message', tick)
    worker.addEventListener('error', () => setInterval(tick, ms), { once: true })
  } catch {
    setInterval(tick, ms)
  }
}
