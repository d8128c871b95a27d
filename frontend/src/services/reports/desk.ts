import type { CityMap } from '../../map/map'

/** The inbox by keys, the crew's place, and standard answers. */
export function startDesk(root: ParentNode): void {
  root.querySelectorAll<HTMLElement>('[data-desk]').forEach(wakeInbox)
  root.querySelectorAll<HTMLFormElement>('[data-rules]').forEach(wakeRules)
  root.querySelectorAll<HTMLFormElement>('form[data-sending]').forEach(sayThatItIsSent)
  root.querySelectorAll<HTMLFormElement>('[data-answers]').forEach((form) => {
    const reason = form.querySelector<HTMLTextAreaElement>('[data-reason]')!
    form.querySelector<HTMLSelectElement>('[data-answer]')?.addEventListener('change', (event) => {
      const { value } = event.target as HTMLSelectElement
      if (value) reason.value = value
    })
    form.querySelectorAll<HTMLButtonElement>('button[name=step]').forEach((button) => {
      button.addEventListener('click', () => (reason.required = 'needsReason' in button.dataset))
    })
  })
  const fromHere = root.querySelector<HTMLButtonElement>('[data-from-here]')
  fromHere?.addEventListener('click', () => {
    const words = fromHere.querySelector('span')!
    const failed = (): void => void (words.textContent = fromHere.dataset.failed ?? '')
    if (!navigator.geolocation) return failed()
    words.textContent = fromHere.dataset.locating ?? ''
    const found = ({ coords }: GeolocationPosition): void =>
      location.assign(`?from=${coords.longitude.toFixed(6)},${coords.latitude.toFixed(6)}`)
    navigator.geolocation.getCurrentPosition(found, failed, { timeout: 10_000 })
  })
}

/** A photo takes its time from the street: the button says that it goes, and does not send it twice. */
function sayThatItIsSent(form: HTMLFormElement): void {
  form.addEventListener('submit', ({ submitter }) => {
    // What the form sends is read before this runs: a disabled button's value would be missing.
    setTimeout(() => {
      form.querySelectorAll('button').forEach((button) => (button.disabled = true))
      if (submitter) submitter.textContent = form.dataset.sending ?? ''
    })
  })
}

/** Rules can be added and put in order: the first that fits decides. */
function wakeRules(form: HTMLFormElement): void {
  const body = form.querySelector('tbody')!
  const add = form.querySelector<HTMLButtonElement>('[data-add-rule]')!
  add.hidden = false
  body.querySelectorAll<HTMLButtonElement>('[data-up]').forEach((button) => (button.hidden = false))
  body.addEventListener('click', (event) => {
    const button = (event.target as HTMLElement).closest<HTMLButtonElement>('[data-up]')
    const row = button?.closest('tr')
    row?.previousElementSibling?.before(row)
    button?.focus()
  })
  add.addEventListener('click', () => {
    const row = body.lastElementChild!.cloneNode(true) as HTMLElement
    row.querySelectorAll<HTMLInputElement | HTMLSelectElement>('input, select').forEach((field) => (field.value = ''))
    body.append(row)
    row.querySelector('select')!.focus()
  })
}

/** What can be done with the chosen ones is there once some are. */
function wakeChoice(desk: HTMLElement): void {
  const bulk = desk.querySelector<HTMLElement>('[data-bulk]')
  if (!bulk) return
  const boxes = [...desk.querySelectorAll<HTMLInputElement>('[data-row] input')]
  const all = desk.querySelector<HTMLElement>('[data-choose-all]')!
  const every = all.querySelector('input')!
  const step = bulk.querySelector('select')!
  const reason = bulk.querySelector<HTMLInputElement>('[name=reason]')!
  const show = (): void => {
    const chosen = boxes.filter((box) => box.checked).length
    bulk.hidden = chosen === 0
    bulk.querySelector('[data-chosen]')!.textContent = String(chosen)
    every.checked = chosen === boxes.length
    every.indeterminate = chosen > 0 && chosen < boxes.length
    reason.required = 'needsReason' in (step.selectedOptions[0]?.dataset ?? {})
  }
  all.hidden = false
  every.addEventListener('change', () => {
    boxes.forEach((box) => (box.checked = every.checked))
    show()
  })
  desk.addEventListener('change', show)
  // A browser that comes back to the page keeps what was chosen.
  addEventListener('pageshow', show)
  show()
}

function wakeInbox(desk: HTMLElement): void {
  if (desk.dataset.awake) return
  desk.dataset.awake = '1'
  wakeChoice(desk)
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
