import { beforeEach, describe, expect, it, vi } from 'vitest'
import { add, address, kept, nextOf, remove, startList, startStar } from './favourites'

const STOP = { kind: 'stop', reference: 's/1', name: 'Harbour', label: '' }

beforeEach(() => {
  localStorage.clear()
  vi.stubGlobal('fetch', vi.fn(async () => new Response('<b>4 min</b>')))
})

describe('favourites of this browser', () => {
  it('are kept once and removed', () => {
    add(STOP)
    add(STOP)
    expect(kept()).toEqual([STOP])
    remove(STOP)
    expect(kept()).toEqual([])
  })
  it('survive rubbish in the store', () => {
    localStorage.setItem('transit-favourites', '{"not": "a list"')
    expect(kept()).toEqual([])
    localStorage.setItem('transit-favourites', '[null, 3, {"kind": "stop"}]')
    expect(kept()).toEqual([])
  })
  it('have the pages of the city', () => {
    expect(address(STOP)).toBe('/transit/stops/s%2F1/')
    const way = address({ kind: 'journey', reference: '1.0,2.0;3.0,4.0', name: 'Home – Work', label: '' })
    expect(way).toContain('from=Home') 
    expect(way).toContain('to_lat=4.0')
  })
  it('are kept by the star, and a second press takes them away', () => {
    document.body.innerHTML = `<form data-here="1"><input name="kind" value="stop"><input name="reference" value="s/1">
      <input name="name" value="Harbour"><button aria-pressed="false" disabled></button></form>`
    const form = document.querySelector('form')!
    expect(form.querySelector('button')!.disabled).toBe(true)
    startStar(form)
    expect(form.querySelector('button')!.disabled).toBe(false)
    const press = (): boolean => form.dispatchEvent(new Event('submit', { cancelable: true }))
    expect(press()).toBe(false)
    expect(form.querySelector('button')!.getAttribute('aria-pressed')).toBe('true')
    expect(kept()).toHaveLength(1)
    press()
    expect(kept()).toHaveLength(0)
  })
  it('show what leaves next, like those of an account', async () => {
    add(STOP)
    document.body.innerHTML = `<div data-favourites-here><p data-favourites-gone hidden></p><ul data-favourites-list></ul><div data-favourites-none hidden></div></div>`
    startList(document.body.firstElementChild as HTMLElement)
    await vi.waitFor(() => expect(document.querySelector('li')!.textContent).toContain('4 min'))
    expect(nextOf(STOP)).toBe('/transit/stops/s%2F1/next/?part=1&bare=1')
    expect(nextOf({ kind: 'journey', reference: '1,2;3,4', name: '', label: '' })).toBe('/transit/next/?journey=1%2C2%3B3%2C4')
    expect(nextOf({ kind: 'line', reference: 'R1', name: '', label: '' })).toBe('')
  })
  it('can be put back', () => {
    add(STOP)
    document.body.innerHTML = `<div data-favourites-here data-removed="{} gone" data-undo="Undo" data-remove="Remove"><p data-favourites-gone hidden></p>
      <ul data-favourites-list></ul><div data-favourites-none hidden></div></div>`
    startList(document.body.firstElementChild as HTMLElement)
    document.querySelector<HTMLButtonElement>('li button')!.click()
    expect(kept()).toEqual([])
    expect(document.querySelector('[data-favourites-gone]')!.textContent).toContain('Harbour gone')
    document.querySelector<HTMLButtonElement>('[data-favourites-gone] button')!.click()
    expect(kept()).toEqual([STOP])
    expect(document.querySelectorAll('li')).toHaveLength(1)
  })
})
