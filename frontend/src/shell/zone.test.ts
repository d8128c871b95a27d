import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { clockTime, moment, said, sayZone, utc } from './zone'

const NOON = Date.UTC(2026, 4, 4, 15, 5)
const page = document.documentElement

beforeEach(() => {
  page.lang = 'es'
  page.dataset.zone = 'America/Sao_Paulo'
  document.head.innerHTML = '<meta name="city-zone" content="Las horas son las de Marelva, {}.">'
  vi.useFakeTimers({ now: NOON, toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
  delete page.dataset.zone
})

describe('times', () => {
  it("are the city's, with 24 hours", () => {
    expect(clockTime(NOON)).toBe('12:05')
    expect(clockTime(Date.UTC(2026, 4, 4, 3, 5))).toBe('00:05')
    page.lang = 'ko'
    expect(clockTime(NOON)).toBe('12:05')
  })
  it('have their day where that is not today, as the city counts days', () => {
    expect(moment(NOON - 60_000)).toBe('12:04')
    // 23:30 of the day before in the city, though the same day in UTC.
    expect(moment(Date.UTC(2026, 4, 4, 2, 30))).toContain('23:30')
    expect(moment(Date.UTC(2026, 4, 4, 2, 30))).toMatch(/dom/)
    expect(said(NOON, 'en', 'Asia/Seoul', NOON)).toBe('00:05')
  })
  it('know how far the city is from UTC', () => {
    expect(utc('America/Sao_Paulo', NOON)).toBe('UTC−3')
    expect(utc('Asia/Kolkata', NOON)).toBe('UTC+5:30')
    expect(utc('UTC', NOON)).toBe('UTC')
  })
  it('say whose they are only where there are times and the device has others', () => {
    const shown = (main: string): string | undefined => {
      document.body.innerHTML = `<main>${main}</main>`
      sayZone()
      sayZone()
      expect(document.querySelectorAll('.zone-line').length).toBeLessThan(2)
      return document.querySelector('.zone-line')?.textContent ?? undefined
    }
    // The one that the device is in is whichever the tests run in.
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone
    page.dataset.zone = own === 'Asia/Kolkata' ? 'Asia/Tokyo' : 'Asia/Kolkata'
    expect(shown('<h1>Stop</h1><p>14:02</p>')).toMatch(/^Las horas son las de Marelva, UTC\+/)
    expect(shown('<h1>Stop</h1><p>no time</p>')).toBeUndefined()
    page.dataset.zone = own
    expect(shown('<h1>Stop</h1><p>14:02</p>')).toBeUndefined()
  })
})
