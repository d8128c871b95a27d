import { describe, expect, it, vi } from 'vitest'
import { Queue, resultOf, until, type Done, type Held, type Item } from './queue'
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

describe('an answer of the city', () => {
  const said = (status: number, body: object = {}): Promise<unknown> =>
    resultOf(Promise.resolve(new Response(JSON.stringify(body), { status })), (told: { id?: number }) => (told.id ? { done: { key: 'k', at: 1 } } : undefined))
  it('says that it has it, why it does not take it, or that it is to be sent again', async () => {
    expect(await said(200, { id: 1 })).toEqual({ done: { key: 'k', at: 1 } })
    expect(await said(422, { message: 'Too long.', mend: 'Write less.' })).toEqual({ refused: 'Too long. Write less.' })
    expect(await said(503)).toEqual({ held: { why: 'busy', until: undefined } })
    expect(await said(429)).toEqual({ held: { why: 'many', until: undefined } })
    // What stands between here and the city may answer too.
    expect(await said(200, { hotel: 'Log in' })).toEqual({ held: { why: 'busy', until: undefined } })
    expect(await resultOf(Promise.reject(new TypeError('network')), () => undefined)).toEqual({ held: { why: 'network' } })
  })
  it('that was too slow to be carried, or that failed on this one, is sent again', async () => {
    expect(await said(408)).toEqual({ held: { why: 'network', until: undefined } })
    expect(await said(500)).toEqual({ held: { why: 'busy', until: undefined, alone: true } })
  })
  it('that wants somebody to sign in loses nothing', async () => {
    for (const status of [401, 403]) expect(await said(status, { message: 'Sign in.' })).toEqual({ held: { why: 'signin' } })
  })
})

describe('what waits behind another', () => {
  const flushed = (held: Held): Promise<unknown> => {
    const queue = new Queue<Item, Done>('test', (one) => Promise.resolve(one.key === 'first' ? { held } : { done: { key: one.key, at: 2 } }))
    queue.waiting = () => Promise.resolve([{ key: 'second', at: 2 }, { key: 'first', at: 1 }])
    Object.assign(queue, { note: vi.fn().mockResolvedValue(undefined), keepSent: vi.fn().mockResolvedValue(undefined) })
    return queue.flush()
  }
  it('goes where only that one is held up, and waits where everything is', async () => {
    expect(await flushed({ why: 'busy', alone: true })).toEqual({ sent: 1, held: { why: 'busy', alone: true } })
    expect(await flushed({ why: 'network' })).toEqual({ sent: 0, held: { why: 'network' } })
  })
})
