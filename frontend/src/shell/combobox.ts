/**
 * A text field that suggests places as one types.
 * Source: W3C ARIA Authoring Practices, "Editable Combobox With List Autocomplete".
 */
export interface Place {
  name: string
  kind: string
  detail: string
  lon: number
  lat: number
}

const PAUSE_MS = 160

export function startCombobox(root: HTMLElement): void {
  if (root.dataset.awake) return
  root.dataset.awake = '1'
  const input = root.querySelector<HTMLInputElement>('input[role=combobox]')!
  const list = root.querySelector<HTMLElement>('[role=listbox]')!
  const lon = root.querySelector<HTMLInputElement>('[data-lon]')!
  const lat = root.querySelector<HTMLInputElement>('[data-lat]')!
  const status = root.querySelector<HTMLElement>('[role=status]')
  let places: Place[] = []
  let active = -1
  let timer = 0
  let asked = 0

  const close = (): void => {
    list.hidden = true
    active = -1
    input.setAttribute('aria-expanded', 'false')
    input.removeAttribute('aria-activedescendant')
  }
  const choose = (place: Place): void => {
    setPlace(root, place.name, place.lon, place.lat)
    close()
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
  const show = (): void => {
    list.replaceChildren(...places.map((place, row) => option(`${list.id}-${row}`, place, () => choose(place))))
    list.hidden = places.length === 0
    input.setAttribute('aria-expanded', String(places.length > 0))
    if (status) {
      status.textContent = places.length ? `${places.length} ${root.dataset.found ?? ''}` : (root.dataset.none ?? '')
    }
  }
  const ask = async (): Promise<void> => {
    const mine = ++asked
    const query = new URLSearchParams({ q: input.value, near: root.dataset.near ?? '' })
    try {
      const answer = await fetch(`${root.dataset.combobox}?${query}`)
      // A slow answer to an earlier letter must not replace a later one.
      if (mine !== asked || !answer.ok) return
      places = (await answer.json()) as Place[]
      active = -1
      show()
    } catch {
      if (status) status.textContent = root.dataset.offline ?? ''
    }
  }

  input.addEventListener('input', () => {
    lon.value = lat.value = ''
    clearTimeout(timer)
    if (input.value.trim().length < 2) return close()
    timer = window.setTimeout(() => void ask(), PAUSE_MS)
  })
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') return close()
    if (list.hidden) {
      if (event.key === 'ArrowDown' && input.value.trim().length > 1) void ask()
      return
    }
    if (event.key === 'ArrowDown') highlight(active + 1)
    else if (event.key === 'ArrowUp') highlight(active - 1)
    else if (event.key === 'Enter') choose(places[Math.max(0, active)]!)
    else return
    event.preventDefault()
  })
  input.addEventListener('blur', () => window.setTimeout(close, 120))
}

function option(id: string, place: Place, choose: () => void): HTMLElement {
  const item = document.createElement('li')
  item.id = id
  item.setAttribute('role', 'option')
  const name = document.createElement('span')
  name.textContent = place.name
  const detail = document.createElement('small')
  detail.textContent = place.detail
  item.append(name, detail)
  // Before the field loses focus, which would close the list under the finger.
  item.addEventListener('pointerdown', (event) => {
    event.preventDefault()
    choose()
  })
  return item
}

/** Fills a field with a place, however it was chosen, and tells the form. */
export function setPlace(root: HTMLElement, name: string, lon: number, lat: number): void {
  root.querySelector<HTMLInputElement>('input[role=combobox]')!.value = name
  root.querySelector<HTMLInputElement>('[data-lon]')!.value = lon.toFixed(6)
  root.querySelector<HTMLInputElement>('[data-lat]')!.value = lat.toFixed(6)
  root.dispatchEvent(new CustomEvent('place', { bubbles: true, detail: { name, lon, lat } }))
}
