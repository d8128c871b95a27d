import { describe as group, expect, it } from 'vitest'
import { describe } from './popup'
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
})
