import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HOLD_MS, startHold } from './hold'

let done: string[] = []

function button(lasting = false): HTMLButtonElement {
  document.body.innerHTML = '<form><button>Help</button></form>'
  const one = document.querySelector('button')!
  startHold(one, { held: () => done.push('held'), short: () => done.push('short'), click: () => done.push('click') }, lasting)
  return one
}
const pointer = (one: HTMLElement, type: string): void => void one.dispatchEvent(new PointerEvent(type, { width: 20, height: 20, pointerType: 'touch', bubbles: true }))
const key = (one: HTMLElement, type: string, name: string, repeat = false): Event => {
  const event = new KeyboardEvent(type, { key: name, repeat, bubbles: true, cancelable: true })
  one.dispatchEvent(event)
  return event
}
const click = (one: HTMLElement, detail: number): void => void one.dispatchEvent(new MouseEvent('click', { detail, bubbles: true, cancelable: true }))

describe('a button that is held', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    done = []
  })
  afterEach(() => vi.useRealTimers())

  it('does it after a second, and not again when it is let go', () => {
    const one = button()
    pointer(one, 'pointerdown')
    vi.advanceTimersByTime(HOLD_MS - 10)
    expect(done).toEqual([])
    vi.advanceTimersByTime(20)
    pointer(one, 'pointerup')
    click(one, 1)
    expect(done).toEqual(['held'])
  })
  it('does nothing where it was only tapped, and says so', () => {
    const one = button()
    pointer(one, 'pointerdown')
    vi.advanceTimersByTime(300)
    pointer(one, 'pointerup')
    click(one, 1)
    vi.advanceTimersByTime(5000)
    expect(done).toEqual(['short'])
  })
  it.each([' ', 'Enter'])('is held by the key “%s”, which makes no click', (name) => {
    const one = button()
    expect(key(one, 'keydown', name).defaultPrevented).toBe(true)
    key(one, 'keydown', name, true)
    vi.advanceTimersByTime(HOLD_MS + 10)
    expect(key(one, 'keyup', name).defaultPrevented).toBe(true)
    expect(done).toEqual(['held'])
  })
  it('takes a click of what assists somebody', () => {
    click(button(), 0)
    expect(done).toEqual(['click'])
  })
  it('with a second that lasts, tells a tap and a hold apart only when both look over', () => {
    const one = button(true)
    pointer(one, 'pointerdown')
    vi.advanceTimersByTime(100)
    pointer(one, 'pointerup')
    expect([done.length, 'holding' in one.dataset]).toEqual([0, true])
    vi.advanceTimersByTime(HOLD_MS)
    expect([done[0], 'holding' in one.dataset]).toEqual(['short', false])
  })
})
