import { describe, expect, it } from 'vitest'
import { bars, charts, withChosen } from './charts'
import { BARS, during, steps } from './period'
import { moment, placeAt, type Track } from './replay'
import { asked, decode, encode, say, type LayerSpec, type State } from './spec'
import { ownScenes } from './screen'

describe('a state in an address', () => {
  it('comes back as it went, letters of all kinds too', () => {
    const state: State = { center: [-51.2, -30], zoom: 12.5, layers: { 'transit/stops': { as: 'heat', only: { name: ['São João', '버스', '"<>&'] } } }, start: '2026-01-01T08:00' }
    expect(decode(encode(state))).toEqual(state)
    expect(encode(state)).toMatch(/^[\w-]+$/)
  })
  it.each(['', 'rubbish', '%%%', btoa('[1'), btoa('null'), btoa('7')])('takes %s for none', (text) => {
    expect(decode(text)).toBeUndefined()
  })
})

it('asks with every chosen value', () => {
  expect(asked('/a/', { as: 'points', only: { line: ['1', 'A&B'] } }, { bbox: '1,2,3,4' })).toBe('/a/?bbox=1%2C2%2C3%2C4&line=1&line=A%26B')
  expect(asked('/a/', undefined)).toBe('/a/')
  expect(say('%(count)s in %(place)s', { count: 3, place: 'Old Town' })).toBe('3 in Old Town')
})

describe('a period', () => {
  const now = Date.UTC(2026, 0, 31, 12, 7, 20) / 1000
  const day = 86_400
  it('goes back from now, in whole bars, with an open end', () => {
    expect(during({ span: day }, now)).toBe('2026-01-30T12:30:00Z/..')
    expect(during({ span: day }, now + 60)).toBe(during({ span: day }, now))
    expect(steps({ span: day }, now).step * BARS).toBe(day)
  })
  it('stands still once it is cut', () => {
    const end = Date.UTC(2026, 0, 31) / 1000
    expect(during({ span: day, end, from: 24, to: 36 }, now)).toBe('2026-01-30T12:00:00Z/2026-01-30T18:00:00Z')
    expect(during({ span: day, end, from: 0, to: BARS }, now)).toBe('2026-01-30T00:00:00Z/2026-01-31T00:00:00Z')
  })
  it('is asked for with the choices', () => {
    const shown = { as: 'points' as const, only: { state: ['new'] }, during: '2026-01-01T00:00:00Z/..' }
    expect(asked('/a/', shown)).toBe('/a/?datetime=2026-01-01T00%3A00%3A00Z%2F..&state=new')
    expect(asked('/a/', shown, { datetime: 'x' })).toBe('/a/?datetime=x&state=new')
  })
})

describe('replay', () => {
  const track: Track = { id: 'a', at: [100, 110, 400], places: [[0, 0], [10, 20], [50, 50]], properties: { line: '1' } }
  it.each([
    [99, undefined],
    [100, [0, 0]],
    [105, [5, 10]],
    [110, [10, 20]],
    [190, [10, 20]],
    [250, undefined],
    [400, [50, 50]],
    [480, [50, 50]],
    [500, undefined],
  ])('at %d', (second, place) => expect(placeAt(track, second)).toEqual(place))
  it('shows what is chosen, and single events for ten minutes', () => {
    const event: Track = { id: 'e', at: [100], places: [[1, 1]], properties: { line: '2' } }
    expect(moment([track, event], 105, {}).features).toHaveLength(2)
    expect(moment([track, event], 105, { line: ['2'] }).features.map((one) => one.properties?.id)).toEqual(['e'])
    expect(moment([event], 699, {}).features).toHaveLength(1)
    expect(moment([event], 701, {}).features).toHaveLength(0)
  })
})

describe('charts', () => {
  document.documentElement.lang = 'en'
  const facet = { field: 'status', label: 'Status', counts: [{ value: 'late', count: 4 }, { value: 'early', count: 1 }], bars: [], more: 2 } as never
  it('are buttons that say what is chosen', () => {
    const chosen: string[] = []
    const group = bars(facet, ['early'], { more: 'others' }, { late: 'too late' }, (value) => chosen.push(value))
    const buttons = [...group.querySelectorAll('button')]
    expect(buttons.map((one) => one.getAttribute('aria-pressed'))).toEqual(['false', 'true'])
    expect(buttons[0]?.textContent).toBe('too late4')
    buttons[0]?.click()
    expect(chosen).toEqual(['late'])
    expect(group.textContent).toContain('2 others')
  })
  it('keep what is chosen though nothing in view has it now', () => {
    const group = bars(facet, ['lost'], {}, {}, () => undefined)
    expect([...group.querySelectorAll('[aria-pressed=true]')].map((one) => one.textContent)).toEqual(['lost0'])
    expect(withChosen([facet], { status: ['lost'], line: ['7'], kind: [] }, { line: 'Line' }).map((one) => one.label)).toEqual(['Status', 'Line'])
  })
  it('keep the focus when they are drawn anew', () => {
    const place = document.body.appendChild(document.createElement('div'))
    charts(place, [facet], {}, {}, {}, () => undefined)
    place.querySelectorAll('button')[1]?.focus()
    charts(place, [facet], {}, {}, {}, () => undefined)
    expect(document.activeElement?.textContent).toBe('early1')
  })
})

it('the wall screen shows each layer in turn', () => {
  const spec = (id: string, kind: string, live: string): LayerSpec => ({ id, name: id, kind, live, visible: true }) as LayerSpec
  const incidents = { ...spec('incidents', 'point', ''), style: { size: 12 } } as LayerSpec
  const scenes = ownScenes([spec('lines', 'line', ''), spec('stops', 'point', ''), spec('buses', 'point', '/live/x'), incidents])
  expect(scenes.map((one) => `${one.name} ${Object.values(one.state.layers ?? {}).at(-1)?.as}`)).toEqual(['stops heat', 'stops zones', 'buses points', 'buses heat', 'buses zones', 'incidents points'])
})
