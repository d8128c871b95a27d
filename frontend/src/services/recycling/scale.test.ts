import { describe, expect, it, vi } from 'vitest'
import { SimulatedScale, lineOf, linesOf, weightOf, type Reading } from './scale'

const bytes = (...values: number[]): DataView => new DataView(new Uint8Array(values).buffer)

describe('a measurement by Bluetooth', () => {
  it('is in five grams, or in hundredths of a pound', () => {
    // 12.35 kg are 2470 steps of 0.005 kg.
    expect(weightOf(bytes(0x00, 0xa6, 0x09))).toEqual({ grams: 12_350, stable: true })
    // 27.23 lb.
    expect(weightOf(bytes(0x01, 0xa3, 0x0a))).toEqual({ grams: 12_351, stable: true })
  })
  it('may carry a time and whose it is behind the weight', () => {
    expect(weightOf(bytes(0x06, 0xc8, 0x00, 0xea, 0x07, 11, 29, 9, 30, 0, 255))).toEqual({ grams: 1000, stable: true })
  })
  it('that failed, or is cut short, is none', () => {
    expect(weightOf(bytes(0x00, 0xff, 0xff))).toBeUndefined()
    expect(weightOf(bytes(0x00, 0xa6))).toBeUndefined()
  })
})

describe('a line by a cable', () => {
  it('says the weight, and whether it stands still', () => {
    expect(lineOf('ST,+00012.35  kg\r\n')).toEqual({ grams: 12_350, stable: true })
    expect(lineOf('US,+00012.35  kg')).toEqual({ grams: 12_350, stable: false })
    expect(lineOf('ST,-00000.05  kg')).toEqual({ grams: -50, stable: true })
    expect(lineOf('ST,+0000850.0   g')).toEqual({ grams: 850, stable: true })
    expect(lineOf('ST,+00002.00  lb')).toEqual({ grams: 907, stable: true })
  })
  it('that says anything else says no weight', () => {
    for (const line of ['OL,+9999999E+19', 'QT,+00000012  PC', 'ST,+00012.35', '12.35 kg', '', 'ST,+0001x.35  kg']) expect(lineOf(line), line).toBeUndefined()
  })
  it('is read once it is whole', () => {
    expect(linesOf('ST,+00012.35  kg\r\nST,+000')).toEqual({ lines: ['ST,+00012.35  kg'], rest: 'ST,+000' })
  })
})

it('the scale of a demo swings before it stands still', async () => {
  vi.useFakeTimers()
  const seen: Reading[] = []
  const scale = new SimulatedScale()
  await scale.connect((reading) => reading && seen.push(reading))
  vi.advanceTimersByTime(1000)
  scale.close()
  vi.advanceTimersByTime(1000)
  vi.useRealTimers()
  expect(seen[0]!.stable).toBe(false)
  expect(seen.at(-1)).toEqual({ grams: 4250, stable: true })
  expect(seen.length).toBeLessThan(8)
})
