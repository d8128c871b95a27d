import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ALWAYS } from '../../shell/pages'
import { instead, isOurs, renew, renewOld } from './keeping'

const CITY = 'https://city.test'
const full = (request: Request | string): string => new URL(typeof request === 'string' ? request : request.url, CITY).href
let held: Map<string, Map<string, Response>>
let asked: string[]
let mine: { kind: string; reference: string }[] | undefined

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ['Date'] })
  held = new Map()
  asked = []
  mine = undefined
  vi.stubGlobal('location', new URL(CITY))
  vi.stubGlobal('caches', {
    open: async (name: string) => {
      const cache = held.get(name) ?? new Map<string, Response>()
      held.set(name, cache)
      return {
        match: async (request: Request | string) => cache.get(full(request))?.clone(),
        put: async (request: Request | string, answer: Response) => void cache.set(full(request), answer),
        delete: async (request: Request | string) => cache.delete(full(request)),
        keys: async () => [...cache.keys()].map((url) => new Request(url)),
      }
    },
  })
  vi.stubGlobal('fetch', async (path: string) => {
    asked.push(path)
    if (path === '/api/transit/favourites') return new Response(JSON.stringify(mine ?? {}), { status: mine ? 200 : 401 })
    return new Response(`<main>${path}</main>`, { headers: { 'Content-Type': 'text/html' } })
  })
})
const paths = (): string[] => [...held.get(ALWAYS)!.keys()].map((url) => new URL(url).pathname).filter((path) => !path.endsWith('.json')).sort()

describe('what is at hand of buses', () => {
  it('is the list of lines, favourite lines, and favourite stops by the timetable', async () => {
    await renew(['/transit/stops/s%2F1/', '/transit/lines/L1/'], false)
    expect(paths()).toEqual(['/transit/lines/', '/transit/lines/L1/', '/transit/stops/s%2F1/days/'])
    expect(await (await instead(`${CITY}/transit/stops/s%2F1/`))!.text()).toContain('days')
    expect(await instead(`${CITY}/transit/stops/other/`)).toBeUndefined()
  })
  it('is also what whoever is signed in keeps in the city', async () => {
    mine = [{ kind: 'stop', reference: 'h' }, { kind: 'journey', reference: '1,2;3,4' }]
    await renew([], true)
    expect(paths()).toEqual(['/transit/lines/', '/transit/stops/h/days/'])
  })
  it('is let go of with the favourite', async () => {
    await renew(['/transit/lines/L1/'], false)
    await renew([], false)
    expect(paths()).toEqual(['/transit/lines/'])
  })
  it('is asked for again when it is old or was forgotten, and not before', async () => {
    await renew(['/transit/lines/L1/'], false)
    asked = []
    await renewOld()
    expect(asked).toEqual([])
    held.get(ALWAYS)!.delete(`${CITY}/transit/lines/L1/`)
    await renewOld()
    expect(asked).toEqual(['/api/transit/favourites', '/transit/lines/L1/'])
    asked = []
    vi.setSystemTime(1_800_000_000_000 + 4 * 3_600_000)
    await renewOld()
    expect(asked).toContain('/transit/lines/')
  })
  it('takes no address that asks something', () => {
    expect(isOurs(new URL(`${CITY}/transit/stops/a/`))).toBe(true)
    expect(isOurs(new URL(`${CITY}/transit/stops/a/?date=2026-01-01`))).toBe(false)
    expect(isOurs(new URL(`${CITY}/transit/trips/secret/`))).toBe(false)
  })
})
