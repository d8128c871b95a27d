import { beforeEach, expect, test, vi } from 'vitest'
import { startCoverage } from './coverage'

const setData = vi.fn()

beforeEach(() => {
  setData.mockClear()
  document.body.innerHTML = '<section data-coverage><div data-refresh-body><div data-made="10"></div></div></section><city-map></city-map>'
  Object.assign(document.querySelector('city-map')!, { map: { getSource: (id: string) => (id === 'safety/coverage' ? { setData } : undefined) } })
})

test('the map is drawn anew when the picture is another one, and only then', () => {
  const root = document.querySelector<HTMLElement>('[data-coverage]')!
  const swap = (made: string): void => {
    root.querySelector<HTMLElement>('[data-made]')!.dataset.made = made
    root.querySelector('[data-refresh-body]')!.dispatchEvent(new CustomEvent('htmx:afterSwap', { bubbles: true }))
  }
  startCoverage(root)
  startCoverage(root)
  swap('10')
  expect(setData).not.toHaveBeenCalled()
  swap('20')
  expect(setData.mock.calls).toEqual([['/map/layers/safety/coverage.geojson?made=20']])
})
