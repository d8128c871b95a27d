/** Facets as charts: bars one can press to choose, and the spread of numbers. */
import { say, type LayerSpec, type Shown, type Words } from './spec'

export interface Facet {
  field: string
  label: string
  counts: { value: string | number | boolean; count: number }[]
  bars: [number, number, number][]
  more: number
}

const SVG = 'http://www.w3.org/2000/svg'

/** An SVG element. */
export function part(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value))
  return made
}

/** A group of bars, each a button that chooses its value. */
export function bars(facet: Facet, chosen: string[], words: Words, told: Record<string, string>, choose: (value: string) => void): HTMLElement {
  const group = document.createElement('fieldset')
  group.className = 'facet'
  group.appendChild(document.createElement('legend')).textContent = facet.label
  const most = Math.max(1, ...facet.counts.map((one) => one.count))
  // What is chosen stays, though nothing in view has it now: else it could not be let go.
  const gone = chosen.filter((one) => !facet.counts.some(({ value }) => String(value) === one)).map((value) => ({ value, count: 0 }))
  for (const { value, count } of [...facet.counts, ...gone]) {
    const button = group.appendChild(document.createElement('button'))
    button.type = 'button'
    button.className = 'facet-bar'
    button.setAttribute('aria-pressed', String(chosen.includes(String(value))))
    const name = button.appendChild(document.createElement('span'))
    name.textContent = (told[String(value)] ?? String(value)) || '–'
    button.title = name.textContent
    const picture = button.appendChild(part('svg', { viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true' }))
    picture.append(part('rect', { width: 100, height: 8, class: 'facet-ground' }), part('rect', { width: (100 * count) / most, height: 8, class: 'facet-share' }))
    const number = button.appendChild(document.createElement('span'))
    number.className = 'num'
    number.textContent = count.toLocaleString(document.documentElement.lang)
    button.addEventListener('click', () => choose(String(value)))
  }
  if (facet.more) group.appendChild(document.createElement('small')).textContent = `${facet.more} ${words.more}`
  return group
}

/** A histogram with its ends named; each column says its numbers. */
export function spread(facet: Facet): HTMLElement {
  const figure = document.createElement('figure')
  figure.className = 'facet'
  figure.appendChild(document.createElement('figcaption')).textContent = facet.label
  const most = Math.max(1, ...facet.bars.map(([, , count]) => count))
  const short = (value: number): string => value.toLocaleString(document.documentElement.lang, { maximumSignificantDigits: 3 })
  const words = facet.bars.map(([low, high, count]) => `${short(low)} – ${short(high)}: ${count}`)
  const picture = part('svg', { viewBox: `0 0 ${facet.bars.length * 10} 40`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${facet.label}: ${words.join('; ')}` })
  facet.bars.forEach(([, , count], at) => {
    const column = part('rect', { x: at * 10 + 0.5, y: 40 - (38 * count) / most, width: 9, height: (38 * count) / most, class: 'facet-share' })
    column.append(part('title', {}))
    column.firstElementChild!.textContent = words[at] ?? ''
    picture.append(column)
  })
  figure.append(picture)
  const ends = figure.appendChild(document.createElement('p'))
  ends.className = 'row spread num soft'
  ends.append(short(facet.bars[0]?.[0] ?? 0), document.createElement('span'), short(facet.bars.at(-1)?.[1] ?? 0))
  return figure
}

/** What a layer's colours mean, into `list`; hidden where there is one colour, or each feature has its own. */
export function key(list: HTMLElement, spec: LayerSpec, shown: Shown | undefined, words: Words, side = ''): void {
  const named: [string, string?][] = !shown ? [] : shown.as !== 'points' ? [[words.few ?? ''], [words.many ?? '']] : meanings(spec)
  list.hidden = named.length === 0
  list.setAttribute('aria-label', [side, say(words.keyFor, { name: spec.name })].filter(Boolean).join(': '))
  list.dataset.side = side
  list.classList.toggle('map-ramp', shown?.as !== 'points')
  list.replaceChildren(
    ...named.map(([name, color]) => {
      const item = document.createElement('li')
      if (color) {
        const swatch = item.appendChild(document.createElement('i'))
        swatch.className = 'swatch'
        swatch.style.setProperty('--swatch', color)
      }
      item.append(name)
      return item
    }),
  )
}

/** What each colour of a style stands for: values, or ranges between its breaks. */
function meanings({ style, values }: LayerSpec): [string, string?][] {
  const { field, colors, breaks = [] } = style
  if (!field || !colors?.length || !breaks.length) return []
  if (!breaks.every((one) => typeof one === 'number')) {
    return breaks.map((one, at) => [values[field]?.[String(one)] ?? String(one), colors[at % colors.length]])
  }
  const short = breaks.map((one) => one.toLocaleString(document.documentElement.lang, { maximumSignificantDigits: 4 }))
  const ranges = [`< ${short[0]}`, ...short.map((low, at) => (at + 1 < short.length ? `${low} – ${short[at + 1]}` : `≥ ${low}`))]
  return ranges.map((range, at) => [range, colors[Math.min(at, colors.length - 1)]])
}

/** Facets, and those by which something is chosen though nothing in view has a value for them now. */
export function withChosen(facets: Facet[], only: Record<string, string[]>, labels: Record<string, string>): Facet[] {
  const gone = Object.keys(only).filter((field) => only[field]?.length && !facets.some((one) => one.field === field))
  return [...facets, ...gone.map((field) => ({ field, label: labels[field] ?? field, counts: [], bars: [], more: 0 }))]
}

/** All facets of a layer into `place`. */
export function charts(place: HTMLElement, facets: Facet[], only: Record<string, string[]>, words: Words, values: Record<string, Record<string, string>>, choose: (field: string, value: string) => void): void {
  const focused = document.activeElement?.closest('.facet-bar')
  const before = focused && place.contains(focused) ? [focused.closest('.facet')?.firstElementChild?.textContent, focused.firstElementChild?.textContent] : undefined
  place.replaceChildren(
    ...facets.map((facet) => (facet.bars.length ? spread(facet) : bars(facet, only[facet.field] ?? [], words, values[facet.field] ?? {}, (value) => choose(facet.field, value)))),
  )
  if (before) {
    for (const button of place.querySelectorAll<HTMLElement>('.facet-bar')) {
      if (button.closest('.facet')?.firstElementChild?.textContent === before[0] && button.firstElementChild?.textContent === before[1]) button.focus()
    }
  }
}
