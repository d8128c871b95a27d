import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { newKey } from '../../shell/queue'
import { unkeptWords } from '../../shell/sending'
import { sending } from './waiting'

const report = { key: 'k', fields: { what: 'A hole' }, photos: [], at: 1 }
const answer = (status: number, body: object): void => void vi.stubGlobal('fetch', vi.fn().mockResolvedValue(new Response(JSON.stringify(body), { status })))

/** What browsers do that keep nothing: have no IndexedDB, throw, refuse, never answer. */
const BROKEN: Record<string, unknown> = {
  none: undefined,
  throws: { open: () => { throw new DOMException('no', 'SecurityError') } },
  refuses: { open: () => { const asked: { onerror?: () => void } = {}; setTimeout(() => asked.onerror?.()); return asked } },
  silent: { open: () => ({}) },
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void (vi.useRealTimers(), vi.unstubAllGlobals()))

async function sent(): Promise<unknown> {
  const going = sending.dispatch(report)
  await vi.advanceTimersByTimeAsync(5000)
  return going
}

describe.each(Object.keys(BROKEN))('a browser whose storage %s', (how) => {
  beforeEach(() => void vi.stubGlobal('indexedDB', BROKEN[how]))
  it('sends a report at once', async () => {
    answer(201, { id: 7, link: '/reports/follow/x/' })
    expect(await sent()).toMatchObject({ done: { link: '/reports/follow/x/' } })
  })
  it('says what the city has against it', async () => {
    answer(422, { message: 'Too long.', mend: 'Write less.' })
    expect(await sent()).toEqual({ refused: 'Too long. Write less.' })
  })
  it('says that it is not kept where there is no network', async () => {
    vi.stubGlobal('fetch', vi.fn().mockRejectedValue(new TypeError('network')))
    expect(await sent()).toEqual({ held: { why: 'network' }, kept: false })
  })
})

describe('a report', () => {
  it('that is not kept is said to be in the form only', () => {
    document.body.innerHTML = '<form data-unkept-network="no network" data-unkept-busy="busy"></form>'
    const form = document.querySelector('form')!
    expect(unkeptWords(form, { why: 'network' })).toBe('no network')
    expect(unkeptWords(form, { why: 'many' })).toBe('busy')
  })
  it('has a name of its own also where the browser makes none', () => {
    vi.stubGlobal('crypto', { getRandomValues: (bytes: Uint8Array) => bytes.fill(255) })
    expect(newKey()).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff')
  })
})
