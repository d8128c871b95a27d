import { beforeEach, describe, expect, it } from 'vitest'
import { add, address, kept, remove, startList, startStar } from './favourites'

const STOP = { kind: 'stop', reference: 's/1', name: 'Harbour', label: '' }

beforeEach(() => localStorage.clear())

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
      <input name="name" value="Harbour"><button aria-pressed="false"></button></form>`
    const form = document.querySelector('form')!
    startStar(form)
    const press = (): boolean => form.dispatchEvent(new Event('submit', { cancelable: true }))
    expect(press()).toBe(false)
    expect(form.querySelector('button')!.getAttribute('aria-pressed')).toBe('true')
    expect(kept()).toHaveLength(1)
    press()
    expect(kept()).toHaveLength(0)
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
