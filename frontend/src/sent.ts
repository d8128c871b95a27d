import { flush, forget, sent, waiting, type Sent } from './queue'

/** What this device has sent, and what still waits for a network. */
export async function showSent(root: HTMLElement): Promise<void> {
  const list = root.querySelector<HTMLElement>('[data-sent-list]')!
  const rows: HTMLElement[] = []
  for (const one of await waiting()) {
    rows.push(row(root, one.key, one.fields.what ?? '', root.dataset.waits ?? '', one.at))
  }
  for (const one of (await sent()).sort((a, b) => b.at - a.at)) rows.push(sentRow(root, one))
  list.replaceChildren(...rows)
  list.hidden = rows.length === 0
  root.querySelector<HTMLElement>('[data-sent-none]')!.hidden = rows.length > 0
}

function sentRow(root: HTMLElement, one: Sent): HTMLElement {
  const state = one.link ? `${root.dataset.number ?? ''} ${one.id}` : `${root.dataset.failed ?? ''}: ${one.problem}`
  const item = row(root, one.key, one.what, state, one.at, one.link)
  if (one.link) void showState(item, one.id!)
  return item
}

/** How a report stands now, as the public list says it; of one that is not public nothing is shown. */
async function showState(item: HTMLElement, id: number): Promise<void> {
  const answer = await fetch(`/reports/${id}/?part=1`).catch(() => null)
  if (!answer?.ok) return
  const state = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('.state')
  if (state) item.lastElementChild!.before(state)
}

function row(root: HTMLElement, key: string, what: string, state: string, at: number, link = ''): HTMLElement {
  const item = document.createElement('li')
  item.className = 'list-row sent-row'
  const title = document.createElement(link ? 'a' : 'strong')
  if (link) title.setAttribute('href', link)
  title.textContent = what
  const detail = document.createElement('small')
  detail.textContent = `${state} · ${new Date(at).toLocaleString(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' })}`
  const words = document.createElement('span')
  words.append(title, detail)
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'button button-quiet'
  button.textContent = root.dataset.forget ?? ''
  button.addEventListener('click', () => void forget(key).then(() => showSent(root)))
  item.append(words, button)
  return item
}

addEventListener('online', () => void flush().then(refresh))
navigator.serviceWorker?.addEventListener('message', (event) => {
  if ((event.data as { sent?: unknown })?.sent) refresh()
})

function refresh(): void {
  document.querySelectorAll<HTMLElement>('[data-sent]').forEach((list) => void showSent(list))
}
