import { describe, expect, it } from 'vitest'
import { aim, compare, isStale, matches, minutes, type Key } from './fleet'

const row = (values: Record<string, string>): DOMStringMap => values as DOMStringMap

describe('the fleet table', () => {
  it('says lateness in signed minutes', () => {
    expect([null, 0, 290, -75].map(minutes)).toEqual(['–', '+0', '+5', '−1'])
  })

  it('puts what is bad first, and the unknown last whichever way', () => {
    const a = row({ vehicle: 'B2', line: '10', level: 'ok', delay: '60' })
    const b = row({ vehicle: 'B10', line: '10', level: 'bad', delay: '' })
    const c = row({ vehicle: 'B1', line: '9', level: 'ok', delay: '-30' })
    const order = (key: Key, down = false): unknown[] =>
      [a, b, c].sort((one, other) => compare(one, other, key, down)).map((one) => one.vehicle)
    expect(order('level')).toEqual(['B10', 'B1', 'B2'])
    expect(order('vehicle')).toEqual(['B1', 'B2', 'B10'])
    expect(order('delay')).toEqual(['B1', 'B2', 'B10'])
    expect(order('delay', true)).toEqual(['B2', 'B1', 'B10'])
  })

  it('knows what is too old to be on the road', () => {
    expect([isStale(1000, 1599), isStale(1000, 1600)]).toEqual([false, true])
  })

  it('aims a press at the trip of the row, and asks again before the next trip is cancelled', () => {
    document.body.innerHTML = `<form><input name="vehicle"><input name="trip"><details open></details></form>`
    const form = document.querySelector('form')!
    const said = (): string[] => [...form.querySelectorAll('input')].map((input) => input.value)
    aim(form, { vehicle: 'B07', trip: 'out4' })
    form.querySelector('details')!.open = true
    aim(form, { vehicle: 'B07', trip: 'out4' })
    expect([said(), form.querySelector('details')!.open]).toEqual([['B07', 'out4'], true])
    aim(form, { vehicle: 'B07', trip: 'back4' })
    expect([said(), form.querySelector('details')!.open]).toEqual([['B07', 'back4'], false])
  })

  it('filters by state, line and words', () => {
    const one = row({ vehicle: 'B07', line: '10', headsign: 'Port', states: 'late bunched', level: 'warn' })
    expect(matches(one, 'late', '', '')).toBe(true)
    expect(matches(one, 'warn', '10', 'por')).toBe(true)
    expect(matches(one, 'silent', '', '')).toBe(false)
    expect(matches(one, '', '12', '')).toBe(false)
    expect(matches(one, '', '', 'b08')).toBe(false)
  })
})
