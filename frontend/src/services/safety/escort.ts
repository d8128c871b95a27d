/** Somebody's way that others follow: tells the city where they are while the page is open, and stops when it is over. */

import type { CityMap } from '../../map/map'

const EVERY_MS = 10_000

/** The body of a place: five decimals, about a metre. */
export function placeOf(coords: Pick<GeolocationCoordinates, 'latitude' | 'longitude' | 'accuracy'>): URLSearchParams {
  return new URLSearchParams({
    lon: coords.longitude.toFixed(5), lat: coords.latitude.toFixed(5), accuracy: String(Math.round(coords.accuracy)),
  })
}

/** The page of who follows: the map shows the last place, and goes along when the part that refreshes has another. */
export function startWatch(root: HTMLElement): void {
  if (root.dataset.awake) return
  root.dataset.awake = '1'
  const box = root.querySelector<HTMLElement>('[data-watch-map]')!
  let shown = ''
  const show = (): void => {
    const place = root.querySelector<HTMLElement>('[data-lon]')
    const [lon, lat] = [Number(place?.dataset.lon), Number(place?.dataset.lat)]
    box.hidden = !place
    if (!place || shown === `${lon},${lat}`) return
    shown = `${lon},${lat}`
    void customElements.whenDefined('city-map').then(() => {
      const map = box.querySelector<CityMap>('city-map')
      map?.mark('to', lon, lat)
      map?.map?.easeTo({ center: [lon, lat] })
    })
  }
  show()
  root.addEventListener('htmx:afterSwap', show)
}

export function startEscort(root: HTMLElement): void {
  if (root.dataset.awake) return
  root.dataset.awake = '1'
  share()
  const tell = root.querySelector<HTMLButtonElement>('[data-escort-tell]')
  if (!navigator.geolocation || !tell) return
  tell.hidden = false
  tell.addEventListener('click', () => begin(root, tell))
}

function share(): void {
  const button = document.querySelector<HTMLButtonElement>('[data-escort-share]')
  const url = document.querySelector('[data-escort-link]')?.textContent?.trim()
  if (!button || !url) return
  button.hidden = false
  button.addEventListener('click', () => {
    if (navigator.share) return void navigator.share({ url }).catch(() => undefined)
    void navigator.clipboard?.writeText(url)
  })
}

function begin(root: HTMLElement, tell: HTMLButtonElement): void {
  tell.hidden = true
  const token = root.querySelector<HTMLInputElement>('[name=csrfmiddlewaretoken]')?.value ?? ''
  let sent = 0
  const stop = (): void => {
    navigator.geolocation.clearWatch(watch)
    show(root, 'none')
    tell.hidden = false
  }
  const watch = navigator.geolocation.watchPosition(
    ({ coords }) => {
      if (Date.now() - sent < EVERY_MS) return
      sent = Date.now()
      void fetch(root.dataset.escort!, { method: 'POST', body: placeOf(coords), headers: { 'X-CSRFToken': token } })
        .then(async (answer) => {
          // Over, or erased: nobody is told anything any more.
          if (answer.status === 404 || (answer.ok && !((await answer.json()) as { on: boolean }).on)) return stop()
          show(root, answer.ok ? 'told' : 'lost')
        })
        .catch(() => show(root, 'lost'))
    },
    (problem) => (problem.code === problem.PERMISSION_DENIED ? stop() : show(root, 'lost')),
    { enableHighAccuracy: true, maximumAge: 5_000, timeout: 30_000 },
  )
}

function show(root: HTMLElement, which: 'none' | 'told' | 'lost'): void {
  for (const name of ['none', 'told', 'lost']) {
    const part = root.querySelector<HTMLElement>(`[data-escort-${name}]`)
    if (part) part.hidden = name !== which
  }
}
