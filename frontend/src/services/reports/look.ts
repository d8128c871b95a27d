/** px a side of what is sent: the network looks at the middle of it. */
const SIDE = 256

/** What the city's network sees in a photo, to be told with each question about words; "" where it cannot be asked. */
export async function look(photo: File, token: string): Promise<string> {
  try {
    const body = new FormData()
    body.set('photo', await middle(photo), 'photo.jpg')
    const answer = await fetch('/api/reports/suggest', { method: 'POST', body, headers: { 'X-CSRFToken': token } })
    return answer.ok ? ((await answer.json()) as { seen: string }).seen : ''
  } catch {
    // Without a network, or a picture the browser can read, nothing is suggested by it.
    return ''
  }
}

/** The middle square of a photo, small: about 20 kB. */
async function middle(photo: File): Promise<Blob> {
  const image = await createImageBitmap(photo)
  const side = Math.min(image.width, image.height)
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = SIDE
  const pen = canvas.getContext('2d')!
  pen.imageSmoothingQuality = 'high'
  pen.drawImage(image, (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, SIDE, SIDE)
  image.close()
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no blob'))), 'image/jpeg', 0.85))
}
