/**
 * Calls `start` for the page, and again for every part that is put in anew, by HTMX or by a part that refreshes itself.
 * So a part may be given twice: what `start` wakes, it marks.
 */
export function wake(start: (root: ParentNode) => void): void {
  start(document)
  document.body.addEventListener('htmx:afterSwap', (event) => start(event.target as HTMLElement))
}
