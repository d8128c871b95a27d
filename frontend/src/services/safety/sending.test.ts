import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Sender, find, keep, newKey, post, wait, type Answer, type Press } from './sending'

const RECEIVED = { link: '/safety/call/abc/' }
const PLACE = { lon: -29.4, lat: 36.3, accuracy: 40 }
let shown: string[] = []
let posted: { key: string; point: unknown }[] = []
let answers: (Answer | Promise<Answer>)[] = []

const send = async (press: Press): Promise<Answer> => {
  posted.push({ key: press.key, point: press.point })
  return answers.shift() ?? { why: 'network' }
}
const sender = (): Sender => new Sender((press) => shown.push(press.state), send)

describe('a call for help', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    localStorage.clear()
    ;[shown, posted, answers] = [[], [], []]
  })
  afterEach(() => {
    keep(undefined)
    vi.useRealTimers()
  })

  it('is received only when the city has answered', async () => {
    let answer: (value: Answer) => void = () => undefined
    answers = [new Promise<Answer>((done) => (answer = done))]
    const one = sender()
    one.call({ kind: 'panic' })
    await vi.advanceTimersByTimeAsync(5000)
    expect([one.press!.state, shown.includes('received')]).toEqual(['sent', false])
    answer(RECEIVED)
    await vi.advanceTimersByTimeAsync(0)
    expect([one.press!.state, one.press!.link]).toEqual(['received', RECEIVED.link])
  })
  it('waits without a network, says so, and is sent by its key until it is received', async () => {
    answers = [{ why: 'network' }, { why: 'busy' }, { why: 'network' }, RECEIVED]
    const one = sender()
    one.call({ kind: 'panic' })
    await vi.advanceTimersByTimeAsync(0)
    expect([one.press!.state, one.press!.why]).toEqual(['queued', 'network'])
    await vi.advanceTimersByTimeAsync(8000)
    expect(one.press!.state).toBe('received')
    expect(new Set(posted.map((press) => press.key)).size).toBe(1)
    expect(posted).toHaveLength(4)
  })
  it('is sent at once when there is a network again', async () => {
    answers = [{ why: 'network' }, { why: 'network' }, { why: 'network' }, { why: 'network' }]
    const one = sender()
    one.call({ kind: 'panic' })
    await vi.advanceTimersByTimeAsync(8000)
    const before = posted.length
    answers = [RECEIVED]
    dispatchEvent(new Event('online'))
    await vi.advanceTimersByTimeAsync(0)
    expect([posted.length, one.press!.state]).toEqual([before + 1, 'received'])
  })
  it('is there after the page is loaded again, by the same key', async () => {
    sender().call({ kind: 'fire' })
    await vi.advanceTimersByTimeAsync(0)
    answers = [RECEIVED]
    const again = sender()
    expect([again.press!.state, again.press!.fields]).toEqual(['queued', { kind: 'fire' }])
    await again.go()
    expect(again.press!.state).toBe('received')
    expect(new Set(posted.map((press) => press.key)).size).toBe(1)
  })
  it('does not wait for the place, and tells it when it comes', async () => {
    answers = [RECEIVED, RECEIVED]
    const one = sender()
    one.call({ kind: 'panic' })
    await vi.advanceTimersByTimeAsync(0)
    expect([posted[0]!.point, one.press!.state]).toEqual([undefined, 'received'])
    one.where(PLACE)
    await vi.advanceTimersByTimeAsync(0)
    expect(posted[1]).toEqual({ key: posted[0]!.key, point: PLACE })
    expect(one.press!.told).toBe(true)
    one.where({ ...PLACE, accuracy: 35 })
    await vi.advanceTimersByTimeAsync(0)
    expect(posted).toHaveLength(2)
  })
  it('whose place came while it was on its way tells it afterwards', async () => {
    let answer: (value: Answer) => void = () => undefined
    answers = [new Promise<Answer>((done) => (answer = done)), RECEIVED]
    const one = sender()
    one.call({ kind: 'panic' })
    one.where(PLACE)
    answer(RECEIVED)
    await vi.advanceTimersByTimeAsync(0)
    expect(posted.map((press) => press.point)).toEqual([undefined, PLACE])
  })
  it('that is not received is not made a second one by pressing again; a received one is', async () => {
    const one = sender()
    one.call({ kind: 'panic' })
    await vi.advanceTimersByTimeAsync(0)
    answers = [RECEIVED, RECEIVED]
    one.call({ kind: 'panic' })
    await vi.advanceTimersByTimeAsync(0)
    one.call({ kind: 'panic' })
    await vi.advanceTimersByTimeAsync(0)
    expect([posted[0]!.key === posted[1]!.key, posted[1]!.key === posted[2]!.key]).toEqual([true, false])
  })
  it('works in a browser that keeps nothing', async () => {
    vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new Error('full')
    })
    vi.spyOn(Storage.prototype, 'getItem').mockImplementation(() => {
      throw new Error('off')
    })
    answers = [{ why: 'network' }, RECEIVED]
    const one = sender()
    one.call({ kind: 'panic' })
    await vi.advanceTimersByTimeAsync(1000)
    expect([one.press!.state, find()!.key]).toEqual(['received', one.press!.key])
    vi.restoreAllMocks()
  })
})

describe('sending', () => {
  const press: Press = { key: newKey(), at: 0, fields: { kind: 'panic' }, state: 'queued', tries: 0 }
  const answer = (body: string, init: ResponseInit = {}): void => void vi.stubGlobal('fetch', async () => new Response(body, init))

  it('takes only the city’s own answer for a receipt', async () => {
    answer(JSON.stringify({ alert: 1, code: 'abc', link: '/safety/call/abc/' }))
    expect(await post(press)).toEqual({ link: '/safety/call/abc/' })
    answer('<h1>Welcome to the Wi-Fi of the station</h1>')
    expect(await post(press)).toMatchObject({ why: 'busy' })
    answer('{}', { status: 200 })
    expect(await post(press)).toMatchObject({ why: 'busy' })
    answer('', { status: 503, headers: { 'Retry-After': '5' } })
    expect((await post(press) as { until: number }).until - Date.now()).toBeGreaterThan(4000)
    vi.stubGlobal('fetch', async () => Promise.reject(new Error('no network')))
    expect(await post(press)).toEqual({ why: 'network' })
  })
  it('makes keys of 32 hexadecimal digits, each another', () => {
    const keys = Array.from({ length: 50 }, newKey)
    expect(keys.every((key) => /^[0-9a-f]{32}$/.test(key))).toBe(true)
    expect(new Set(keys).size).toBe(50)
  })
  it('waits longer each time, and never longer than a minute', () => {
    expect([1, 2, 3, 4, 5, 9].map((tries) => wait(tries))).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000])
    expect(wait(1, Date.now() + 3_600_000)).toBe(60_000)
  })
})
