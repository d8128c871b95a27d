/** What is told of a feature that is pressed: its name, a way to more, and what its layer has words for. */
import { say, type LayerSpec, type Words } from './spec'

/** What is no field to be told: it names, draws or counts. */
const UNTOLD = ['id', 'name', 'url', 'color', 'at', 'count', 'share', 'points']

/** The address of what is shown of a feature, "" where its layer names none. */
export function panelOf(spec: LayerSpec | undefined, id: unknown): string {
  return spec?.panel && id ? spec.panel.replace('{id}', encodeURIComponent(String(id))) : ''
}

/** An address that may be pressed, of the web or of this city; "" for any other (`javascript:`). */
export function pressable(url: unknown): string {
  const address = String(url ?? '').trim()
  return /^(https?:|\/(?![/\\]))/i.test(address) ? address : ''
}

export function describe(spec: LayerSpec | undefined, properties: Record<string, unknown>, words: Words): HTMLElement {
  const { name, url, lines, count, points } = properties
  const body = document.createElement('div')
  const link = pressable(url) || panelOf(spec, properties.id)
  const title = body.appendChild(document.createElement(link ? 'a' : 'strong'))
  title.textContent = String(name || spec?.name || '')
  if (link) title.setAttribute('href', link)
  const told = Object.entries(spec?.labels ?? {})
    .filter(([field]) => !UNTOLD.includes(field) && ![undefined, null, ''].includes(properties[field] as never))
    .map(([field, label]) => [label, spec?.values?.[field]?.[String(properties[field])] ?? properties[field]])
  if (count !== undefined && words.inView) told.unshift([words.inView, count])
  if (Number(points) > 1) body.appendChild(document.createElement('p')).textContent = say(words.stands, { count: Number(points) })
  // Without words for its fields a stop still tells its lines.
  if (!spec?.labels && lines) body.appendChild(document.createElement('p')).textContent = String(lines)
  if (!told.length) return body
  const list = body.appendChild(document.createElement('dl'))
  for (const [term, value] of told) {
    list.appendChild(document.createElement('dt')).textContent = String(term)
    list.appendChild(document.createElement('dd')).textContent = String(value)
  }
  return body
}
