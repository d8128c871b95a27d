import { describe, expect, it } from 'vitest'
import { built, show, time } from './board'

describe('board', () => {
  it('shows the clock of the city', () => {
    expect(time('Asia/Seoul', new Date('2026-11-24T20:05:00Z'))).toBe('05:05')
    expect(time('America/Sao_Paulo', new Date('2026-11-24T20:05:00Z'))).toBe('17:05')
  })
  it('shows one alert after the other', () => {
    document.body.innerHTML = '<main><div data-build="a"></div><ul data-turns><li>1</li><li>2</li></ul></main>'
    const root = document.querySelector('main')!
    const seen = (): string[] => [...root.querySelectorAll('li')].filter((one) => !one.hidden).map((one) => one.textContent ?? '')
    show(root, 0)
    expect(seen()).toEqual(['1'])
    show(root, 3)
    expect(seen()).toEqual(['2'])
    expect(built(root)).toBe('a')
  })
})
