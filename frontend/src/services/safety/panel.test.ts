import { beforeEach, expect, test, vi } from 'vitest'
import { Panel } from './panel'

const PART = `
  <article data-alert-shown="7"><h2>medical</h2><section data-card><ol>
    <li><form action="/safety/alerts/7/card/"><input type="hidden" name="question" value="hurt"><button name="answer" value="0" aria-pressed="true">Yes</button></form></li>
    <li data-current><form action="/safety/alerts/7/card/"><input type="hidden" name="question" value="breathing"><button name="answer" value="0">Yes</button><button name="answer" value="1">No</button></form></li>
  </ol></section><form action="/safety/alerts/7/note/"><input name="text" value="a note"><button formaction="/safety/alerts/7/reply/">Write</button></form></article>`
let sent: [string, Record<string, string>][]
let panel: Panel

beforeEach(() => {
  sent = []
  document.body.innerHTML = '<section data-alert-panel hidden><button data-close-panel></button><div data-panel-body></div></section>'
  vi.stubGlobal('fetch', vi.fn(async (url: string, given: RequestInit) => {
    if (given.method === 'POST') sent.push([url, Object.fromEntries(given.body as FormData) as Record<string, string>])
    return given.method === 'POST' ? Response.json({ id: 7, version: 1, state: 'answered' }) : new Response(PART)
  }))
  const on = { said: vi.fn(), changed: vi.fn(), closed: vi.fn(), talked: vi.fn() }
  panel = new Panel(document.querySelector<HTMLElement>('[data-alert-panel]')!, '/safety/alerts/', 'token', on)
})

const posted = (count: number): Promise<void> => vi.waitFor(() => expect(sent.length).toBe(count))

test('a number answers the question that is next, and no other', async () => {
  expect(panel.choose(1)).toBe(false)
  await panel.open(7)
  expect(panel.choose(2)).toBe(true)
  await posted(1)
  expect(sent).toEqual([['/safety/alerts/7/card/', { question: 'breathing', answer: '1' }]])
  expect(panel.choose(3)).toBe(false)
})

test('what was chosen is not taken away, though nobody is in it just now', async () => {
  await panel.open(7)
  const article = document.querySelector('article')!
  article.insertAdjacentHTML('beforeend', '<select name="outcome"><option value="">How it ended</option><option value="helped">helped</option></select>')
  const outcome = article.querySelector('select')!
  vi.useFakeTimers()
  outcome.value = 'helped'
  panel.look(2)
  await vi.advanceTimersByTimeAsync(3000)
  expect(outcome.isConnected).toBe(true)
  outcome.value = ''
  panel.look(3)
  await vi.advanceTimersByTimeAsync(3000)
  expect(outcome.isConnected).toBe(false)
  vi.useRealTimers()
})

test('a card that is over takes no key', async () => {
  await panel.open(7)
  document.querySelectorAll('button[name=answer]').forEach((one) => one.setAttribute('disabled', ''))
  expect(panel.choose(1)).toBe(false)
  expect(sent).toEqual([])
})

test('nor does one whose alert is not shown', async () => {
  await panel.open(7)
  panel.close()
  expect(panel.choose(1)).toBe(false)
  expect(sent).toEqual([])
})

test('a button without a name adds nothing, and its own address is the one that is asked', async () => {
  await panel.open(7)
  document.querySelector<HTMLButtonElement>('[formaction]')!.click()
  await posted(1)
  expect(sent).toEqual([['/safety/alerts/7/reply/', { text: 'a note' }]])
})

test('what was closed while a step is on its way stays closed', async () => {
  await panel.open(7)
  panel.choose(1)
  panel.close()
  await posted(1)
  await new Promise((after) => setTimeout(after))
  expect(document.querySelector<HTMLElement>('[data-alert-panel]')!.hidden).toBe(true)
})
