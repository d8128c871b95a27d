/** Two maps side by side: a second one over the first, cut off at a bar that one drags or moves by keys. */
import type { MapLibreEvent } from 'maplibre-gl'
import type { CityMap } from '../../map/map'
import type { Side } from './spec'

export class Compare {
  private second: CityMap | undefined
  private over: HTMLElement
  private bar: HTMLInputElement
  private form: HTMLFormElement
  on = false

  constructor(
    root: HTMLElement,
    private left: CityMap,
    private turned: (side: Side) => void,
    moved: () => void,
  ) {
    this.over = root.querySelector<HTMLElement>('[data-over]')!
    this.bar = root.querySelector<HTMLInputElement>('[data-swipe]')!
    this.form = root.querySelector<HTMLFormElement>('[data-compare]')!
    this.form.addEventListener('submit', (event) => event.preventDefault())
    this.form.addEventListener('change', () => this.turned(this.side))
    this.bar.addEventListener('input', () => this.cut())
    this.bar.addEventListener('change', moved)
  }

  /** The map on the right, while there is one. */
  get right(): CityMap | undefined {
    return this.on ? this.second : undefined
  }

  /** Which map the panel's choices are for. */
  get side(): Side {
    return this.on && this.form.querySelector<HTMLInputElement>('[value=right]')!.checked ? 'right' : 'left'
  }

  /** Where the bar is, in percent of the width. */
  get at(): number {
    return Number(this.bar.value)
  }

  open(at = 50): void {
    this.bar.value = String(at)
    this.on = true
    this.form.hidden = this.over.hidden = this.bar.hidden = false
    const { map } = this.left
    const now = { center: map.getCenter(), zoom: map.getZoom() }
    this.second ??= this.pair(this.over.appendChild(this.another()))
    this.second.map.resize()
    this.second.map.jumpTo(now)
    this.cut()
  }

  close(): void {
    this.on = false
    this.form.hidden = this.over.hidden = this.bar.hidden = true
    this.form.reset()
    this.second?.show({})
  }

  /** The map again, without controls and as yet without layers. */
  private another(): CityMap {
    const made = document.createElement('city-map') as CityMap
    for (const name of ['layers', 'outside', 'words', 'center', 'zoom']) made.setAttribute(name, this.left.getAttribute(name) ?? '')
    made.toggleAttribute('bare', true)
    made.toggleAttribute('waits', true)
    for (const name of ['label', 'aria-label']) made.setAttribute(name, this.over.dataset.label ?? '')
    return made
  }

  /** What moves one map moves the other. */
  private pair(second: CityMap): CityMap {
    const [{ map: left }, { map: right }] = [this.left, second]
    let moving = false
    const follow = (from: typeof left, to: typeof left) => (_event: MapLibreEvent): void => {
      if (moving || !this.on) return
      moving = true
      to.jumpTo({ center: from.getCenter(), zoom: from.getZoom() })
      moving = false
    }
    left.on('move', follow(left, right))
    right.on('move', follow(right, left))
    return second
  }

  private cut(): void {
    this.over.style.clipPath = `inset(0 0 0 ${this.bar.value}%)`
    this.bar.style.setProperty('--at', this.bar.value)
    this.bar.setAttribute('aria-valuetext', `${this.bar.value} %`)
  }
}
