import { describe, expect, it } from 'vitest'
import { lineOf, pointsOf, toggled, without } from './drawing'

describe('what officers draw', () => {
  it('reads points with and without names, and leaves out what is none', () => {
    expect(pointsOf(' 1, 2\n\n3,4, By the church, north\nx,1\n5\n,6\n')).toEqual([
      { place: [1, 2], name: '' },
      { place: [3, 4], name: 'By the church, north' },
    ])
  })

  it('adds a point and takes the last one away', () => {
    expect(lineOf('1, 2\n', 3, 4.12345678)).toBe('1, 2\n3.000000, 4.123457')
    expect(without('1, 2\n3, 4\n')).toBe('1, 2')
    expect(without('')).toBe('')
  })

  it('chooses a stop, and lets it go at the second press', () => {
    expect(toggled('', 'square')).toBe('square')
    expect(toggled('square\nhill', 'square')).toBe('hill')
  })
})
