import type { CityMap } from './map'

/** The inbox by keys, the crew's place, and standard answers. */
export function startDesk(root: ParentNode): void {
  root.querySelectorAll<HTMLElement>('[data-desk]').forEach(wakeInbox)
  root.querySelectorAll<HTMLFormElement>('[data-answers]').forEach((form) => {
    const reason = form.querySelector<HTMLTextAreaElement>('[data-reason]')!
    form.querySelector<HTMLSelectElement>('[data-answer]')?.addEventListener('change', (event) => {
      const { value } = event.target as HTMLSelectElement
      if (value) reason.value = value
    })
  })
  root.querySelector('[data-from-here]')?.addEventListener('click', () => {
    navigator.geolocation?.getCurrentPosition(({ coords }) =>
      location.assign(`?from=${coords.longitude.toFixed(6)},${coords.latitude.toFixed(6)}`),
    )
  })
}

function wakeInbox(desk: HTMLElement): void {
  if (desk.dataset.awake) return
  desk.dataset.awake = '1'
  const rows = [...desk.querySelectorAll<HTMLElement>('[data-row]')]
  const link = (row: HTMLElement): HTMLAnchorElement => row.querySelector('a')!
  let at = -1
  const go = (next: number): void => {
    at = Math.max(0, Math.min(rows.length - 1, next))
    const row = rows[at]
    if (!row) return
    link(row).focus()
    row.scrollIntoView({ block: 'nearest' })
    const { lon, lat } = row.dataset
    void customElements.whenDefined('city-map').then(() => {
      document.querySelector<CityMap>('city-map')?.mark?.('to', Number(lon), Number(lat), () => undefined)
    })
  }
  rows.forEach((row, number) => link(row).addEventListener('focus', () => (at = number)))
  document.addEventListener('keydown', (event) => {
    const typing = (event.target as HTMLElement).matches('input:not([type=checkbox]), select, textarea')
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'j') go(at + 1)
    else if (event.key === 'k') go(at - 1)
    else if (event.key === 'x') rows[at]?.querySelector<HTMLInputElement>('input')?.click()
    else if (event.key === '/') {
      const search = desk.querySelector<HTMLInputElement>('[data-desk-search]')!
      search.closest('details')!.open = true
      search.focus()
    } else return
    event.preventDefault()
  })
}
