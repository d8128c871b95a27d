import { describe as group, expect, it, vi } from 'vitest'
import { describe, told } from './popup'
import type { LayerSpec } from './spec'

const spec = (more: Partial<LayerSpec>): LayerSpec => ({ id: 'a/b', name: 'Trees', ...more }) as LayerSpec

group('what is told of a feature', () => {
  it('is its name, the way to more, and the fields that have words', () => {
    const made = describe(spec({ panel: '/trees/{id}/', labels: { id: 'Number', kind: 'Kind', height: 'Height' }, values: { kind: { oak: 'an oak' } } }), { id: 'x/7', name: 'By the pond', kind: 'oak', height: null }, {})
    expect(made.querySelector('a')?.getAttribute('href')).toBe('/trees/x%2F7/')
    expect(made.textContent).toBe('By the pondKindan oak')
  })
  it('is a count of what stands in one place', () => {
    const words = { stands: '%(count)s places here', inView: 'in view' }
    expect(describe(spec({ labels: {} }), { points: 3 }, words).textContent).toBe('Trees3 places here')
    expect(describe(spec({ labels: {} }), { name: 'Old Town', count: 12 }, words).textContent).toBe('Old Townin view12')
  })
  it('is text, whatever somebody has written', () => {
    expect(describe(spec({}), { name: '<img src=x>', lines: '<b>' }, {}).querySelector('img, b')).toBeNull()
  })
  it('is no link that runs', () => {
    for (const url of ['javascript:alert(1)', ' JavaScript:alert(1)', 'data:text/html,x', '//elsewhere.example', '/\\elsewhere.example']) {
      expect(describe(spec({}), { name: 'Oak', url }, {}).querySelector('a')).toBeNull()
    }
    expect(describe(spec({}), { name: 'Oak', url: 'https://trees.example/1' }, {}).querySelector('a')?.href).toBe('https://trees.example/1')
  })
  it('is what its panel shows, once that has come', async () => {
    vi.stubGlobal('fetch', vi.fn(async () => new Response('<b>4 min</b>')))
    const made = told(spec({ panel: '/stops/{id}/next/' }), { id: 's/1', name: 'Harbour' }, {})
    expect(made.textContent).toBe('Harbour')
    document.body.append(made)
    const woken: string[] = []
    document.body.addEventListener('htmx:afterSwap', (event) => woken.push((event.target as HTMLElement).innerHTML), { once: true })
    await vi.waitFor(() => expect(made.textContent).toBe('4 min'))
    expect(woken, 'what a service has in it is woken').toEqual(['<b>4 min</b>'])
    expect(fetch).toHaveBeenCalledWith('/stops/s%2F1/next/?part=1', expect.anything())
    made.remove()
    vi.stubGlobal('fetch', vi.fn(async () => new Response('<!doctype html><h1>Report</h1>')))
    const page = told(spec({ panel: '/reports/{id}/' }), { id: '5', name: 'Bench' }, {})
    await new Promise((done) => setTimeout(done))
    expect(page.textContent).toBe('Bench')
    expect(told(spec({}), { name: 'Oak' }, {}).dataset.refresh).toBeUndefined()
  })
})
