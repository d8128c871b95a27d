/**
 * What is read out loud of a part that is put in anew: a short line of it, and only where it has changed.
 *
 * `[data-speaks="id"]` is the status line, empty at first and never put in anew; `[data-spoken]` in the part with that id
 * is what it says, `[data-spoken-first]` what goes before all else. A whole list read out keeps nobody informed.
 */
export const LONGEST = 120

export function speak(line: HTMLElement): void {
  const part = document.getElementById(line.dataset.speaks ?? '')
  const said = part?.querySelector<HTMLElement>('[data-spoken-first]') ?? part?.querySelector<HTMLElement>('[data-spoken]')
  const text = shortened((said?.textContent ?? '').replace(/\s+/g, ' ').trim())
  if (line.textContent !== text) line.textContent = text
}

function shortened(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, text.lastIndexOf(' ', LONGEST - 1) + 1 || LONGEST - 1).trimEnd()}…`
}

/** What stands on the page when it opens is read with the page: the line speaks from the first change on. */
export function startSpeaking(line: HTMLElement): void {
  if (line.dataset.awake) return
  line.dataset.awake = '1'
  const part = document.getElementById(line.dataset.speaks ?? '')
  part?.addEventListener('htmx:afterSwap', () => speak(line))
}
