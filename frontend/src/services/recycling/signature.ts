/** A field to sign in with a finger or a pen. Whoever cannot writes their name instead. */
export class Signature {
  private readonly pen: CanvasRenderingContext2D | null
  private drawn = false

  constructor(
    private readonly canvas: HTMLCanvasElement,
    clear: HTMLButtonElement,
    changed: () => void,
  ) {
    this.pen = canvas.getContext('2d')
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId)
      this.pen?.beginPath()
      this.pen?.moveTo(...this.at(event))
    })
    canvas.addEventListener('pointermove', (event) => {
      if (!canvas.hasPointerCapture(event.pointerId) || !this.pen) return
      Object.assign(this.pen, { lineWidth: 3, lineCap: 'round', lineJoin: 'round', strokeStyle: '#000000' })
      this.pen.lineTo(...this.at(event))
      this.pen.stroke()
      if (this.drawn) return
      this.drawn = true
      changed()
    })
    clear.addEventListener('click', () => {
      this.pen?.clearRect(0, 0, canvas.width, canvas.height)
      this.drawn = false
    })
  }

  /** Where on the canvas, in its own pixels. */
  private at(event: PointerEvent): [number, number] {
    const box = this.canvas.getBoundingClientRect()
    return [((event.clientX - box.left) / box.width) * this.canvas.width, ((event.clientY - box.top) / box.height) * this.canvas.height]
  }

  /** What was drawn, as PNG; undefined where nothing was. */
  async picture(): Promise<Blob | undefined> {
    if (!this.drawn) return undefined
    return new Promise((resolve) => this.canvas.toBlob((blob) => resolve(blob ?? undefined), 'image/png'))
  }
}
