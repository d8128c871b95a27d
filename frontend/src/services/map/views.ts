/** Saved views: kept, shared and deleted without leaving the map. */
import { say, type State, type Words } from './spec'

function csrf(root: HTMLElement): string {
  return root.querySelector<HTMLInputElement>('[name=csrfmiddlewaretoken]')?.value ?? ''
}

/** Posts JSON; gives the answer's body, or what to tell the person. */
export async function post(root: HTMLElement, address: string, body: unknown): Promise<{ ok: boolean; body: Record<string, string> }> {
  const answer = await fetch(address, {
    method: 'POST', body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': csrf(root) },
  }).catch(() => undefined)
  if (!answer) return { ok: false, body: {} }
  return { ok: answer.ok, body: ((await answer.json().catch(() => ({}))) ?? {}) as Record<string, string> }
}

const refusal = (body: Record<string, string>, words: Words): string | undefined => [body.message, body.mend].filter(Boolean).join(' ') || words.failed

export function startViews(root: HTMLElement, words: Words, state: () => State, tell: (text: string | undefined) => void): void {
  const form = root.querySelector<HTMLFormElement>('[data-save-view]')
  if (!form) return
  const audience = form.querySelector<HTMLSelectElement>('[name=audience]')!
  const role = form.querySelector<HTMLElement>('[data-role]')
  audience.addEventListener('change', () => role && (role.hidden = audience.value !== 'role'))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const values = Object.fromEntries(new FormData(form)) as Record<string, string>
    void post(root, form.action, { ...values, state: state() }).then(({ ok, body }) => {
      tell(ok ? words.saved : refusal(body, words))
      if (!ok) return
      const list = root.querySelector<HTMLElement>('[data-views]')!
      const item = list.appendChild(document.createElement('li'))
      item.className = 'row spread'
      const link = item.appendChild(document.createElement('a'))
      link.href = body.url ?? ''
      link.textContent = body.name ?? ''
      const remove = item.appendChild(document.createElement('button'))
      remove.type = 'button'
      remove.className = 'link'
      remove.dataset.deleteView = `${body.url}delete/`
      remove.textContent = form.dataset.delete ?? ''
      remove.setAttribute('aria-label', `${form.dataset.delete} ${body.name}`)
      form.reset()
    })
  })
  root.addEventListener('click', (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>('[data-delete-view]')
    if (!button) return
    void post(root, button.dataset.deleteView!, {}).then(({ ok, body }) => {
      tell(ok ? undefined : refusal(body, words))
      if (ok) offerUndo(root, button.closest('li')!, body.restore ?? '', words, tell)
    })
  })
}

/** In the place of a view that was deleted: that it is gone, and the way back. */
function offerUndo(root: HTMLElement, item: HTMLElement, address: string, words: Words, tell: (text: string | undefined) => void): void {
  const before = [...item.childNodes]
  const gone = document.createElement('span')
  gone.setAttribute('role', 'status')
  gone.textContent = say(words.deleted, { name: item.querySelector('a')?.textContent ?? '' })
  const undo = document.createElement('button')
  undo.type = 'button'
  undo.className = 'button button-quiet'
  undo.textContent = words.undo ?? ''
  undo.addEventListener('click', () => {
    void post(root, address, {}).then(({ ok, body }) => {
      tell(ok ? undefined : refusal(body, words))
      if (!ok) return
      item.replaceChildren(...before)
      item.querySelector('a')?.focus()
    })
  })
  item.replaceChildren(gone, undo)
  undo.focus()
}
