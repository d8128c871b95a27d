/** The wall of the city hall: views one after another, large numbers, awake, and calm when the network is gone. */
import { now } from '../../shell/clock'
import type { CityMap } from '../../map/map'
import { say, type LayerSpec, type Shown, type State, type Words } from './spec'

const CYCLE_MS = 20_000
const NUMBERS_MS = 15_000

interface Scene {
  name: string
  state: State
}

/** What is shown where nobody has saved a public view: each layer by itself in the way that says most. */
export function ownScenes(specs: LayerSpec[]): Scene[] {
  const scenes: Scene[] = []
  const lines: Record<string, Shown> = {}
  for (const spec of specs) if (spec.kind === 'line' && spec.visible) lines[spec.id] = { as: 'points', only: {} }
  for (const spec of specs) {
    if (spec.kind === 'line') continue
    // What is drawn large is rare and matters by itself: how dense it is says nothing.
    if (spec.style?.size) {
      scenes.push({ name: spec.name, state: { layers: { [spec.id]: { as: 'points', only: {} } } } })
      continue
    }
    if (spec.live) scenes.push({ name: spec.name, state: { layers: { ...lines, [spec.id]: { as: 'points', only: {} } } } })
    scenes.push({ name: spec.name, state: { layers: { [spec.id]: { as: 'heat', only: {} } } } })
    scenes.push({ name: spec.name, state: { layers: { [spec.id]: { as: 'zones', only: {} } } } })
  }
  return scenes
}

export function startScreen(root: HTMLElement, city: CityMap, scenes: Scene[], words: Words): void {
  const name = root.querySelector<HTMLElement>('[data-scene]')!
  const gone = root.querySelector<HTMLElement>('[data-offline]')!
  let at = -1
  let lost: Date | undefined
  const next = (): void => {
    at = (at + 1) % scenes.length
    const { state, name: title } = scenes[at]!
    city.show(state.layers ?? {}, state.outside ?? [])
    const how = Object.values(state.layers ?? {}).at(-1)?.as ?? 'points'
    name.textContent = how === 'points' ? title : `${title} – ${words[how]}`
    root.dataset.scene = String(at)
    if (state.center) city.map.easeTo({ center: state.center, zoom: state.zoom ?? city.map.getZoom(), duration: 3000 })
  }
  const numbers = async (): Promise<void> => {
    try {
      const answer = await fetch('/map/numbers/')
      if (!answer.ok) throw new Error(String(answer.status))
      const body = (await answer.json()) as { numbers: { name: string; value: number; unit: string }[] }
      body.numbers.forEach((one, place) => {
        const shown = root.querySelectorAll<HTMLElement>('[data-number]')[place]
        if (shown) shown.textContent = `${one.value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 })}${one.unit ? ` ${one.unit}` : ''}`
      })
      lost = undefined
    } catch {
      lost ??= new Date(now())
    }
    gone.hidden = !lost
    if (lost) gone.textContent = say(words.offline, { time: lost.toLocaleTimeString(document.documentElement.lang, { timeZone: root.dataset.zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }) })
  }
  const clock = (): void => {
    const shown = root.querySelector<HTMLElement>('[data-clock]')!
    shown.textContent = new Date(now()).toLocaleTimeString(document.documentElement.lang, { timeZone: root.dataset.zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  }
  next()
  clock()
  void numbers()
  setInterval(next, Number(root.dataset.cycle) || CYCLE_MS)
  setInterval(clock, 1000)
  setInterval(() => void numbers(), NUMBERS_MS)
  document.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowRight' || event.key === ' ') next()
  })
  void awake()
  document.addEventListener('visibilitychange', () => void awake())
}

/** Keeps the screen on (W3C Screen Wake Lock); a browser gives the lock back whenever the page is hidden. */
async function awake(): Promise<void> {
  if (document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return
  await navigator.wakeLock.request('screen').catch(() => undefined)
}
