import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Outbox, poster, showOutbox, type Message, type Receipt } from './talk'

let answers: (Receipt | Promise<Receipt>)[] = []
let posted: string[] = []
let keys: string[] = []
let states: string[] = []
const post = async (message: Message): Promise<Receipt> => {
  posted.push(message.text)
  keys.push(message.key)
  return answers.shift() ?? 'again'
}
const outbox = (call = '/safety/call/a/'): Outbox => new Outbox(call, post, (all) => (states = all.map((one) => one.state)))

describe('what a caller writes', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    localStorage.clear()
    ;[answers, posted, keys, states] = [[], [], [], []]
  })
  afterEach(() => vi.useRealTimers())

  it('is received only when the city has answered, and gone once the page shows it', async () => {
    let answer: (value: Receipt) => void = () => undefined
    answers = [new Promise<Receipt>((done) => (answer = done))]
    const one = outbox()
    one.say('I am in the cellar')
    await vi.advanceTimersByTimeAsync(0)
    expect(states).toEqual(['sent'])
    answer('received')
    await vi.advanceTimersByTimeAsync(0)
    expect(states).toEqual(['received'])
    expect(localStorage.length).toBe(0)
    one.shown(new Set(keys))
    expect(states).toEqual([])
  })
  it('waits without a network, is sent again by its key, and in its order', async () => {
    answers = ['again', 'again', 'received', 'received']
    const one = outbox()
    one.say('first')
    one.say('second')
    await vi.advanceTimersByTimeAsync(0)
    expect(states).toEqual(['queued', 'queued'])
    await vi.advanceTimersByTimeAsync(5000)
    expect(posted).toEqual(['first', 'first', 'first', 'second'])
    expect(new Set(keys).size).toBe(2)
    expect(states).toEqual(['received', 'received'])
  })
  it('is there after the page is loaded again, and not on the page of another call', async () => {
    outbox().say('still here')
    await vi.advanceTimersByTimeAsync(0)
    const first = keys[0]
    expect(outbox('/safety/call/b/').messages).toEqual([])
    answers = ['received']
    outbox()
    await vi.advanceTimersByTimeAsync(0)
    expect(keys.at(-1)).toBe(first)
    expect(states).toEqual(['received'])
  })
  it('that the city refuses is not sent again, and says why', async () => {
    answers = [{ refused: 'Your call is closed.' }, 'received']
    const one = outbox()
    one.say('x')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(posted).toEqual(['x'])
    document.body.innerHTML = '<ol data-refused="Not taken." hidden><template><li><b data-text></b><small data-state></small></li></template></ol>'
    const list = document.body.firstElementChild as HTMLElement
    showOutbox(list, one.messages)
    expect([list.hidden, list.querySelector('small')!.textContent]).toEqual([false, 'Not taken. Your call is closed.'])
  })
})

describe('posting', () => {
  const message: Message = { key: 'k', text: 'I am hurt', phrase: 'hurt', state: 'queued' }
  const answer = (body: string, init: ResponseInit = {}): void => void vi.stubGlobal('fetch', vi.fn(async () => new Response(body, init)))

  it('takes only the city’s own answer for a receipt, and sends a quick reply by its name', async () => {
    answer(JSON.stringify({ line: 7 }))
    expect(await poster('/x')(message)).toBe('received')
    const [, given] = vi.mocked(fetch).mock.calls[0]!
    expect(JSON.parse(given!.body as string)).toEqual({ key: 'k', phrase: 'hurt', text: '' })
    answer('<h1>Wi-Fi</h1>')
    expect(await poster('/x')(message)).toBe('again')
    answer(JSON.stringify({ message: 'Closed.', mend: 'Call again.' }), { status: 409 })
    expect(await poster('/x')(message)).toEqual({ refused: 'Closed. Call again.' })
    answer(JSON.stringify({ message: 'Too many.' }), { status: 429 })
    expect(await poster('/x')(message)).toBe('again')
    vi.stubGlobal('fetch', async () => Promise.reject(new Error('no network')))
    expect(await poster('/x')(message)).toBe('again')
  })
})
