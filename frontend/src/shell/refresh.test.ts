import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startRefresh } from './refresh'

let answers: (() => Promise<Response>)[] = []

function part(inner: string): HTMLElement {
  document.body.innerHTML = `<div data-refresh="/part" data-every="10"><p data-refresh-lost hidden><span data-words="since {}"></span></p>
    <div data-refresh-body>${inner}</div></div>`
  return document.body.firstElementChild as HTMLElement
}

describe('refresh', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    answers = []
    vi.stubGlobal('fetch', vi.fn(() => (answers.shift() ?? (async () => new Response('<b>new</b>')))()))
  })
  afterEach(() => vi.useRealTimers())

  it('puts the new part in after its seconds, and tells the page to wake it', async () => {
    const root = part('<b>old</b>')
    const woken = vi.fn()
    document.body.addEventListener('htmx:afterSwap', woken)
    startRefresh(root)
    await vi.advanceTimersByTimeAsync(9_000)
    expect(root.textContent).toContain('old')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(root.textContent).toContain('new')
    expect(woken).toHaveBeenCalledOnce()
  })
  it('says since when there is no answer, and goes on when there is one again', async () => {
    const root = part('<b>old</b>')
    startRefresh(root)
    answers = [async () => Promise.reject(new Error('no network')), async () => new Response('', { status: 502 })]
    await vi.advanceTimersByTimeAsync(20_500)
    const banner = root.querySelector<HTMLElement>('[data-refresh-lost]')!
    expect(banner.hidden).toBe(false)
    expect(banner.textContent).toMatch(/since \d\d/)
    expect(root.textContent).toContain('old')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(banner.hidden).toBe(true)
    expect(root.textContent).toContain('new')
  })
  it('waits while a form in it is open', async () => {
    const root = part('<details open><summary>alarm</summary></details>')
    startRefresh(root)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(fetch).not.toHaveBeenCalled()
  })
  it('waits while something is written in it, wherever the focus is', async () => {
    const root = part('<form><textarea></textarea></form>')
    startRefresh(root)
    root.querySelector('textarea')!.value = 'half an ans'
    await vi.advanceTimersByTimeAsync(30_000)
    expect(fetch).not.toHaveBeenCalled()
    root.querySelector('textarea')!.value = ''
    await vi.advanceTimersByTimeAsync(10_000)
    expect(root.textContent).toContain('new')
  })
  it('puts nothing in under a finger that is down, though the answer came meanwhile', async () => {
    const root = part('<button>there</button>')
    startRefresh(root)
    answers = [
      async () => {
        root.querySelector('button')!.dispatchEvent(new Event('pointerdown', { bubbles: true }))
        return new Response('<b>new</b>')
      },
    ]
    await vi.advanceTimersByTimeAsync(25_000)
    expect(root.textContent).toContain('there')
    expect(fetch).toHaveBeenCalledOnce()
    document.dispatchEvent(new Event('pointerup'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(root.textContent).toContain('new')
  })
  it('leaves alone what has not changed, where that is wished', async () => {
    const root = part('<b>old</b>')
    root.dataset.ifChanged = ''
    startRefresh(root)
    await vi.advanceTimersByTimeAsync(10_500)
    const shown = root.querySelector('b')
    expect(shown!.textContent).toBe('new')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(root.querySelector('b')).toBe(shown)
  })
  it('keeps the focus and what the reader has opened', async () => {
    const inner = '<details id="d" data-keep-open><summary>more</summary></details><a id="a" href="/">x</a>'
    const root = part(inner)
    root.querySelector('details')!.open = true
    root.querySelector('a')!.focus()
    answers = [async () => new Response(inner)]
    startRefresh(root)
    await vi.advanceTimersByTimeAsync(10_500)
    expect(root.querySelector('details')!.open).toBe(true)
    expect(document.activeElement?.id).toBe('a')
  })
  it('asks at once when it is told of something new, and once more where that came while it asked', async () => {
    const root = part('<b>old</b>')
    startRefresh(root)
    let answer: (value: Response) => void = () => undefined
    answers = [() => new Promise<Response>((done) => (answer = done))]
    root.dispatchEvent(new Event('refresh'))
    root.dispatchEvent(new Event('refresh'))
    expect(fetch).toHaveBeenCalledOnce()
    answer(new Response('<b>not yet</b>'))
    await vi.advanceTimersByTimeAsync(0)
    expect(fetch).toHaveBeenCalledTimes(2)
    expect(root.textContent).toContain('new')
  })
  it('stops when it is taken off the page', async () => {
    const root = part('')
    startRefresh(root)
    root.remove()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(fetch).not.toHaveBeenCalled()
  })
})
