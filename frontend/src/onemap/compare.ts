/** Two layers side by side: a second map over the first, cut off at a bar that one drags or moves by keys. */
import type { MapLibreEvent } from 'maplibre-gl'
import { Board } from './board'
import type { LayerSpec, OutsideSpec, Words } from './spec'

export class Compare {
  private board: Board | undefined
  private over: HTMLElement
  private bar: HTMLInputElement
  private form: HTMLFormElement
  private mirror: ((event: MapLibreEvent) => void) | undefined
  on = false

  constructor(
    root: HTMLElement,
    private left: Board,
    private specs: LayerSpec[],
    private outsides: OutsideSpec[],
    private words: Words,
    private changed: () => void,
  ) {
    this.over = root.querySelector<HTMLElement>('[data-over]')!
    this.bar = root.querySelector<HTMLInputElement>('[data-swipe]')!
    this.form = root.querySelector<HTMLFormElement>('[data-compare]')!
    this.form.addEventListener('submit', (event) => event.preventDefault())
    this.form.addEventListener('change', () => {
      this.draw()
      this.changed()
    })
    this.bar.addEventListener('input', () => this.cut())
  }

  /** The map on the right, while there is one. */
  get right(): Board | undefined {
    return this.on ? this.board : undefined
  }

  get state(): { left: string; right: string; at: number } {
    const value = (name: string): string => this.form.querySelector<HTMLSelectElement>(`[name=${name}]`)!.value
    return { left: value('left'), right: value('right'), at: Number(this.bar.value) }
  }

  open(state?: { left: string; right: string; at: number }): void {
    if (state) {
      this.form.querySelector<HTMLSelectElement>('[name=left]')!.value = state.left
      this.form.querySelector<HTMLSelectElement>('[name=right]')!.value = state.right
      this.bar.value = String(state.at)
    }
    this.on = true
    this.form.hidden = this.over.hidden = this.bar.hidden = false
    const { map } = this.left
    this.board ??= new Board(this.over, this.specs, this.outsides, this.words, { center: map.getCenter().toArray() as [number, number], zoom: map.getZoom() }, { controls: false })
    const right = this.board.map
    right.resize()
    right.jumpTo({ center: map.getCenter(), zoom: map.getZoom() })
    let moving = false
    const together = (from: typeof map, to: typeof map) => (): void => {
      if (moving) return
      moving = true
      to.jumpTo({ center: from.getCenter(), zoom: from.getZoom() })
      moving = false
    }
    if (!this.mirror) {
      this.mirror = together(map, right)
      map.on('move', this.mirror)
      right.on('move', together(right, map))
    }
    this.draw()
    this.cut()
  }

  close(): void {
    this.on = false
    this.form.hidden = this.over.hidden = this.bar.hidden = true
  }

  private draw(): void {
    const { left, right } = this.state
    this.left.show(this.one(left))
    this.board?.show(this.one(right))
  }

  /** "transit/stops|heat" as a state's layers. */
  private one(value: string): Record<string, { as: 'points' | 'heat' | 'zones'; only: Record<string, string[]> }> {
    const [id = '', as = 'points'] = value.split('|')
    return id ? { [id]: { as: as as 'points' | 'heat' | 'zones', only: {} } } : {}
  }

  private cut(): void {
    this.over.style.clipPath = `inset(0 0 0 ${this.bar.value}%)`
    this.bar.style.setProperty('--at', `${this.bar.value}%`)
  }
}
