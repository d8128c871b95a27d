import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startCombobox } from './combobox'

const PLACES = [
  { name: 'Old Market', kind: 'stop', detail: '1, 2', lon: 1, lat: 2 },
  { name: 'Old Harbour', kind: 'stop', detail: '3', lon: 3, lat: 4 },
]

function search(): HTMLElement {
  document.body.innerHTML = `<form><div data-combobox="/api/search/" data-mode="go" data-near="1,2" data-found="answers" data-none="Nothing found; try another word" data-hint="Type what you need" data-close="Close">
    <label for="box">What do you need?</label><input role="combobox" id="box" name="q" aria-expanded="false">
    <ul role="listbox" id="box-list" hidden></ul><p role="status"></p></div></form>`
  return document.querySelector<HTMLElement>('[data-combobox]')!
}

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
  input.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true, bubbles: true }))

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
  it('chooses by a click, and not where a finger only begins to drag the list', async () => {
    const root = field()
    startCombobox(root)
    const input = await type(root, 'old')
    const second = root.querySelectorAll<HTMLElement>('[role=option]')[1]!
    second.dispatchEvent(new Event('pointerdown', { bubbles: true }))
    expect(input.value).toBe('old')
    // The field keeps the focus, else its list would be gone before the click.
    expect(second.dispatchEvent(new MouseEvent('mousedown', { bubbles: true, cancelable: true }))).toBe(false)
    expect(root.querySelector<HTMLElement>('[role=listbox]')!.hidden).toBe(false)
    second.click()
    expect(input.value).toBe('Old Harbour')
  })
  it('says to all that nothing was found, once, and in few words', async () => {
    vi.stubGlobal('fetch', async () => new Response('[]'))
    const root = search()
    root.dataset.none = 'x'.repeat(300)
    startCombobox(root)
    const status = root.querySelector('[role=status]')!
    const input = await type(root, 'zzz')
    expect(root.querySelector<HTMLElement>('.combobox-none')!.hidden).toBe(false)
    expect(status.textContent).toHaveLength(120)
    const said = status.firstChild
    await type(root, 'zzzz')
    expect(status.firstChild).toBe(said)
    press(input, 'Escape')
    expect(root.querySelector<HTMLElement>('.combobox-none')!.hidden).toBe(true)
  })
  it('goes to the address of what is chosen, and leaves Enter without a choice to the form', async () => {
    const urls: string[] = []
    const answers = [{ name: 'General Hospital', kind: 'Hospital', area: 'Riverside', detail: '', url: '/place/?lon=1&lat=2' }]
    vi.stubGlobal('fetch', async (url: string) => {
      urls.push(url)
      return new Response(JSON.stringify(answers))
    })
    const root = search()
    startCombobox(root)
    const gone = vi.fn((event: Event) => event.preventDefault())
    root.addEventListener('go', gone)
    const input = await type(root, 'hosp')
    expect(urls).toEqual(['/api/search/?q=hosp&lon=1&lat=2'])
    expect(root.querySelector('[role=option] small')!.textContent).toBe('Hospital · Riverside')
    expect(press(input, 'Enter')).toBe(true)
    expect(gone).not.toHaveBeenCalled()
    press(input, 'ArrowDown')
    expect(press(input, 'Enter')).toBe(false)
    expect((gone.mock.calls[0]![0] as CustomEvent).detail).toBe('/place/?lon=1&lat=2')
  })
  it('fills a phone while somebody writes, and gives the focus back', async () => {
    vi.stubGlobal('matchMedia', () => ({ matches: true }))
    const root = search()
    startCombobox(root)
    const input = root.querySelector('input')!
    input.click()
    expect(root.dataset.sheet).toBe('')
    expect([root.getAttribute('role'), root.getAttribute('aria-label')]).toEqual(['dialog', 'What do you need?'])
    const button = root.querySelector<HTMLButtonElement>('.combobox-close')!
    expect(button.hidden).toBe(false)
    expect(root.querySelector<HTMLElement>('.combobox-none')!.textContent).toBe('Type what you need')
    button.focus()
    button.click()
    expect(root.dataset.sheet).toBeUndefined()
    expect(root.hasAttribute('role')).toBe(false)
    expect(document.activeElement).toBe(input)
    input.click()
    input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }))
    expect(root.dataset.sheet).toBeUndefined()
    vi.unstubAllGlobals()
  })
})

describe('what is near comes first', () => {
  const place = vi.fn()
  const asked: string[] = []
  const device = (state: string): void => {
    place.mockImplementation((found: (at: unknown) => void) => found({ coords: { longitude: -51.21512345, latitude: -30.0300021 } }))
    vi.stubGlobal('navigator', { geolocation: { getCurrentPosition: place }, permissions: { query: async () => ({ state }) } })
  }
  beforeEach(() => {
    vi.useFakeTimers()
    place.mockReset()
    asked.length = 0
    vi.stubGlobal('fetch', async (address: string) => (asked.push(address), new Response('[]')))
  })
  afterEach(() => vi.unstubAllGlobals())
  /** Somebody goes into the field and writes; the page's own place, if it has one. */
  const write = async (near: string): Promise<void> => {
    const root = search()
    root.dataset.near = near
    startCombobox(root)
    root.querySelector('input')!.focus()
    await type(root, 'pharmacy')
  }
  it('asks nobody where they are, and goes on without', async () => {
    device('prompt')
    await write('')
    expect(place).not.toHaveBeenCalled()
    expect(asked).toEqual(['/api/search/?q=pharmacy'])
  })
  it('tells roughly where the device is once that was allowed, and the page’s own place before it', async () => {
    device('granted')
    await write('')
    expect(asked).toEqual(['/api/search/?q=pharmacy&lon=-51.215&lat=-30.030'])
    await write('')
    expect(place).toHaveBeenCalledTimes(1)
    await write('1,2')
    expect(asked.at(-1)).toBe('/api/search/?q=pharmacy&lon=1&lat=2')
  })
  it('tells it no more when it may not', async () => {
    device('denied')
    await write('')
    expect(asked).toEqual(['/api/search/?q=pharmacy'])
  })
})
