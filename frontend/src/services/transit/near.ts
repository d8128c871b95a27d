/**
 * "Near me": one press shows what leaves next at the nearest stops, and no press where the device may already say where
 * it is. Nobody is asked for that before they press.
 */
import { granted } from '../../shell/here'
import { startRefresh } from '../../shell/refresh'

/** Decimals of a degree that are told: about ten metres, enough to find a stop. */
const DIGITS = 4

export async function startNear(root: HTMLElement): Promise<void> {
  if (root.dataset.awake) return
  root.dataset.awake = '1'
  root.querySelector('[data-near-press]')?.addEventListener('click', (event) => {
    if (!navigator.geolocation) return // The link leads to a page where a place can be typed.
    event.preventDefault()
    locate(root, true)
  })
  if (await granted()) locate(root, false)
}

function locate(root: HTMLElement, pressed: boolean): void {
  const failed = root.querySelector<HTMLElement>('[data-near-failed]')!
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      failed.hidden = true
      show(root, coords.longitude, coords.latitude)
    },
    // Who has pressed nothing is not told that nothing came of it.
    () => (failed.hidden = !pressed),
    { enableHighAccuracy: true, timeout: 10_000, maximumAge: 30_000 },
  )
}

/** Puts the nearest stops in, and keeps them fresh. */
function show(root: HTMLElement, lon: number, lat: number): void {
  const place = root.querySelector<HTMLElement>('[data-near-place]')!
  const part = document.createElement('div')
  part.dataset.refresh = `${root.dataset.address}?part=1&at=${lon.toFixed(DIGITS)},${lat.toFixed(DIGITS)}`
  part.dataset.every = root.dataset.every ?? '20'
  part.appendChild(document.createElement('div')).dataset.refreshBody = ''
  place.replaceChildren(part)
  place.hidden = false
  startRefresh(part, true)
}
