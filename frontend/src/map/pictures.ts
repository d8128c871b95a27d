/** Pictures of what moves, drawn when one is needed: by its colour, whether it goes somewhere, and whether it is astray. */
import type { Map as MapLibre } from 'maplibre-gl'
import { theme } from '../shell/theme'

const NAME = /^vehicle (true|false) (#[0-9a-f]{3,8}) (true|false)$/i

/** The name of a vehicle's picture. */
export const pictureOf = (color: string, going: boolean, astray: boolean): string => `vehicle ${going} ${color} ${astray}`

/** What a picture's name says, undefined for the name of none of ours. */
export function partsOf(name: string): { color: string; going: boolean; astray: boolean } | undefined {
  const [, going, color, astray] = NAME.exec(name) ?? []
  return color ? { color, going: going === 'true', astray: astray === 'true' } : undefined
}

/**
 * Gives the map a picture that it has not. A change of colours takes them all away while the old tiles are still asked
 * for: the map itself asks for what it misses too (`setMissingStyleImageResolver`).
 */
export function addPicture(map: MapLibre, name: string): void {
  const parts = map.hasImage(name) ? undefined : partsOf(name)
  const drawn = parts && icon(parts.color, parts.going, parts.astray)
  if (drawn) map.addImage(name, drawn, { pixelRatio: 2 })
}

/** A disc in the line's colour with a pointer to where it goes; one that is astray has a dashed rim. */
function icon(color: string, going: boolean, astray: boolean): ImageData | undefined {
  const size = 88
  const pen = Object.assign(document.createElement('canvas'), { width: size, height: size }).getContext('2d')
  if (!pen) return undefined
  const [middle, radius] = [size / 2, 24]
  const rim = theme() === 'dark' ? '#0d1117' : '#ffffff'
  pen.lineJoin = 'round'
  pen.beginPath()
  if (going) {
    pen.arc(middle, middle, radius, -Math.PI / 2 + 0.62, -Math.PI / 2 - 0.62)
    pen.lineTo(middle, middle - radius - 15)
    pen.closePath()
  } else pen.arc(middle, middle, radius, 0, 2 * Math.PI)
  pen.fillStyle = color
  pen.strokeStyle = rim
  pen.lineWidth = 5
  if (astray) pen.setLineDash([7, 5])
  pen.stroke()
  pen.fill()
  return pen.getImageData(0, 0, size, size)
}
