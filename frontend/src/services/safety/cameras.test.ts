import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { agedWords, startCameras } from './cameras'

function page(address: string): HTMLElement {
  document.body.innerHTML = `<figure data-camera-picture="${address}" data-now="Now" data-old="{} s ago" data-failed="Not reached">
    <img hidden><span data-camera-said><a href="${address}">See</a></span><button data-camera-again hidden></button></figure>`
  return document.querySelector('figure')!
}

const said = (): string => document.querySelector('[data-camera-said]')!.textContent!

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  URL.createObjectURL = vi.fn(() => 'blob:one')
  URL.revokeObjectURL = vi.fn()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('a picture says how old it is', () => {
  expect([0, 1.9, 2, 61.5].map((age) => agedWords(age, 'Now', '{} s ago'))).toEqual(['Now', 'Now', '2 s ago', '61 s ago'])
})

test('a picture is asked for once, grows older, and a part drawn anew shows it again', async () => {
  const ask = vi.fn(async () => new Response(new Blob(['x']), { headers: { 'Picture-Age': '3' } }))
  vi.stubGlobal('fetch', ask)
  const figure = page('/one/')
  startCameras(document)
  startCameras(document)
  await vi.waitFor(() => expect(said()).toBe('3 s ago'))
  expect(figure.querySelector('img')!.hidden).toBe(false)
  vi.advanceTimersByTime(5000)
  expect(said()).toBe('7 s ago')
  page('/one/')
  startCameras(document)
  expect(said()).toMatch(/^[78] s ago$/)
  expect(ask).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(20_000)
  page('/one/')
  startCameras(document)
  expect(ask).toHaveBeenCalledTimes(2)
})

test('a camera that cannot be reached is said, and asked again by press', async () => {
  const ask = vi.fn(async () => Response.json({ message: 'This camera cannot be reached.' }, { status: 503 }))
  vi.stubGlobal('fetch', ask)
  page('/two/')
  startCameras(document)
  await vi.waitFor(() => expect(said()).toBe('This camera cannot be reached.'))
  expect(document.querySelector('img')!.hidden).toBe(true)
  const again = document.querySelector<HTMLButtonElement>('[data-camera-again]')!
  await vi.waitFor(() => expect(again.disabled).toBe(false))
  again.click()
  expect(ask).toHaveBeenCalledTimes(2)
})

test('a browser that plays no HLS says so', () => {
  document.body.innerHTML = '<div data-film><video></video><p data-film-failed hidden></p></div>'
  const video = document.querySelector('video')!
  video.canPlayType = () => ''
  startCameras(document)
  expect(document.querySelector<HTMLElement>('[data-film-failed]')!.hidden).toBe(false)
  expect(video.hidden).toBe(true)
})
