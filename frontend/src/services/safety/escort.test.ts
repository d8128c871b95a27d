import { beforeEach, expect, test, vi } from 'vitest'
import { placeOf, startEscort } from './escort'

const HERE = { latitude: -30.0345678, longitude: -51.2176543, accuracy: 12.4 }
const PAGE = `
  <code data-escort-link>https://city.example/safety/escort/watch/abc/</code><button data-escort-share hidden></button>
  <div data-escort="/safety/escort/way/xyz/here/"><input name="csrfmiddlewaretoken" value="t">
    <span data-escort-none>none</span><span data-escort-told hidden>told</span><span data-escort-lost hidden>lost</span>
    <button data-escort-tell hidden></button></div>`
let found: (position: { coords: typeof HERE }) => void
let clearWatch: ReturnType<typeof vi.fn>

beforeEach(() => {
  document.body.innerHTML = PAGE
  clearWatch = vi.fn()
  const watchPosition = vi.fn((take: typeof found) => { found = take; return 7 })
  vi.stubGlobal('navigator', { geolocation: { watchPosition, clearWatch } })
  startEscort(document.querySelector<HTMLElement>('[data-escort]')!)
})

const press = (): void => document.querySelector<HTMLElement>('[data-escort-tell]')!.click()
const hidden = (name: string): boolean => !!document.querySelector<HTMLElement>(`[data-escort-${name}]`)!.hidden

test('a place has five decimals and whole metres', () => {
  expect(placeOf(HERE).toString()).toBe('lon=-51.21765&lat=-30.03457&accuracy=12')
})

test('nothing is told before somebody presses', () => {
  expect(navigator.geolocation.watchPosition).not.toHaveBeenCalled()
  expect(hidden('tell')).toBe(false)
})

test('what was told is said, and at most every ten seconds', async () => {
  const fetched = vi.fn(async () => new Response('{"on": true}'))
  vi.stubGlobal('fetch', fetched)
  press()
  found({ coords: HERE })
  found({ coords: HERE })
  await vi.waitFor(() => expect(hidden('told')).toBe(false))
  expect(fetched).toHaveBeenCalledTimes(1)
  expect(hidden('none')).toBe(true)
})

test('once it is over the browser is asked no more', async () => {
  vi.stubGlobal('fetch', vi.fn(async () => new Response('{"on": false}')))
  press()
  found({ coords: HERE })
  await vi.waitFor(() => expect(clearWatch).toHaveBeenCalledWith(7))
  expect(hidden('none')).toBe(false)
})

test('without a network it says so', async () => {
  vi.stubGlobal('fetch', vi.fn(async () => { throw new TypeError('no network') }))
  press()
  found({ coords: HERE })
  await vi.waitFor(() => expect(hidden('lost')).toBe(false))
  expect(clearWatch).not.toHaveBeenCalled()
})
