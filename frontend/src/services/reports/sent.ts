import { heldWords } from '../../shell/sending'
import { moment } from '../../shell/zone'
import { reports, type Sent } from './queue'
import { sending, whenChanged } from './waiting'

/** What this device has sent, and what still waits. */
export async function showSent(root: HTMLElement): Promise<void> {
  const list = root.querySelector<HTMLElement>('[data-sent-list]')!
  const rows: HTMLElement[] = []
  for (const one of await reports.waiting()) {
    const state = one.refused === undefined ? heldWords(root, one.held) : `${root.dataset.failed ?? ''}: ${one.refused}`
    const item = row(root, one.key, one.fields.what ?? '', state, one.at)
    item.lastElementChild!.before(button(root.dataset.now ?? '', () => void reports.release(one.key).then(() => sending.go())))
    rows.push(item)
  }
  for (const one of (await reports.sent()).sort((a, b) => b.at - a.at)) rows.push(sentRow(root, one))
  list.replaceChildren(...rows)
  list.hidden = rows.length === 0
  root.querySelector<HTMLElement>('[data-sent-none]')!.hidden = rows.length > 0
}

function sentRow(root: HTMLElement, one: Sent): HTMLElement {
  const item = row(root, one.key, one.what, `${root.dataset.number ?? ''} ${one.id}`, one.at, one.link)
  void showState(item, one.id)
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
  detail.textContent = `${state} · ${moment(at)}`
  const words = document.createElement('span')
  words.append(title, detail)
  item.append(words, button(root.dataset.forget ?? '', () => void reports.forget(key).then(() => showSent(root))))
  return item
}

function button(text: string, pressed: () => void): HTMLElement {
  const made = document.createElement('button')
  made.type = 'button'
  made.className = 'button button-quiet'
  made.textContent = text
  made.addEventListener('click', pressed)
  return made
}

whenChanged(refresh)
addEventListener('online', () => void sending.go())
navigator.serviceWorker?.addEventListener('message', (event) => {
  if ((event.data as { sent?: unknown })?.sent) refresh()
})

/** Shows again, on whatever of the reports' pages is open, what this device has sent. */
export function refresh(): void {
  document.querySelectorAll<HTMLElement>('[data-sent]').forEach((list) => void showSent(list))
  document.querySelectorAll<HTMLElement>('[data-report-form][data-waiting]').forEach((form) => void showWaiting(form))
}

/** What has become of the report that was written here and could not be sent at once. */
async function showWaiting(form: HTMLElement): Promise<void> {
  const mine = await reports.find(form.dataset.waiting!)
  const said = form.querySelector<HTMLElement>('[data-said]')!
  if (!mine || form.querySelector('button.send:disabled')) return
  if ('sent' in mine) {
    const link = document.createElement('a')
    link.href = mine.sent.link
    link.textContent = form.dataset.follow ?? ''
    said.replaceChildren(link)
    delete form.dataset.waiting
    return
  }
  const { held, refused } = mine.waits
  said.textContent = refused === undefined ? heldWords(form, held) : `${form.dataset.failed ?? ''} ${refused}`
}
