import { afterEach, expect, it, vi } from 'vitest'
import { startTheme, theme } from './theme'

afterEach(() => void vi.unstubAllGlobals())

it('works where storage is switched off, as long as the page is open', () => {
  const no = (): never => {
    throw new DOMException('no', 'SecurityError')
  }
  vi.stubGlobal('localStorage', { getItem: no, setItem: no })
  document.body.innerHTML = '<button data-theme-switch></button>'
  startTheme()
  const before = theme()
  document.querySelector('button')!.click()
  expect(theme()).not.toBe(before)
})
