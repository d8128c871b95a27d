/** Favourites of who is not signed in: the same list, kept in this browser. */
import { startRefresh } from '../../shell/refresh'

export interface Favourite {
  kind: string
  reference: string
  name: string
  label: string
}

const KEY = 'transit-favourites'
const MOST = 60

export function kept(): Favourite[] {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? '[]') as unknown
    return Array.isArray(found) ? (found as Favourite[]).filter((one) => typeof one?.reference === 'string') : []
  } catch {
    return []
  }
}

const same = (a: Favourite, b: Favourite): boolean => a.kind === b.kind && a.reference === b.reference
function write(list: Favourite[]): void {
  localStorage.setItem(KEY, JSON.stringify(list.slice(-MOST)))
  tellWorker()
}

export const add = (one: Favourite): void => write([...kept().filter((other) => !same(other, one)), one])
export const remove = (one: Favourite): void => write(kept().filter((other) => !same(other, one)))

/** Has the service worker keep the favourites' timetables; `mine`: the city has a list of whoever is signed in too. */
export function tellWorker(mine = false): void {
  if (!('serviceWorker' in navigator)) return
  void navigator.serviceWorker.ready.then(({ active }) => active?.postMessage({ favourites: kept().filter(isPage).map(address), mine }))
}

const isPage = (one: Favourite): boolean => one.kind === 'stop' || one.kind === 'line'

/** The star on a page: for who is signed in a form of the city, else it writes into this browser. */
export function startStar(form: HTMLFormElement): void {
  if (form.dataset.here !== '1' || form.dataset.awake) return
  form.dataset.awake = '1'
  const value = (name: string): string => form.querySelector<HTMLInputElement>(`[name=${name}]`)?.value ?? ''
  const mine: Favourite = { kind: value('kind'), reference: value('reference'), name: value('name'), label: '' }
  const button = form.querySelector('button')!
  const show = (): void => button.setAttribute('aria-pressed', String(kept().some((one) => same(one, mine))))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (kept().some((one) => same(one, mine))) remove(mine)
    else add(mine)
    show()
  })
  button.disabled = false
  show()
}

/** The page of the favourites, filled with this browser's. */
export function startList(page: HTMLElement): void {
  if (!('favouritesHere' in page.dataset) || page.dataset.awake) return
  page.dataset.awake = '1'
  const list = page.querySelector<HTMLElement>('[data-favourites-list]')!
  const gone = page.querySelector<HTMLElement>('[data-favourites-gone]')!
  const draw = (): void => {
    const found = kept()
    list.replaceChildren(...found.map((one) => row(one, page.dataset.remove ?? '', () => take(one))))
    list.hidden = found.length === 0
    page.querySelector<HTMLElement>('[data-favourites-none]')!.hidden = found.length > 0
  }
  const take = (one: Favourite): void => {
    const before = kept()
    remove(one)
    draw()
    const undo = Object.assign(document.createElement('button'), { className: 'button button-quiet', textContent: page.dataset.undo })
    undo.addEventListener('click', () => {
      write(before)
      gone.hidden = true
      draw()
    })
    gone.replaceChildren(document.createTextNode((page.dataset.removed ?? '{}').replace('{}', one.name)), undo)
    gone.hidden = false
    undo.focus()
  }
  draw()
}

function row(one: Favourite, word: string, remove: () => void): HTMLElement {
  const item = document.createElement('li')
  item.className = 'list-row list-row-tall favourite-row'
  const link = Object.assign(document.createElement('a'), { href: address(one), textContent: one.name })
  const button = Object.assign(document.createElement('button'), { className: 'button button-quiet', textContent: word })
  button.setAttribute('aria-label', `${word}: ${one.name}`)
  button.addEventListener('click', remove)
  item.append(document.createElement('span'), link, button)
  const next = nextOf(one)
  if (next) item.append(live(next))
  return item
}

/** What leaves next for it, kept fresh. */
function live(address: string): HTMLElement {
  const part = document.createElement('div')
  part.className = 'favourite-next'
  part.dataset.refresh = address
  part.dataset.every = '30'
  part.appendChild(document.createElement('div')).dataset.refreshBody = ''
  // It looks whether it is on the page still, so it begins when it is.
  queueMicrotask(() => startRefresh(part, true))
  return part
}

/** The address of what leaves next for a favourite; "" for a line, which leaves everywhere. */
export function nextOf(one: Favourite): string {
  if (one.kind === 'stop') return `/transit/stops/${encodeURIComponent(one.reference)}/next/?part=1&bare=1`
  return one.kind === 'journey' ? `/transit/next/?${new URLSearchParams({ journey: one.reference })}` : ''
}

/** The page of a favourite. */
export function address(one: Favourite): string {
  if (one.kind !== 'journey') return `/transit/${one.kind === 'line' ? 'lines' : 'stops'}/${encodeURIComponent(one.reference)}/`
  const [from = '', to = ''] = one.reference.split(';')
  const [start = '', goal = ''] = one.name.split(' – ')
  const [a = '', b = ''] = from.split(',')
  const [c = '', d = ''] = to.split(',')
  return `/transit/?${new URLSearchParams({ from: start, from_lon: a, from_lat: b, to: goal, to_lon: c, to_lat: d })}`
}
