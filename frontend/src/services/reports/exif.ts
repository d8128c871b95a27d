/**
 * Where a photo was taken, as the camera wrote it into the JPEG, before the picture is made smaller and loses it.
 * Source: CIPA DC-008 (Exif 2.32), sections 4.5 and 4.6.6.
 */
const GPS_IFD = 0x8825

export function position(data: ArrayBuffer): [number, number] | null {
  try {
    const view = new DataView(data)
    if (view.getUint16(0) !== 0xffd8) return null
    for (let at = 2; at + 4 < view.byteLength; ) {
      const marker = view.getUint16(at)
      if (marker < 0xff01 || marker === 0xffda) return null
      if (marker === 0xffe1 && view.getUint32(at + 4) === 0x45786966) return gps(view, at + 10)
      at += 2 + view.getUint16(at + 2)
    }
  } catch {
    // Anything may be written there: a photo is not refused for it.
  }
  return null
}

function gps(view: DataView, start: number): [number, number] | null {
  const little = view.getUint16(start) === 0x4949
  const short = (at: number): number => view.getUint16(start + at, little)
  const long = (at: number): number => view.getUint32(start + at, little)
  const entries = (ifd: number): Map<number, number> =>
    new Map(Array.from({ length: short(ifd) }, (_, row) => [short(ifd + 2 + row * 12), ifd + 2 + row * 12 + 8]))
  const main = entries(long(4)).get(GPS_IFD)
  if (main === undefined) return null
  const tags = entries(long(main))
  const degrees = (tag: number): number => {
    const at = long(tags.get(tag)!)
    const part = (row: number): number => long(at + row * 8) / long(at + row * 8 + 4)
    return part(0) + part(1) / 60 + part(2) / 3600
  }
  const letter = (tag: number): string => String.fromCharCode(view.getUint8(start + tags.get(tag)!))
  const lat = degrees(2) * (letter(1) === 'S' ? -1 : 1)
  const lon = degrees(4) * (letter(3) === 'W' ? -1 : 1)
  if (!Number.isFinite(lat) || !Number.isFinite(lon) || (lat === 0 && lon === 0)) return null
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lon, lat] : null
}
