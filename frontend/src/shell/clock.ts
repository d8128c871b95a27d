/** The city's clock: this device's, or that of a demo whose clock was set (`data-ahead`, seconds). */
export const aheadMs = (): number => Number(document.documentElement.dataset.ahead ?? 0) * 1000

/** Now, in milliseconds. */
export const now = (): number => Date.now() + aheadMs()
