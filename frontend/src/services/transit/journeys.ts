import { setPlace } from '../../shell/combobox'
import type { CityMap } from '../../map/map'

type End = 'from' | 'to'

/** The planner: places from the map, from the device, swapped; the journey that is chosen is drawn. */
export function startJourneys(root: ParentNode): void {
  const page = document.querySelector<HTMLElement>('[data-journeys]')
  if (page && !page.dataset.awake) {
    page.dataset.awake = '1'
    wakeForm(page)
  }
  drawResults(root)
}

const field = (page: HTMLElement, end: End): HTMLElement => page.querySelector(`[data-end="${end}"]`)!
const map = (): CityMap | null => document.querySelector<CityMap>('city-map')
const value = (root: HTMLElement, selector: string): string => root.querySelector<HTMLInputElement>(selector)!.value

function wakeForm(page: HTMLElement): void {
  const form = page.querySelector('form')!
  const complete = (): boolean =>
    (['from', 'to'] as End[]).every((end) => value(field(page, end), '[data-lon]') !== '')
  page.addEventListener('place', () => {
    markEnds(page)
    if (complete()) form.requestSubmit()
  })
  form.addEventListener('change', (event) => {
    if ((event.target as HTMLElement).matches('[data-option]') && complete()) form.requestSubmit()
  })
  page.querySelector('[data-swap]')?.addEventListener('click', () => swap(page))
  page.querySelector('[data-locate]')?.addEventListener('click', () => locate(page))
  map()?.addEventListener('pick', (event) => {
    const { lon, lat } = (event as CustomEvent<{ lon: number; lat: number }>).detail
    const end: End = value(field(page, 'from'), '[data-lon]') === '' ? 'from' : 'to'
    void put(page, end, lon, lat)
  })
  void customElements.whenDefined('city-map').then(() => markEnds(page))
}

/** Puts a position in a field under the name the city has for it. */
async function put(page: HTMLElement, end: End, lon: number, lat: number): Promise<void> {
  let name = `${lat.toFixed(5)}, ${lon.toFixed(5)}`
  try {
    const answer = await fetch(`/api/places/here?lon=${lon.toFixed(6)}&lat=${lat.toFixed(6)}`)
    if (answer.ok) name = ((await answer.json()) as { name: string }).name
  } catch {
    // Without a network the coordinates are name enough.
  }
  setPlace(field(page, end), name, lon, lat)
}

function swap(page: HTMLElement): void {
  const read = (end: End): [string, number, number] => {
    const root = field(page, end)
    return [value(root, 'input[role=combobox]'), Number(value(root, '[data-lon]')), Number(value(root, '[data-lat]'))]
  }
  const [from, to] = [read('from'), read('to')]
  if (from[1] && to[1]) {
    page.querySelector<HTMLInputElement>('[data-end=from] input[role=combobox]')!.value = to[0]
    page.querySelector<HTMLInputElement>('[data-end=from] [data-lon]')!.value = String(to[1])
    page.querySelector<HTMLInputElement>('[data-end=from] [data-lat]')!.value = String(to[2])
    setPlace(field(page, 'to'), ...from)
  }
}

function locate(page: HTMLElement): void {
  navigator.geolocation?.getCurrentPosition(
    ({ coords }) => void put(page, 'from', coords.longitude, coords.latitude),
    () => page.querySelector('[data-locate-failed]')?.removeAttribute('hidden'),
    { enableHighAccuracy: true, timeout: 10_000 },
  )
}

function markEnds(page: HTMLElement): void {
  for (const end of ['from', 'to'] as End[]) {
    const root = field(page, end)
    const [lon, lat] = [value(root, '[data-lon]'), value(root, '[data-lat]')]
    if (lon && lat && map()?.mark) map()!.mark(end, Number(lon), Number(lat), (x, y) => void put(page, end, x, y))
  }
}

function drawResults(page: ParentNode): void {
  const data = page.querySelector('#journeys-data')
  if (!data) return
  const journeys = JSON.parse(data.textContent ?? '[]') as GeoJSON.FeatureCollection[]
  const options = [...page.querySelectorAll<HTMLDetailsElement>('[data-option-row]')]
  const show = (row: number): void => {
    void customElements.whenDefined('city-map').then(() => journeys[row] && map()?.travel(journeys[row]))
  }
  options.forEach((option, row) => {
    option.addEventListener('toggle', () => {
      if (!option.open) return
      options.filter((other) => other !== option).forEach((other) => (other.open = false))
      show(row)
    })
  })
  // A page without a choice of journeys (a line) shows all it has.
  if (!options.length) journeys[0] = { type: 'FeatureCollection', features: journeys.flatMap((one) => one.features) }
  if (journeys.length) show(0)
  page.querySelector('[data-share]')?.addEventListener('click', async (event) => {
    const button = event.currentTarget as HTMLElement
    if (navigator.share) return void navigator.share({ url: location.href }).catch(() => undefined)
    await navigator.clipboard.writeText(location.href)
    button.querySelector('[data-said]')!.textContent = button.dataset.done ?? ''
  })
}
