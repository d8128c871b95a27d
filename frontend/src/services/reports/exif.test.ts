import { describe, expect, it } from 'vitest'
import { position } from './exif'

/** A JPEG's first bytes with a GPS directory: 36° 30' 36" N or S, 29° 15' 0" W or E. */
function photo(little: boolean, latRef: string, lonRef: string): ArrayBuffer {
  const data = new ArrayBuffer(220)
  const view = new DataView(data)
  const tiff = 12
  view.setUint16(0, 0xffd8)
  view.setUint16(2, 0xffe1)
  view.setUint16(4, 210)
  view.setUint32(6, 0x45786966)
  view.setUint16(tiff, little ? 0x4949 : 0x4d4d)
  const short = (at: number, value: number): void => view.setUint16(tiff + at, value, little)
  const long = (at: number, value: number): void => view.setUint32(tiff + at, value, little)
  short(2, 42)
  long(4, 8)
  short(8, 1)
  short(10, 0x8825)
  short(12, 4)
  long(14, 1)
  long(18, 26)
  short(26, 4)
  const entry = (row: number, tag: number, value: number | string): void => {
    const at = 28 + row * 12
    short(at, tag)
    if (typeof value === 'string') view.setUint8(tiff + at + 8, value.charCodeAt(0))
    else long(at + 8, value)
  }
  entry(0, 1, latRef)
  entry(1, 2, 90)
  entry(2, 3, lonRef)
  entry(3, 4, 114)
  const parts = [36, 1, 30, 1, 36, 1, 29, 1, 15, 1, 0, 1]
  parts.forEach((part, row) => long(90 + row * 4, part))
  return data
}

describe('the place of a photo', () => {
  it.each([
    [true, 'N', 'W', [-29.25, 36.51]],
    [false, 'S', 'E', [29.25, -36.51]],
  ])('is read in both byte orders', (little, lat, lon, place) => {
    const found = position(photo(little, lat, lon))!
    expect(found[0]).toBeCloseTo(place[0]!)
    expect(found[1]).toBeCloseTo(place[1]!)
  })

  it('is null for what has none, or is cut off, or is no photo', () => {
    const whole = photo(true, 'N', 'W')
    for (let size = 0; size < 150; size += 7) expect(position(whole.slice(0, size))).toBeNull()
    expect(position(new TextEncoder().encode('<svg>').buffer as ArrayBuffer)).toBeNull()
    const far = photo(true, 'N', 'W')
    new DataView(far).setUint32(12 + 90, 9000, true)
    expect(position(far)).toBeNull()
  })
})
