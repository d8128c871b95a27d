/** Where whoever calls is. It is asked for when they call, never waited for. */
import type { Point } from './sending'

/** `asks`: the browser will ask; `known`: it may be told; `denied`: it may not; `none`: there is no receiver. */
export type Place = 'asks' | 'known' | 'denied' | 'none'

const OPTIONS: PositionOptions = { enableHighAccuracy: true, timeout: 60_000, maximumAge: 10_000 }
/** So long the place is followed after it was asked for. */
const LONGEST_MS = 120_000
/** What is older is not where they are. */
const FRESH_MS = 60_000

export interface Watched {
  known(): Point | undefined
  denied(): boolean
  ask(): void
}

/** Finds the place once it is asked for, or at once where that is allowed already; `found` is told of it. */
export function watchPlace(found: (point: Point) => void, show: (now: Place) => void): Watched {
  let state: Place = navigator.geolocation ? 'asks' : 'none'
  let watch = -1
  let last: Point | undefined
  let at = 0
  const set = (now: Place): void => {
    state = now
    show(now)
  }
  const stop = (): void => {
    navigator.geolocation.clearWatch(watch)
    watch = -1
  }
  const watched: Watched = {
    known: () => (Date.now() - at < FRESH_MS ? last : undefined),
    denied: () => state === 'denied' || state === 'none',
    ask() {
      if (state === 'none' || watch !== -1) return
      watch = navigator.geolocation.watchPosition(
        ({ coords }) => {
          set('known')
          last = { lon: coords.longitude, lat: coords.latitude, accuracy: coords.accuracy }
          at = Date.now()
          found(last)
        },
        (error) => {
          if (error.code === error.PERMISSION_DENIED) set('denied')
        },
        OPTIONS,
      )
      setTimeout(stop, LONGEST_MS)
    },
  }
  show(state)
  if (state !== 'none') void allowed().then((now) => {
    if (now === 'granted') watched.ask()
    if (now === 'denied') set('denied')
  })
  return watched
}

async function allowed(): Promise<PermissionState | undefined> {
  try {
    return (await navigator.permissions.query({ name: 'geolocation' })).state
  } catch {
    return undefined
  }
}
