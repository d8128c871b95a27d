import { beforeEach, describe, expect, it, vi } from 'vitest'
import { startCombobox } from './combobox'

const PLACES = [
  { name: 'Old Market', kind: 'stop', detail: '1, 2', lon: 1, lat: 2 },
  { name: 'Old Harbour', kind: 'stop', detail: '3', lon: 3, lat: 4 },
]

function field(): HTMLElement {
  document.body.innerHTML = `<div data-combobox="/search" data-found="found" data-none="nothing">
    <input role="combobox" aria-expanded="false"><input data-lon><input data-lat>
    <ul role="listbox" id="list" hidden></ul><p role="status"></p></div>`
  return document.body.firstElementChild as HTMLElement
}

async function type(root: HTMLElement, text: string): Promise<HTMLInputElement> {
  const input = root.querySelector('input')!
  input.value = text
  input.dispatchEvent(new Event('input'))
  await vi.advanceTimersByTimeAsync(300)
  return input
}

const press = (input: HTMLElement, key: string): boolean =>
  input.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }))

describe('combobox', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('fetch', async () => new Response(JSON.stringify(PLACES)))
  })
  it('suggests, and takes the one the arrows and Enter choose', async () => {
    const root = field()
    startCombobox(root)
    const input = await type(root, 'old')
    expect(root.querySelectorAll('[role=option]')).toHaveLength(2)
    expect(input.getAttribute('aria-expanded')).toBe('true')
    press(input, 'ArrowDown')
    press(input, 'ArrowDown')
    expect(input.getAttribute('aria-activedescendant')).toBe('list-1')
    expect(press(input, 'Enter')).toBe(false)
    expect(input.value).toBe('Old Harbour')
    expect(root.querySelector<HTMLInputElement>('[data-lon]')!.value).toBe('3.000000')
    expect(root.querySelector<HTMLElement>('[role=listbox]')!.hidden).toBe(true)
  })
  it('forgets the position when the text is changed by hand', async () => {
    const root = field()
    startCombobox(root)
    const input = await type(root, 'old')
    press(input, 'Enter')
    await type(root, 'elsewhere')
    expect(root.querySelector<HTMLInputElement>('[data-lon]')!.value).toBe('')
  })
  it('closes on Escape and says how many were found', async () => {
    const root = field()
    startCombobox(root)
    const input = await type(root, 'old')
    expect(root.querySelector('[role=status]')!.textContent).toBe('2 found')
    press(input, 'Escape')
    expect(input.getAttribute('aria-expanded')).toBe('false')
  })
})
