/** What is told of a feature that is pressed: its name, a way to more, and what its layer has words for. */
import { startRefresh } from '../shell/refresh'
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

/** How often the panel of what stands still is asked for anew, seconds. */
const PANEL_S = '20'

/** What is told of a feature; in its place, once it has come, what its layer's panel shows of it. */
export function told(spec: LayerSpec | undefined, properties: Record<string, unknown>, words: Words): HTMLElement {
  const panel = panelOf(spec, properties.id)
  const body = document.createElement('div')
  const inner = body.appendChild(document.createElement('div'))
  inner.append(describe(spec, properties, words))
  if (panel) void show(body, inner, `${panel}?part=1`)
  return body
}

/** A layer may name a whole page as its panel: that is led to, not put into a pop-up. */
async function show(body: HTMLElement, inner: HTMLElement, address: string): Promise<void> {
  const answer = await fetch(address, { credentials: 'same-origin' }).catch(() => undefined)
  const html = answer?.ok ? await answer.text() : '<!doctype'
  if (/^\s*<!doctype/i.test(html)) return
  inner.innerHTML = html
  inner.dataset.refreshBody = ''
  body.dataset.refresh = address
  body.dataset.every = PANEL_S
  startRefresh(body)
  // The same as for a part that is put in later: what it holds is woken.
  inner.dispatchEvent(new CustomEvent('htmx:afterSwap', { bubbles: true }))
}
