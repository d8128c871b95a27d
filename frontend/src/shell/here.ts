/**
 * Where this device is, where somebody has already let the city's pages know it: nobody is asked for that here, and
 * what waits for the answer goes on without.
 */

/** Decimals of a degree that are told: about a hundred metres, enough to say what is nearer. */
const DIGITS = 3
/** After so long it is looked for again: a bus goes a kilometre in that time. */
const FRESH_MS = 120_000

let known = ''
let looked = -Infinity

/** Whether pages may ask for the place without a question to whoever reads them. */
export async function granted(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: 'geolocation' })).state === 'granted'
  } catch {
    return false
  }
}

/** Looks where the device is, where that is allowed and not known of late. */
export async function look(): Promise<void> {
  if (!(await granted())) {
    known = ''
    looked = -Infinity
    return
  }
  if (performance.now() - looked < FRESH_MS) return
  looked = performance.now()
  navigator.geolocation?.getCurrentPosition(
    ({ coords }) => (known = `${coords.longitude.toFixed(DIGITS)},${coords.latitude.toFixed(DIGITS)}`),
    () => (known = ''),
    { timeout: 10_000, maximumAge: FRESH_MS },
  )
}

/** "lon,lat" in degrees, "" while it is not known or may not be. */
export const here = (): string => known
