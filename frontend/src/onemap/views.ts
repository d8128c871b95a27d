/** Saved views: kept, shared and deleted without leaving the map. */
import type { State, Words } from './spec'

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
      tell(ok ? words.saved : [body.message, body.mend].filter(Boolean).join(' ') || words.failed)
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
    void post(root, button.dataset.deleteView!, {}).then(({ ok }) => {
      if (ok) button.closest('li')?.remove()
      tell(ok ? words.deleted : words.failed)
    })
  })
}
