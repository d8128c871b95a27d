/** The map as a picture: with its title, legend, time and whose data it is, to keep or to print. */
import type { Map as MapLibre } from 'maplibre-gl'

export interface Caption {
  title: string
  legend: { name: string; color: string }[]
  source: string
}

/** A PNG of what is shown now. */
export async function picture(maps: { map: MapLibre; from: number }[], caption: Caption): Promise<Blob> {
  const shots = await Promise.all(maps.map(async ({ map, from }) => ({ from, image: await shot(map) })))
  const first = shots[0]!.image
  const scale = first.width / maps[0]!.map.getCanvas().clientWidth
  const head = 56 * scale
  const foot = (24 + 22 * Math.ceil(caption.legend.length / 3)) * scale
  const canvas = document.createElement('canvas')
  canvas.width = first.width
  canvas.height = first.height + head + foot
  const pen = canvas.getContext('2d')!
  const style = getComputedStyle(document.documentElement)
  const token = (name: string): string => style.getPropertyValue(name).trim()
  pen.fillStyle = token('--surface')
  pen.fillRect(0, 0, canvas.width, canvas.height)
  for (const { from, image } of shots) {
    const left = image.width * from
    pen.drawImage(image, left, 0, image.width - left, image.height, left, head, image.width - left, image.height)
  }
  pen.fillStyle = token('--text')
  pen.textBaseline = 'middle'
  pen.font = `700 ${20 * scale}px ${token('--font')}`
  pen.fillText(caption.title, 16 * scale, head / 2, canvas.width - 32 * scale)
  pen.font = `${13 * scale}px ${token('--font')}`
  caption.legend.forEach(({ name, color }, at) => {
    const x = 16 * scale + (at % 3) * (canvas.width / 3)
    const y = head + first.height + (16 + 22 * Math.floor(at / 3)) * scale
    pen.fillStyle = color
    pen.fillRect(x, y - 6 * scale, 12 * scale, 12 * scale)
    pen.fillStyle = token('--text')
    pen.fillText(name, x + 20 * scale, y, canvas.width / 3 - 30 * scale)
  })
  pen.fillStyle = token('--text-soft')
  pen.fillText(caption.source, 16 * scale, canvas.height - 12 * scale, canvas.width - 32 * scale)
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture'))), 'image/png'))
}

/** The map's pixels, taken in the frame they are drawn in: afterwards the browser has let go of them. */
function shot(map: MapLibre): Promise<ImageBitmap> {
  return new Promise((resolve, reject) => {
    map.once('render', () => createImageBitmap(map.getCanvas()).then(resolve, reject))
    map.triggerRepaint()
  })
}

/** Prints the picture: a printer gets no live canvas. */
export function print(blob: Blob, page: HTMLElement): void {
  const image = page.querySelector<HTMLImageElement>('[data-print]')!
  image.src = URL.createObjectURL(blob)
  image.addEventListener('load', () => window.print(), { once: true })
}

/** Gives the picture to be kept. */
export function keep(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
