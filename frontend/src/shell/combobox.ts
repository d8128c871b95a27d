/**
 * A text field that suggests as one types: places for a form, or with `data-mode="go"` anything in the city, to go to.
 * On a phone it fills the screen while somebody writes in it.
 * Source: W3C ARIA Authoring Practices, "Editable Combobox With List Autocomplete".
 */

import { here, look } from './here'

export interface Place {
  name: string
  kind: string
  detail: string
  kind_name?: string
  area?: string
  /** Where choosing it leads, in the mode "go". */
  url?: string
  lon: number
  lat: number
}

const PAUSE_MS = 160
/** A screen reader is told no more than this at once. */
const SAID = 120
const PHONE = '(max-width: 44rem)'

export function startCombobox(root: HTMLElement): void {
  if (root.dataset.awake) return
  root.dataset.awake = '1'
  const input = root.querySelector<HTMLInputElement>('input[role=combobox]')!
  const list = root.querySelector<HTMLElement>('[role=listbox]')!
  const lon = root.querySelector<HTMLInputElement>('[data-lon]')
  const lat = root.querySelector<HTMLInputElement>('[data-lat]')
  const status = root.querySelector<HTMLElement>('[role=status]')
  const goes = root.dataset.mode === 'go'
  const nothing = document.createElement('p')
  nothing.className = 'combobox-none'
  nothing.hidden = true
  list.after(nothing)
  const sheet = makeSheet(root, input)
  let places: Place[] = []
  let active = -1
  let timer = 0
  let asked = 0

  const hide = (): void => {
    list.hidden = nothing.hidden = true
    active = -1
    input.setAttribute('aria-expanded', 'false')
    input.removeAttribute('aria-activedescendant')
  }
  const close = (): void => {
    // What is still on its way is not to open the list again.
    asked += 1
    clearTimeout(timer)
    hide()
    sheet.close()
  }
  const choose = (place: Place): void => {
    close()
    if (!goes) return setPlace(root, place.name, place.lon, place.lat)
    if (place.url && root.dispatchEvent(new CustomEvent('go', { bubbles: true, cancelable: true, detail: place.url }))) {
      location.assign(place.url)
    }
  }
  const highlight = (next: number): void => {
    active = (next + places.length) % places.length
    list.querySelectorAll('[role=option]').forEach((option, place) => {
      option.setAttribute('aria-selected', String(place === active))
      if (place === active) {
        input.setAttribute('aria-activedescendant', option.id)
        option.scrollIntoView({ block: 'nearest' })
      }
    })
  }
  const tell = (text: string): void => {
    const said = text.slice(0, SAID)
    if (status && status.textContent !== said) status.textContent = said
  }
  const show = (): void => {
    list.replaceChildren(...places.map((place, row) => option(`${list.id}-${row}`, place, () => choose(place))))
    list.hidden = places.length === 0
    input.removeAttribute('aria-activedescendant')
    input.setAttribute('aria-expanded', String(places.length > 0))
    note(places.length ? '' : (root.dataset.none ?? ''))
    tell(places.length ? `${places.length} ${root.dataset.found ?? ''}` : (root.dataset.none ?? ''))
  }
  /** Says to all who see it why there is no list. */
  const note = (text: string): void => {
    nothing.textContent = text
    nothing.hidden = text === ''
  }
  /** A sheet with nothing in it would look broken: it says what may be typed. */
  const hint = (): void => {
    if (sheet.isOpen() && input.value.trim() === '') note(root.dataset.hint ?? '')
  }
  const ask = async (): Promise<void> => {
    const mine = ++asked
    const query = new URLSearchParams({ q: input.value, ...position(root, goes) })
    try {
      const answer = await fetch(`${root.dataset.combobox}?${query}`)
      // A slow answer to an earlier letter must not replace a later one.
      if (mine !== asked || !answer.ok) return
      places = (await answer.json()) as Place[]
      if (mine !== asked) return
      active = -1
      show()
    } catch {
      if (mine !== asked) return
      hide()
      note(root.dataset.offline ?? '')
      tell(root.dataset.offline ?? '')
    }
  }

  input.addEventListener('focus', () => void look())
  input.addEventListener('input', () => {
    if (lon && lat) lon.value = lat.value = ''
    clearTimeout(timer)
    sheet.open()
    if (input.value.trim().length < least(input.value)) {
      asked += 1
      hide()
      return hint()
    }
    timer = window.setTimeout(() => void ask(), PAUSE_MS)
  })
  input.addEventListener('click', () => {
    sheet.open()
    hint()
  })
  root.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return
    if (!list.hidden || !nothing.hidden || sheet.isOpen()) event.preventDefault()
    close()
  })
  input.addEventListener('keydown', (event) => {
    // While a syllable is being composed, Enter and the arrows are the keyboard's own.
    if (event.isComposing || event.key === 'Escape') return
    if (list.hidden) {
      if (event.key === 'ArrowDown' && input.value.trim().length >= least(input.value)) void ask()
      return
    }
    if (event.key === 'ArrowDown') highlight(active + 1)
    else if (event.key === 'ArrowUp') highlight(active - 1)
    else if (event.key === 'Enter' && active < 0 && goes) return
    else if (event.key === 'Enter') choose(places[Math.max(0, active)]!)
    else return
    event.preventDefault()
  })
  // The field keeps the focus while the list is pressed: it is chosen by a click, so that dragging the list scrolls it.
  list.addEventListener('mousedown', (event) => event.preventDefault())
  root.addEventListener('focusout', (event) => {
    if (!sheet.isOpen() && !root.contains(event.relatedTarget as Node | null)) close()
  })
  root.addEventListener('combobox-close', close)
}

/** How many letters are worth asking for: a syllable of Hangul says as much as two letters. */
const least = (text: string): number => (/[\uac00-\ud7a3]/.test(text) ? 1 : 2)

/** What is near comes first: near to where the page says, else to where the device is, if that may be known. */
function position(root: HTMLElement, goes: boolean): Record<string, string> {
  const near = root.dataset.near || here()
  if (!goes) return { near }
  const [lon, lat] = near.split(',')
  return lon && lat ? { lon, lat } : {}
}

interface Sheet {
  open(): void
  close(): void
  isOpen(): boolean
}

/** On a phone the field and its list fill the screen, above all else, until one is chosen or it is closed. */
function makeSheet(root: HTMLElement, input: HTMLInputElement): Sheet {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'icon-button combobox-close'
  button.textContent = '✕'
  button.setAttribute('aria-label', root.dataset.close ?? '')
  button.hidden = true
  input.after(button)
  let opened = false
  const phone = (): boolean => typeof matchMedia === 'function' && matchMedia(PHONE).matches
  const open = (): void => {
    if (opened || !phone()) return
    opened = true
    root.dataset.sheet = ''
    root.setAttribute('role', 'dialog')
    root.setAttribute('aria-modal', 'true')
    root.setAttribute('aria-label', input.labels?.[0]?.textContent ?? input.placeholder)
    button.hidden = false
    // Above whatever else is fixed on the page, wherever the field stands in it.
    root.setAttribute('popover', 'manual')
    root.showPopover?.()
    input.focus()
  }
  const close = (): void => {
    if (!opened) return
    opened = false
    const inside = root.contains(document.activeElement)
    button.hidden = true
    root.hidePopover?.()
    for (const name of ['popover', 'role', 'aria-modal', 'aria-label']) root.removeAttribute(name)
    delete root.dataset.sheet
    if (inside) input.focus()
  }
  button.addEventListener('click', () => root.dispatchEvent(new CustomEvent('combobox-close')))
  // Nothing behind the sheet is reached by Tab.
  root.addEventListener('keydown', (event) => {
    if (!opened || event.key !== 'Tab') return
    event.preventDefault()
    if (document.activeElement === input) button.focus()
    else input.focus()
  })
  return { open, close, isOpen: () => opened }
}

function option(id: string, place: Place, choose: () => void): HTMLElement {
  const item = document.createElement('li')
  item.id = id
  item.setAttribute('role', 'option')
  item.setAttribute('aria-selected', 'false')
  const name = document.createElement('span')
  name.textContent = place.name
  const more = document.createElement('small')
  // The one search says a kind in words; a list of places has its name beside it.
  const kind = place.url ? place.kind : place.kind_name
  more.textContent = [kind, place.area, place.detail].filter(Boolean).join(' · ')
  item.append(name, more)
  item.addEventListener('click', choose)
  return item
}

/** Fills a field with a place, however it was chosen, and tells the form. */
export function setPlace(root: HTMLElement, name: string, lon: number, lat: number): void {
  root.querySelector<HTMLInputElement>('input[role=combobox]')!.value = name
  root.querySelector<HTMLInputElement>('[data-lon]')!.value = lon.toFixed(6)
  root.querySelector<HTMLInputElement>('[data-lat]')!.value = lat.toFixed(6)
  root.dispatchEvent(new CustomEvent('place', { bubbles: true, detail: { name, lon, lat } }))
}
