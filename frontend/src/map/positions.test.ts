import { describe, expect, it } from 'vitest'
import { at, COAST_S, glide, LONGEST_MS, moving, presence } from './positions'
import { Shape } from './shapes'

const M = 111_195
const corner = new Shape([[0, 0], [0.001, 0], [0.001, 0.001]])

describe('glide', () => {
  it('is half way at half time, and waits at its end', () => {
    const move = glide([0, 0], [0.01, 0.004], 1000, 2000)
    expect(at(move, 2000)).toEqual([0.005, 0.002])
    expect(at(move, 9000)).toEqual([0.01, 0.004])
    expect(at(move, 0)).toEqual([0, 0])
  })
  it('jumps where the vehicle is new or too far away to have driven', () => {
    expect(at(glide(undefined, [5, 5], 0, 1000), 1)).toEqual([5, 5])
    expect(at(glide([0, 0], [1, 1], 0, 1000), 1)).toEqual([1, 1])
  })
  it('never takes longer than the longest glide', () => {
    expect(glide([0, 0], [0.01, 0], 0, 60_000).span).toBe(LONGEST_MS)
  })
  it('coasts on in its direction, but never further than COAST_S of its speed', () => {
    const move = glide([0, 0], [0, 0.001], 0, 1000, { speed: 10, bearing: 0 })
    expect(at(move, 2000)[1]).toBeGreaterThan(0.001)
    expect((at(move, 100_000)[1] - 0.001) * M).toBeLessThanOrEqual(10 * COAST_S + 0.01)
    expect(moving(move, 3000)).toBe(true)
    expect(moving(move, 60_000)).toBe(false)
  })
})

describe('along a shape', () => {
  it('goes round the corner instead of across it', () => {
    const move = glide([0.0005, 0], [0.001, 0.0005], 0, 1000, { shapes: [corner] })
    const half = at(move, 500)
    expect(half[0]).toBeCloseTo(0.001, 6)
    expect(half[1]).toBeCloseTo(0, 6)
  })
  it('does not go backwards where it was driven on too far', () => {
    const move = glide([0.0006, 0], [0.0005, 0], 0, 1000, { shapes: [corner] })
    for (const time of [0, 500, 1000]) expect(at(move, time)[0]).toBeCloseTo(0.0006, 8)
  })
  it('stays on the straight line for a bus that is off the shape', () => {
    expect(glide([0, 0.01], [0.001, 0.011], 0, 1000, { shapes: [corner] }).way).toBeUndefined()
  })
})

describe('presence', () => {
  it('fades with age and goes', () => {
    expect(presence(10)).toBe(1)
    expect(presence(100)).toBeLessThan(1)
    expect(presence(100)).toBeGreaterThan(presence(160))
    expect(presence(301)).toBe(0)
  })
})
