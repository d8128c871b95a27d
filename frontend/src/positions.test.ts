import { describe, expect, it } from 'vitest'
import { at, glide, LONGEST_MS } from './positions'

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
})
