import { describe, expect, it } from 'vitest'
import { mayBe, tidy } from './code'
import { markOf, stateOf, type Known } from './crew'
import { became, type Taken, type What, type Work } from './kept'
import { linesIn } from './stop'

const work = (what: What, at: number, more: Partial<Work> = {}): Work => ({ key: `${what}${at}`, at, pickup: 7, by: 1, what, told: '', words: what, ...more })
const taken = (what: What, at: number, heard: number): Taken => ({ key: `${what}${at}`, at, pickup: 7, what, words: what, heard, points: 0, seen: '' })
const known = (waits: Work[], sent: Taken[] = []): Known => ({ waits, sent })

describe('a stop', () => {
  const root = document.createElement('div')
  Object.assign(root.dataset, { phone: 'on this phone', sent: 'being sent', received: 'received', refused: 'refused:' })
  const mark = (all: Known, going: string[] = []): string => markOf(root, all, 7, new Set(going)).words
  it('says how far what was done there is, the worst first', () => {
    expect(mark(known([]))).toBe('')
    expect(mark(known([], [taken('set_out', 1, 2)]))).toBe('received')
    expect(mark(known([work('arrive', 3)], [taken('set_out', 1, 2)]))).toBe('on this phone')
    expect(mark(known([work('arrive', 3)]), ['arrive3'])).toBe('being sent')
    expect(mark(known([work('arrive', 3, { refused: 'It is cancelled.' }), work('weigh', 4)]))).toBe('refused: It is cancelled.')
    expect(mark(known([work('arrive', 3, { pickup: 8 })]))).toBe('')
  })
  it('stands where this phone knows it to stand, before the city has heard of it', () => {
    expect(stateOf('promised', known([]), 7, 0)).toBe('promised')
    expect(stateOf('promised', known([work('weigh', 3), work('set_out', 1), work('arrive', 2)]), 7, 0)).toBe('weighed')
    expect(stateOf('promised', known([work('set_out', 1), work('turn_back', 2)]), 7, 0)).toBe('promised')
    // What was refused has not been; what the page was made after is in it already.
    expect(stateOf('promised', known([work('weigh', 1, { refused: 'no' })]), 7, 0)).toBe('promised')
    expect(stateOf('promised', known([], [taken('set_out', 1, 50)]), 7, 100)).toBe('promised')
    expect(stateOf('promised', known([], [taken('set_out', 1, 150)]), 7, 100)).toBe('on_way')
    expect(stateOf('cancelled', known([work('weigh', 1)]), 7, 0)).toBe('cancelled')
  })
})

describe('what the city says of one that was sent', () => {
  const one = work('weigh', 5)
  it('is taken, refused with the reason, or waits for whose it is', () => {
    expect(became(one, { taken: true, points: 102, seen: 'signed' })).toMatchObject({ done: { key: 'weigh5', points: 102, pickup: 7 } })
    expect(became(one, { taken: false, problem: 'pickup_weighed', message: 'Too late.', mend: 'Look.' })).toEqual({ refused: 'Too late. Look.' })
    expect(became(one, { taken: false, problem: 'other_person', message: 'No.' })).toEqual({ held: { why: 'signin', alone: true } })
  })
  it('is nothing where something else answers', () => {
    expect(became(one, undefined)).toBeUndefined()
    expect(became(one, { message: 'Log in to the hotel.' })).toBeUndefined()
  })
})

describe('a code', () => {
  it('is told from a slip without the city', () => {
    // 8GEMLQ is one that the city made.
    expect(['8GEMLQ', '8gem-lq', '23456789'].every(mayBe)).toBe(true)
    expect(['8GEMLR', '8GMELQ', '8GEML', '', '0GEMLQ', '2345678'].some(mayBe)).toBe(false)
    expect(tidy(' 8gem-lq ')).toBe('8GEMLQ')
  })
})

describe('the weights of a form', () => {
  const form = (kg: string): HTMLFormElement => {
    document.body.innerHTML = `<form><input name="kg-paper" value="${kg}"><select name="quality-paper"><option value="mixed"></select></form>`
    return document.querySelector('form')!
  }
  it('are whole grams', () => {
    expect(linesIn(form('5,25'))).toEqual([{ material: 'paper', grams: 5250, quality: 'mixed' }])
    expect(linesIn(form('4.0006'))).toEqual([{ material: 'paper', grams: 4001, quality: 'mixed' }])
  })
  it('are none where one cannot be read, or none is written', () => {
    for (const wrong of ['much', '-1', '5001', '', '0']) expect(linesIn(form(wrong)), wrong).toBeUndefined()
  })
})
