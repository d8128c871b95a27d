import { describe, expect, it } from 'vitest'
import { until } from './queue'
import { heldWords } from './sending'

const answer = (after?: string): Response => new Response('', { status: 429, headers: after === undefined ? {} : { 'Retry-After': after } })

describe('what waits', () => {
  it('is tried again when the answer says, in seconds or as a date', () => {
    expect(until(answer('90'))! - Date.now()).toBeGreaterThan(89_000)
    expect(until(answer('Wed, 21 Oct 2026 07:28:00 GMT'))).toBe(Date.UTC(2026, 9, 21, 7, 28))
    expect(until(answer())).toBeUndefined()
    expect(until(answer('soon'))).toBeUndefined()
  })
  it('says why, and when it is tried again', () => {
    document.body.innerHTML = '<p data-network="no network" data-busy="busy" data-many="many" data-again="again at {}"></p>'
    const root = document.querySelector('p')!
    expect(heldWords(root)).toBe('no network')
    expect(heldWords(root, { why: 'busy' })).toBe('busy')
    expect(heldWords(root, { why: 'many', until: Date.now() })).toMatch(/^many again at \d\d:\d\d$/)
  })
})
