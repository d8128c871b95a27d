import { setPlace } from '../../shell/combobox'
import { smaller } from '../../shell/photo'
import { newKey } from '../../shell/queue'
import { heldWords, unkeptWords } from '../../shell/sending'
import { position } from './exif'
import { look } from './look'
import type { CityMap } from '../../map/map'
import { reports } from './queue'
import { showSent } from './sent'
import { sending } from './waiting'

const PAUSE_MS = 350
const map = (): CityMap | null => document.querySelector<CityMap>('city-map')

/** Filing, the list of this device, and the small things of the reports' pages. */
export function startReports(root: ParentNode): void {
  root.querySelectorAll<HTMLFormElement>('[data-report-form]').forEach(wakeForm)
  root.querySelectorAll<HTMLElement>('[data-sent]').forEach((list) => void showSent(list).then(() => sending.go()))
  root.querySelectorAll<HTMLElement>('[data-follow-link]').forEach(wakeCopy)
  // The form must be at hand where there is no network.
  if ('serviceWorker' in navigator) {
    void kept().then(() => Promise.all(['/reports/new/', '/reports/sent/', import.meta.url].map((path) => fetch(path)))).catch(() => undefined)
  }
}

/** Once the service worker hears of what this page asks for: on a first visit that is a while after the page is shown. */
async function kept(): Promise<void> {
  if (navigator.serviceWorker.controller) return
  await new Promise((done) => navigator.serviceWorker.addEventListener('controllerchange', done, { once: true }))
}

function wakeForm(form: HTMLFormElement): void {
  if (form.dataset.awake) return
  form.dataset.awake = '1'
  const photos: File[] = []
  const field = <T extends HTMLElement>(selector: string): T => form.querySelector<T>(selector)!
  const place = field<HTMLElement>('[data-combobox]')
  const category = field<HTMLSelectElement>('#category')
  const text = field<HTMLTextAreaElement>('#text')
  const lon = field<HTMLInputElement>('[data-lon]')
  const lat = field<HTMLInputElement>('[data-lat]')
  const said = field<HTMLElement>('[data-place-said]')

  const here = async (x: number, y: number): Promise<void> => {
    let name = `${y.toFixed(5)}, ${x.toFixed(5)}`
    try {
      const answer = await fetch(`/api/places/here?lon=${x.toFixed(6)}&lat=${y.toFixed(6)}`)
      if (answer.ok) name = ((await answer.json()) as { name: string }).name
    } catch {
      // Without a network the coordinates are name enough.
    }
    setPlace(place, name, x, y)
  }
  place.addEventListener('place', () => {
    void customElements.whenDefined('city-map').then(() => {
      map()?.mark?.('to', Number(lon.value), Number(lat.value), (x, y) => void here(x, y))
      map()?.map?.easeTo({ center: [Number(lon.value), Number(lat.value)], zoom: Math.max(15, map()!.map.getZoom()) })
    })
    lookNear()
  })
  document.addEventListener('pick', (event) => {
    const { lon: x, lat: y } = (event as CustomEvent<{ lon: number; lat: number }>).detail
    void here(x, y)
  })
  const locate = field<HTMLButtonElement>('[data-locate]')
  const failed = field<HTMLElement>('[data-locate-failed]')
  const located = (found: boolean): void => {
    locate.disabled = false
    said.textContent = ''
    failed.hidden = found
  }
  locate.addEventListener('click', () => {
    if (!navigator.geolocation) return located(false)
    // A telephone may look for satellites for as long as it is given.
    locate.disabled = true
    failed.hidden = true
    said.textContent = form.dataset.locating ?? ''
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        located(true)
        void here(coords.longitude, coords.latitude)
      },
      () => located(false),
      { enableHighAccuracy: true, timeout: 10_000 },
    )
  })

  const input = field<HTMLInputElement>('#photos')
  const takePhotos = (): void => {
    for (const file of input.files ?? []) {
      if (photos.length >= Number(form.dataset.most)) break
      photos.push(file)
      if (!lon.value) {
        void file.arrayBuffer().then(async (data) => {
          const found = position(data)
          if (!found || lon.value) return
          await here(...found)
          said.textContent = form.dataset.placeRead ?? ''
        })
      }
    }
    input.value = ''
    showPhotos()
  }
  input.addEventListener('change', takePhotos)
  const showPhotos = (): void => {
    field('[data-photo-list]').replaceChildren(
      ...photos.map((file, row) => {
        const item = document.createElement('li')
        const image = document.createElement('img')
        image.src = URL.createObjectURL(file)
        image.alt = file.name
        image.onload = () => URL.revokeObjectURL(image.src)
        const remove = document.createElement('button')
        remove.type = 'button'
        remove.className = 'button button-quiet'
        remove.textContent = form.dataset.remove ?? ''
        remove.addEventListener('click', () => {
          photos.splice(row, 1)
          showPhotos()
        })
        item.append(image, remove)
        return item
      }),
    )
    void lookAtFirst()
  }
  let seen = ''
  let looked: File | undefined
  const lookAtFirst = async (): Promise<void> => {
    const mine = photos[0]
    if (mine === looked) return
    looked = mine
    const found = mine ? await look(mine, field<HTMLInputElement>('[name=csrfmiddlewaretoken]').value) : ''
    if (mine !== looked) return
    seen = found
    void suggest()
  }

  let timer = 0
  const soon = (): void => {
    clearTimeout(timer)
    timer = window.setTimeout(() => {
      void suggest()
      lookNear()
    }, PAUSE_MS)
  }
  text.addEventListener('input', soon)
  const common = field<HTMLElement>('[data-common]')
  const offered = [...common.querySelectorAll<HTMLButtonElement>('button')]
  common.hidden = offered.length === 0
  offered.forEach((button) => {
    button.addEventListener('click', () => {
      category.value = button.dataset.category ?? ''
      chosen()
    })
  })
  const chosen = (): void => {
    offered.forEach((button) => button.setAttribute('aria-pressed', String(button.dataset.category === category.value)))
    form.querySelectorAll<HTMLElement>('[data-asks]').forEach((one) => (one.hidden = one.dataset.asks !== category.value))
    lookNear()
  }
  category.addEventListener('change', chosen)

  let suggested = 0
  const suggest = async (): Promise<void> => {
    const box = field<HTMLFieldSetElement>('[data-suggestions]')
    const mine = ++suggested
    const values = { text: text.value.slice(0, 500), seen: photos.length ? seen : '' }
    const found = await ask<{ category: string; name: string }[]>('/api/reports/suggest', values)
    if (mine !== suggested) return
    const legend = box.querySelector('legend')!
    box.hidden = !found?.length
    // What is suggested is nearer than what is often reported.
    common.hidden = !box.hidden || offered.length === 0
    box.replaceChildren(
      legend,
      ...(found ?? []).map(({ category: slug, name }) => {
        const button = document.createElement('button')
        button.type = 'button'
        button.className = 'chip-button'
        button.textContent = name
        button.setAttribute('aria-pressed', String(category.value === slug))
        button.addEventListener('click', () => {
          category.value = slug
          box.querySelectorAll('button').forEach((one) => one.setAttribute('aria-pressed', String(one === button)))
          chosen()
        })
        return button
      }),
    )
  }

  let asked = 0
  const lookNear = (): void => {
    const box = field<HTMLElement>('[data-near-by]')
    if (!category.value || !lon.value) return
    const mine = ++asked
    const values = { category: category.value, lon: lon.value, lat: lat.value, text: text.value.slice(0, 500) }
    void ask<Near[]>('/api/reports/near', values).then((found) => {
      // A slow answer to an earlier question must not replace a later one.
      if (mine !== asked) return
      box.hidden = !found?.length
      field('[data-near-list]').replaceChildren(...(found ?? []).map((one) => nearRow(form, one)))
    })
  }

  // What is wrong is said in the page's language, beside the field, and the first thing first.
  form.noValidate = true
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit(form, photos)
  })
  // A browser that comes back to the page may have kept what was chosen, a photo may be there before this script is, and
  // a place's page sends its place along.
  chosen()
  takePhotos()
  if (lon.value && lat.value) place.dispatchEvent(new CustomEvent('place', { bubbles: true }))
}

type Answer = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement

/** What the chosen category asks further: the answers by their field, and the first question that wants one and has none. */
function answers(form: HTMLFormElement, category: string): { given: Record<string, string[]>; missing?: HTMLElement } {
  const given: Record<string, string[]> = {}
  for (const ask of form.querySelectorAll<HTMLElement>(`[data-asks="${CSS.escape(category)}"] .ask`)) {
    const inputs = [...ask.querySelectorAll<Answer>('input, select, textarea')]
    const chosen = inputs.filter((one) => !['radio', 'checkbox'].includes(one.type) || (one as HTMLInputElement).checked)
    const values = chosen.map((one) => one.value.trim()).filter(Boolean)
    if (values.length) given[`attribute[${ask.dataset.code}]`] = values
    else if (ask.dataset.unanswered) return { given, missing: ask }
  }
  return { given }
}

interface Near {
  id: number
  category: string
  text: string
  metres: number
  url: string
}

function nearRow(form: HTMLFormElement, one: Near): HTMLElement {
  const item = document.createElement('li')
  item.className = 'near-row'
  const link = document.createElement('a')
  link.href = one.url
  link.textContent = `#${one.id} ${one.category}`
  const detail = document.createElement('small')
  detail.textContent = `${one.metres} ${form.dataset.metres ?? ''} · ${one.text}`
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'button button-quiet'
  button.textContent = form.dataset.meToo ?? ''
  button.addEventListener('click', () => {
    button.disabled = true
    const named = form.querySelector<HTMLInputElement>('[name=named]:checked')?.value === '1'
    const token = form.querySelector<HTMLInputElement>('[name=csrfmiddlewaretoken]')?.value ?? ''
    const headers = { 'Content-Type': 'application/json', 'X-CSRFToken': token }
    void fetch(`/api/reports/${one.id}/support`, { method: 'POST', headers, body: JSON.stringify({ named }) })
      .then(async (answer) => {
        button.textContent = answer.ok ? (form.dataset.counted ?? '') : ((await answer.json()) as { message: string }).message
      })
      .catch(() => (button.disabled = false))
  })
  const words = document.createElement('div')
  words.append(link, detail)
  item.append(words, button)
  return item
}

async function ask<T>(path: string, values: Record<string, string>): Promise<T | null> {
  try {
    const answer = await fetch(`${path}?${new URLSearchParams(values)}`)
    return answer.ok ? ((await answer.json()) as T) : null
  } catch {
    return null
  }
}

async function submit(form: HTMLFormElement, photos: File[]): Promise<void> {
  const said = form.querySelector<HTMLElement>('[data-said]')!
  const problem = form.querySelector<HTMLElement>('[data-problem]')!
  const value = (name: string): string => (form.elements.namedItem(name) as HTMLInputElement | null)?.value ?? ''
  const button = form.querySelector<HTMLButtonElement>('button.send')!
  const progress = form.querySelector<HTMLElement>('[data-progress]')!
  /** Says what is wrong where it is to be mended. */
  const refuse = (text: string, at?: HTMLElement | null): void => {
    said.hidden = true
    problem.textContent = text
    if (at) at.after(problem)
    else button.before(problem)
    problem.hidden = false
    const wrong = at?.matches('input, select, textarea') ? at : at?.querySelector<HTMLElement>('input:not([type=hidden]), select, textarea')
    wrong?.focus()
  }
  problem.hidden = true
  if (!value('lon')) return refuse(form.dataset.noPlace ?? '', form.querySelector<HTMLElement>('[data-combobox]'))
  if (!value('text').trim() && !photos.length) return refuse(form.dataset.noWords ?? '', form.querySelector<HTMLElement>('#text'))
  const category = form.querySelector<HTMLSelectElement>('#category')!
  if (!category.value) return refuse(form.dataset.noCategory ?? '', category)
  const { given, missing } = answers(form, category.value)
  if (missing) return refuse(missing.dataset.unanswered ?? '', missing)
  const email = form.querySelector<HTMLInputElement>('#email')!
  if (!email.checkValidity()) return refuse(email.validationMessage, email)
  button.disabled = true
  progress.hidden = false
  said.hidden = false
  said.textContent = form.dataset.sending ?? ''
  const names = ['category', 'text', 'lon', 'lat', 'address', 'email']
  const fields: Record<string, string> = Object.fromEntries(names.map((name) => [name, value(name)]))
  fields.named = form.querySelector<HTMLInputElement>('[name=named]:checked')?.value === '1' ? 'true' : 'false'
  fields.what = category.selectedOptions[0]?.textContent ?? ''
  const key = newKey()
  const report = { key, fields, answers: given, photos: await Promise.all(photos.map(smaller)), at: Date.now() }
  const outcome = await sending.dispatch(report)
  if ('done' in outcome) return void location.assign(outcome.done.link)
  button.disabled = false
  progress.hidden = true
  // What is not kept is all still in the form, where it can be mended and sent again.
  if ('refused' in outcome) {
    await reports.forget(key).catch(() => undefined)
    return refuse(`${form.dataset.failed ?? ''} ${outcome.refused}`)
  }
  if (!outcome.kept) return refuse(unkeptWords(form, outcome.held))
  said.textContent = heldWords(form, outcome.held)
  form.dataset.waiting = key
  // What a hidden field holds outlives a reset, and so would the photos: the next report has its own.
  form.reset()
  photos.length = 0
  form.querySelector('[data-photo-list]')!.replaceChildren()
  form.querySelectorAll<HTMLElement>('[data-asks]').forEach((one) => (one.hidden = true))
  form.querySelectorAll<HTMLInputElement>('[data-lon], [data-lat]').forEach((field) => (field.value = ''))
}

function wakeCopy(root: HTMLElement): void {
  const button = root.querySelector<HTMLButtonElement>('[data-copy]')!
  button.addEventListener('click', () => {
    const words = button.querySelector('span')!
    // Where the address is not https, a browser has no clipboard.
    const copied = navigator.clipboard?.writeText(location.href) ?? Promise.reject(new Error('clipboard'))
    copied.then(() => (words.textContent = button.dataset.done ?? '')).catch(() => (words.textContent = button.dataset.failed ?? ''))
  })
}
