import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startNear } from './near'

const page = (): HTMLElement => {
  document.body.innerHTML = `<section data-near-me data-address="/transit/near/"><a href="/transit/near/" data-near-press>Near me</a>
    <p data-near-failed hidden></p><div data-near-place hidden></div></section>`
  return document.body.firstElementChild as HTMLElement
}
const here = vi.fn()
const device = (state: string, answers: boolean): void => {
  here.mockImplementation((found: (at: unknown) => void, failed: () => void) =>
    answers ? found({ coords: { longitude: -51.21512345, latitude: -30.0300021 } }) : failed(),
  )
  vi.stubGlobal('navigator', { geolocation: { getCurrentPosition: here }, permissions: { query: async () => ({ state }) } })
}

describe('near me', () => {
  beforeEach(() => {
    here.mockReset()
    vi.stubGlobal('fetch', vi.fn(async () => new Response('<ul><li>Market Square</li></ul>')))
  })
  afterEach(() => vi.unstubAllGlobals())

  it('asks for nothing until it is pressed, then shows the nearest stops', async () => {
    device('prompt', true)
    const root = page()
    await startNear(root)
    expect(here).not.toHaveBeenCalled()
    root.querySelector<HTMLElement>('[data-near-press]')!.click()
    await vi.waitFor(() => expect(root.textContent).toContain('Market Square'))
    expect(fetch).toHaveBeenCalledWith('/transit/near/?part=1&at=-51.2151,-30.0300', expect.anything())
  })
  it('needs no press where the device may say where it is', async () => {
    device('granted', true)
    const root = page()
    await startNear(root)
    await vi.waitFor(() => expect(root.textContent).toContain('Market Square'))
  })
  it('says that the device did not say where it is, to who has pressed', async () => {
    device('granted', false)
    const root = page()
    await startNear(root)
    const failed = root.querySelector<HTMLElement>('[data-near-failed]')!
    expect(failed.hidden).toBe(true)
    root.querySelector<HTMLElement>('[data-near-press]')!.click()
    expect(failed.hidden).toBe(false)
  })
})
