/** The map as a picture: with its title, legend, time and whose data it is, to keep or to print. */
import type { Map as MapLibre } from 'maplibre-gl'

export interface Caption {
  title: string
  /** Each layer with its colours, from few to many where it has several. */
  legend: { name: string; colors: string[] }[]
  notes: string[]
}

const FINE = 2

/**
 * What is shown now, twice as fine as on a plain screen, as a canvas; `from` is the share of the width at which a map
 * begins. At once, without waiting: a browser that is about to print gives no time, and lets go of a map's pixels
 * after the frame they are drawn in.
 */
export function shot(maps: { map: MapLibre; from: number }[]): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  const pen = canvas.getContext('2d')!
  for (const { map, from } of maps) {
    const usual = map.getPixelRatio()
    map.setPixelRatio(Math.max(FINE, usual))
    map.redraw()
    const image = map.getCanvas()
    if (!from) [canvas.width, canvas.height] = [image.width, image.height]
    const left = image.width * from
    pen.drawImage(image, left, 0, image.width - left, image.height, left, 0, image.width - left, image.height)
    if (from) {
      pen.fillStyle = '#ffffff'
      pen.fillRect(left - FINE, 0, 2 * FINE, canvas.height)
    }
    map.setPixelRatio(usual)
  }
  return canvas
}

/** A PNG of the maps with a caption. */
export function picture(maps: { map: MapLibre; from: number }[], caption: Caption): Promise<Blob> {
  const drawn = shot(maps)
  const scale = drawn.width / maps[0]!.map.getCanvas().clientWidth
  const across = Math.max(1, Math.floor(drawn.width / scale / 240))
  const head = 56 * scale
  const foot = (22 * Math.ceil(caption.legend.length / across) + 20 * caption.notes.length + 22) * scale
  const canvas = document.createElement('canvas')
  canvas.width = drawn.width
  canvas.height = drawn.height + head + foot
  const pen = canvas.getContext('2d')!
  const style = getComputedStyle(document.documentElement)
  const token = (name: string): string => style.getPropertyValue(name).trim()
  pen.fillStyle = token('--surface')
  pen.fillRect(0, 0, canvas.width, canvas.height)
  pen.drawImage(drawn, 0, head)
  pen.fillStyle = token('--text')
  pen.textBaseline = 'middle'
  pen.font = `700 ${20 * scale}px ${token('--font')}`
  pen.fillText(caption.title, 16 * scale, head / 2, canvas.width - 32 * scale)
  pen.font = `${13 * scale}px ${token('--font')}`
  caption.legend.forEach(({ name, colors }, at) => {
    const x = 16 * scale + (at % across) * (canvas.width / across)
    const y = head + drawn.height + (18 + 22 * Math.floor(at / across)) * scale
    colors.forEach((color, place) => {
      pen.fillStyle = color
      pen.fillRect(x + 12 * scale * place, y - 6 * scale, 12 * scale, 12 * scale)
    })
    pen.fillStyle = token('--text')
    const text = (12 * colors.length + 8) * scale
    pen.fillText(name, x + text, y, canvas.width / across - text - 10 * scale)
  })
  pen.fillStyle = token('--text-soft')
  caption.notes.forEach((note, at) => pen.fillText(note, 16 * scale, canvas.height - (14 + 20 * (caption.notes.length - 1 - at)) * scale, canvas.width - 32 * scale))
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture'))), 'image/png'))
}

/** Fills the sheet that is printed in the page's place: words as words, the map as a picture, since paper has no live map. */
export function sheet(place: HTMLElement, maps: { map: MapLibre; from: number }[], caption: Caption): void {
  const title = document.createElement('h1')
  title.textContent = caption.title
  const legend = document.createElement('ul')
  for (const { name, colors } of caption.legend) {
    const item = legend.appendChild(document.createElement('li'))
    for (const color of colors) item.appendChild(document.createElement('i')).style.background = color
    item.append(name)
  }
  const notes = document.createElement('footer')
  for (const note of caption.notes) notes.appendChild(document.createElement('p')).textContent = note
  const drawn = shot(maps)
  place.classList.toggle('tall', drawn.width < 1.25 * drawn.height)
  place.replaceChildren(title, drawn, legend, notes)
}

/** Gives the picture to be kept. */
export function keep(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
