import { beforeEach, describe, expect, it, vi } from 'vitest'
import { CACHE, OFFLINE, kept, namedIn } from './keeping'
import { ALWAYS, AT, MOST, OWN, PAGES, READER, forget, mayKeep, offlinePage, page, remember } from './pages'

const CITY = 'https://city.test'
const full = (request: Request | string): string => new URL(typeof request === 'string' ? request : request.url, CITY).href

/** A browser's cache storage; `room` bytes are all that it has. */
class Store {
  room = Infinity
  readonly caches = new Map<string, Map<string, Response>>()
  async open(name: string): Promise<unknown> {
    const held = this.caches.get(name) ?? new Map<string, Response>()
    this.caches.set(name, held)
    return {
      match: async (request: Request | string) => held.get(full(request))?.clone(),
      put: async (request: Request | string, answer: Response) => {
        if (held.size >= this.room) throw new DOMException('full', 'QuotaExceededError')
        held.set(full(request), answer)
      },
      delete: async (request: Request | string) => held.delete(full(request)),
      keys: async () => [...held.keys()].map((url) => new Request(url)),
    }
  }
  async keys(): Promise<string[]> {
    return [...this.caches.keys()]
  }
  async match(request: Request | string): Promise<Response | undefined> {
    for (const held of this.caches.values()) if (held.has(full(request))) return held.get(full(request))!.clone()
    return undefined
  }
}

let store: Store
const html = (body: string, headers: Record<string, string> = {}, status = 200): Response =>
  new Response(`<html lang="es" data-zone="America/Sao_Paulo"><title>${body} · Marelva</title><main id="main">${body}</main></html>`, { status, headers: { 'Content-Type': 'text/html; charset=utf-8', ...headers } })
const opened = (url: string): FetchEvent & { done: Promise<unknown>[] } => {
  const done: Promise<unknown>[] = []
  return { request: new Request(url), done, waitUntil: (one: Promise<unknown>) => void done.push(one) } as never
}
const held = (name: string): string[] => [...(store.caches.get(name)?.keys() ?? [])]

beforeEach(async () => {
  vi.useRealTimers()
  store = new Store()
  vi.stubGlobal('caches', store)
  const cache = (await store.open(CACHE)) as Cache
  await cache.put(OFFLINE, new Response('<html lang="es" data-zone="America/Sao_Paulo"><title>Sin red</title><main><p data-kept-none>x</p><section data-kept-list hidden><ul class="list" data-kept-rows></ul></section><p hidden lang="es" data-kept-words="Como a las {}."></p></main>', { headers: { 'Content-Type': 'text/html' } }))
})

describe('the pages that were seen last', () => {
  it('are kept, the newest twenty', async () => {
    vi.useFakeTimers()
    for (let i = 0; i < MOST + 5; i++) {
      vi.advanceTimersByTime(1000)
      await remember(`${CITY}/page/${i}/`, html(`page ${i}`))
    }
    expect(held(PAGES)).toHaveLength(MOST)
    expect(held(PAGES)).not.toContain(`${CITY}/page/4/`)
    expect(held(PAGES)).toContain(`${CITY}/page/5/`)
  })
  it('are public ones: no account, no desk, nothing that must not be stored', () => {
    const may = (path: string, answer = html('x')): boolean => mayKeep(CITY + path, answer)
    expect(may('/transit/lines/')).toBe(true)
    for (const path of ['/accounts/me/', '/admin/', '/work/', '/api/docs/', '/reports/desk/', '/transit/control/fleet/']) expect(may(path), path).toBe(false)
    expect(may('/x/', html('x', { 'Cache-Control': 'private, no-store' }))).toBe(false)
    expect(may('/x/', html('x', {}, 404))).toBe(false)
    expect(may('/x/', html('x', { 'Content-Type': 'application/json' }))).toBe(false)
  })
  it('of somebody who was signed in are gone once the session is another', async () => {
    await remember(`${CITY}/public/`, html('public'))
    await remember(`${CITY}/mine/`, html('mine', { [READER]: 'a' }))
    expect(held(PAGES)).toHaveLength(2)
    await remember(`${CITY}/other/`, html('other', { [READER]: 'a' }))
    expect(held(PAGES)).toHaveLength(3)
    await remember(`${CITY}/accounts/login/`, html('login'))
    expect(held(PAGES)).toEqual([`${CITY}/public/`])
  })
  it('are forgotten at sign-out wherever they lie', async () => {
    for (const name of [ALWAYS, `${OWN}work-1`]) await ((await store.open(name)) as Cache).put('/mine/', html('mine', { [READER]: 'a' }))
    await remember(`${CITY}/mine/`, html('mine', { [READER]: 'a' }))
    vi.stubGlobal('fetch', vi.fn().mockRejectedValue(new TypeError('network')))
    await forget()
    expect([...held(PAGES), ...held(ALWAYS), ...held(`${OWN}work-1`)]).toEqual([])
  })
  it('are shown without a network, with when they were seen, on the city\'s clock and in the page\'s language', async () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 4, 4, 17, 2), toFake: ['Date'] })
    await remember(`${CITY}/lines/`, html('lines'))
    vi.stubGlobal('fetch', vi.fn().mockRejectedValue(new TypeError('network')))
    expect(await (await page(opened(`${CITY}/lines/#stop`))).text()).toContain('Como a las 14:02.')
    vi.setSystemTime(Date.UTC(2026, 4, 5, 17, 2))
    const later = await (await page(opened(`${CITY}/lines/`))).text()
    expect(later).toMatch(/<main id="main"><p class="banner[^>]*><span>Como a las lun, 4 may, 14:02\./)
  })
  it('are shown where the city is slow, and the fresh one the next time', async () => {
    await remember(`${CITY}/lines/`, html('old'))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let answer: (page: Response) => void = () => undefined
    vi.stubGlobal('fetch', vi.fn().mockReturnValue(new Promise<Response>((done) => (answer = done))))
    const event = opened(`${CITY}/lines/`)
    const shown = page(event)
    await vi.advanceTimersByTimeAsync(4100)
    expect(await (await shown).text()).toContain('old')
    answer(html('new'))
    await Promise.all(event.done)
    vi.useRealTimers()
    vi.stubGlobal('fetch', vi.fn().mockRejectedValue(new TypeError('network')))
    expect(await (await page(opened(`${CITY}/lines/`))).text()).toContain('new')
  })
  it('are not taken for the city\'s answer, whatever that is', async () => {
    await remember(`${CITY}/lines/`, html('old'))
    vi.stubGlobal('fetch', vi.fn().mockResolvedValue(html('gone', {}, 404)))
    expect((await page(opened(`${CITY}/lines/`))).status).toBe(404)
    vi.stubGlobal('fetch', vi.fn().mockResolvedValue(html('down', {}, 502)))
    expect(await (await page(opened(`${CITY}/lines/`))).text()).toContain('old')
    expect((await page(opened(`${CITY}/unseen/`))).status).toBe(502)
  })
  it('are named on the page that says that there is no network', async () => {
    expect(await (await offlinePage()).text()).toContain('data-kept-none')
    await remember(`${CITY}/lines/?a=1&b=%22`, html('Lines &amp; more'))
    const shown = await (await offlinePage()).text()
    expect(shown).toContain('href="/lines/?a=1&amp;b=%22"><span>Lines &amp; more</span>')
    expect(shown).not.toContain('data-kept-list hidden')
  })
  it('need no room that there is not', async () => {
    await remember(`${CITY}/a/`, html('a'))
    store.room = 1
    await remember(`${CITY}/b/`, html('b'))
    expect(held(PAGES)).toHaveLength(1)
    vi.stubGlobal('fetch', vi.fn().mockResolvedValue(new Response('text')))
    expect((await kept('/static/cityhall/assets/a-12345678.js')).status).toBe(200)
  })
  it('say when that was in their headers', async () => {
    await remember(`${CITY}/a/`, html('a', { 'Content-Encoding': 'gzip' }))
    const found = (await store.match(`${CITY}/a/`))!
    expect(Number(found.headers.get(AT))).toBeGreaterThan(0)
    expect(found.headers.has('Content-Encoding')).toBe(false)
  })
})

describe('what a built script names', () => {
  it('is what it imports at once, and of its later parts those that are asked for', () => {
    const script = 'import{i as e}from"./base-C9gBMPPn.js";import"./side-12345678.js";t(()=>import(`./filing-9EM5gGzy.js`)),t(()=>import(`./desk-xTScWZaM.js`))'
    const names = (later: string[]): string[] => namedIn(script, later).map((one) => one.split('/').at(-1)!)
    expect(names([])).toEqual(['base-C9gBMPPn.js', 'side-12345678.js'])
    expect(names(['filing'])).toEqual(['base-C9gBMPPn.js', 'side-12345678.js', 'filing-9EM5gGzy.js'])
  })
})
