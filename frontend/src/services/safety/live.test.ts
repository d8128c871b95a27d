import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Live, SILENT_MS } from './live'
import { Queue, type Mark, type Row } from './model'

class Stream extends EventTarget {
  static readonly CLOSED = 2
  static readonly OPEN = 1
  static last: Stream
  readyState = 1
  constructor() {
    super()
    Stream.last = this
  }
  close(): void {
    this.readyState = 2
  }
  tell(rows: object[]): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(rows) }))
  }
}

const row = (id: number, version = 0): Row => ({ id, version, state: 'waiting', priority: 1, received: id } as Row)
let city: Row[] = []
let answers = true
let asked: string[] = []
const mark = (): Mark => [city.length, city.reduce((sum, one) => sum + one.version, 0), city.reduce((sum, one) => sum + one.id, 0)]

describe('the screen', () => {
  let queue: Queue
  let live: boolean[]
  let fresh: (number[] | undefined)[]

  beforeEach(async () => {
    vi.useFakeTimers()
    ;[city, answers, asked, live, fresh] = [[row(1)], true, [], [], []]
    vi.stubGlobal('EventSource', Stream)
    vi.stubGlobal('Worker', undefined)
    vi.stubGlobal('fetch', async (address: string) => {
      asked.push(address)
      if (!answers) throw new Error('no network')
      const beat = { mark: mark(), now: Date.now(), people: {} }
      return Response.json(address === '/queue' ? { rows: city, ...beat } : { shift: true, ...beat })
    })
    queue = new Queue()
    new Live({ queue: '/queue', here: '/here', live: '/live', token: '' }, queue, {
      changed: (rows) => fresh.push(rows?.map((one) => one.id)),
      beat: () => undefined,
      live: (is) => live.push(is),
      tick: () => undefined,
    }).start()
    Stream.last.dispatchEvent(new Event('open'))
    await vi.advanceTimersByTimeAsync(3000)
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('has the queue when its stream opens, and is live', () => {
    expect([queue.rows.size, live.at(-1), fresh[0]]).toEqual([1, true, undefined])
  })
  it('is not live within five seconds of the last answer, and is again with the next', async () => {
    answers = false
    await vi.advanceTimersByTimeAsync(5000)
    expect(SILENT_MS).toBeLessThan(5000)
    expect(live.at(-1)).toBe(false)
    answers = true
    await vi.advanceTimersByTimeAsync(2500)
    expect(live.at(-1)).toBe(true)
  })
  it('is not live while its stream is not open', async () => {
    Stream.last.readyState = 0
    await vi.advanceTimersByTimeAsync(600)
    expect(live.at(-1)).toBe(false)
  })
  it('hears what is new, and asks for nothing then', async () => {
    asked = []
    city = [row(1), row(2)]
    Stream.last.tell([row(2)])
    expect(fresh.at(-1)).toEqual([2])
    await vi.advanceTimersByTimeAsync(8000)
    expect(asked).not.toContain('/queue')
  })
  it('notices within five seconds that the stream brings nothing, says so, and has what the city has', async () => {
    city = [row(1), row(2)]
    live = []
    await vi.advanceTimersByTimeAsync(5000)
    expect([...queue.rows.keys()]).toEqual([1, 2])
    expect([live.includes(false), live.at(-1)]).toEqual([true, true])
  })
  it('asks anew when the stream says that something was lost', async () => {
    city = [row(5)]
    Stream.last.dispatchEvent(new Event('reset'))
    await vi.advanceTimersByTimeAsync(0)
    expect([...queue.rows.keys()]).toEqual([5])
    expect(fresh.at(-1)).toEqual([5])
  })
})
