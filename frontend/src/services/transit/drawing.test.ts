import { describe, expect, it, vi } from 'vitest'
import { lineOf, pointsOf, toggled, wayBetween, withWay, without } from './drawing'

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

  it('goes along the streets, and straight where none is known', async () => {
    const answer = (body: object, status = 200): void => void vi.stubGlobal('fetch', vi.fn().mockResolvedValue(new Response(JSON.stringify(body), { status })))
    answer({ points: [[1, 2], [1.5, 2.5], [3, 4]], along: true })
    const way = await wayBetween([1, 2], [3, 4])
    expect(withWay('1, 2', way)).toBe('1, 2\n1.500000, 2.500000\n3.000000, 4.000000')
    answer({ points: [[1, 2], [3, 4]], along: false })
    expect(await wayBetween([1, 2], [3, 4])).toEqual([[3, 4]])
    answer({ message: 'no' }, 403)
    expect(await wayBetween([1, 2], [3, 4])).toEqual([[3, 4]])
    vi.unstubAllGlobals()
  })

  it('chooses a stop, and lets it go at the second press', () => {
    expect(toggled('', 'square')).toBe('square')
    expect(toggled('square\nhill', 'square')).toBe('hill')
  })
})
