/** Sends a form without leaving the page, and puts in what the city's answer has for its parts. */
const PATIENCE_MS = 10_000

/** Gives whether it was sent; where it was not, `[data-unsent]` says so, with the city's words where it has some. */
export async function submit(form: HTMLFormElement, submitter?: HTMLElement | null): Promise<boolean> {
  const button = (submitter as HTMLButtonElement | null | undefined) ?? form.querySelector('button')
  const action = submitter?.getAttribute('formaction') ?? form.action
  const body = new FormData(form)
  const page = form.closest<HTMLElement>('[data-page]')!
  const token = page.querySelector<HTMLInputElement>('[name=csrfmiddlewaretoken]')?.value ?? ''
  const unsent = page.querySelector<HTMLElement>('[data-unsent]')
  if (button) button.disabled = true
  let words = unsent?.dataset.unsent ?? ''
  let sent = false
  try {
    const answer = await fetch(action, {
      method: 'POST', body, headers: { 'X-CSRFToken': token }, signal: AbortSignal.timeout(PATIENCE_MS),
    })
    const text = await answer.text()
    const came = new DOMParser().parseFromString(text, 'text/html')
    sent = answer.ok
    if (sent) put(page, came)
    else words = came.querySelector('main')?.textContent?.trim().replace(/\s+/g, ' ').slice(0, 300) || words
  } catch {
    // There was no answer: it may be sent again.
  }
  if (button) button.disabled = false
  if (unsent) {
    unsent.hidden = sent
    unsent.querySelector('span')!.textContent = sent ? '' : words
  }
  return sent
}

/** The part of the page that refreshes itself, as the answer has it. */
function put(page: HTMLElement, came: Document): void {
  const now = page.querySelector('[data-refresh-body]')
  const next = came.querySelector('[data-refresh-body]')
  if (!now || !next) return
  now.innerHTML = next.innerHTML
  now.dispatchEvent(new CustomEvent('htmx:afterSwap', { bubbles: true }))
}
