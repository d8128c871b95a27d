import { beforeEach, expect, test, vi } from 'vitest'

const { rang } = vi.hoisted(() => ({ rang: vi.fn() }))
vi.mock('./sound', () => ({ Sound: class { off = false; ring = rang; wake = async (): Promise<void> => undefined } }))
const opened = { close: vi.fn() }
const open = vi.fn((_address: string, _name: string): typeof opened | null => opened)

const OFFER = `<section data-offer="7"><form action="/accept/" data-leads><button id="responding">Responding</button></form>
  <form action="/refuse/"><button id="refuse">Cannot go</button></form><a id="way" href="geo:-30.03,-51.2">way</a></section>`
const ACCEPTED = '<form action="/arrive/"><button id="arrive">We are there</button></form><a id="way" href="geo:-30.1,-51.3">way</a>'

const page = (now: string): string => `<div data-unit-page data-page data-now="${Date.now()}"><input name="csrfmiddlewaretoken" value="t">
  <p data-unsent="Not sent" hidden><span></span></p><div data-refresh-body>${now}</div><p data-sound-off hidden></p></div>`

let posts: string[] = []
let answers = true

async function start(now: string): Promise<void> {
  document.body.innerHTML = page(now)
  const { startUnit } = await import('./unit')
  startUnit(document.querySelector<HTMLElement>('[data-unit-page]')!)
}

const press = async (id: string): Promise<void> => {
  document.getElementById(id)!.click()
  await vi.waitFor(() => expect(document.querySelector('button:disabled')).toBeNull())
  await new Promise((done) => setTimeout(done))
}

beforeEach(() => {
  // What a test before has opened is closed.
  document.dispatchEvent(new Event('visibilitychange'))
  ;[posts, answers] = [[], true]
  ;[rang, open, opened.close].forEach((one) => one.mockClear())
  vi.stubGlobal('open', open)
  vi.stubGlobal('fetch', async (address: string) => {
    expect(open).not.toHaveBeenCalled()
    posts.push(new URL(address, location.href).pathname)
    if (!answers) throw new Error('no network')
    return new Response(page(ACCEPTED))
  })
})

test('one press accepts and then opens the way beside the page, to where the answer says', async () => {
  await start(OFFER)
  await press('responding')
  expect(posts).toEqual(['/accept/'])
  expect(open.mock.calls).toEqual([['geo:-30.1,-51.3', '_blank']])
  open.mockClear()
  await press('arrive')
  expect(posts).toEqual(['/accept/', '/arrive/'])
  expect(open).not.toHaveBeenCalled()
})

test('the empty page that the map leaves is closed when the crew comes back', async () => {
  await start(OFFER)
  await press('responding')
  expect(opened.close).not.toHaveBeenCalled()
  document.dispatchEvent(new Event('visibilitychange'))
  expect(opened.close).toHaveBeenCalledOnce()
})

test('where the browser opens nothing, the way is one press away', async () => {
  open.mockReturnValueOnce(null)
  await start(OFFER)
  await press('responding')
  expect(document.activeElement?.id).toBe('way')
})

test('nothing is opened where the city did not answer, or the unit refuses', async () => {
  await start(OFFER)
  await press('refuse')
  answers = false
  await start(OFFER)
  await press('responding')
  expect(open).not.toHaveBeenCalled()
})

test('an alert rings again and again, a move once', async () => {
  vi.useFakeTimers()
  await start(OFFER)
  await vi.advanceTimersByTimeAsync(9000)
  const often = rang.mock.calls.length
  rang.mockClear()
  await start(OFFER.replace('data-offer="7"', 'data-offer="m1" data-once'))
  await vi.advanceTimersByTimeAsync(9000)
  vi.useRealTimers()
  expect(rang).toHaveBeenCalledOnce()
  expect(often).toBeGreaterThan(2)
})

test('a call for help that is sent again has the same key, and the next one another', async () => {
  const keys: string[] = []
  const bodies = fetch
  vi.stubGlobal('fetch', async (address: string, sent: RequestInit) => {
    keys.push(String((sent.body as FormData).get('key')))
    return bodies(address)
  })
  const HELP = '<form action="/help/" data-keyed><button id="help">We need help ourselves</button></form>'
  await start(HELP)
  answers = false
  await press('help')
  document.querySelector('[data-refresh-body]')!.innerHTML = HELP
  answers = true
  await press('help')
  document.querySelector('[data-refresh-body]')!.innerHTML = HELP
  await press('help')
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/)
  expect(keys).toEqual([keys[0], keys[0], keys[2]])
  expect(keys[2]).not.toBe(keys[0])
})
