/** What a page says of each layer and what is shown of it: the same words as cityhall/web/layers.py, whoever draws. */
export interface LayerSpec {
  id: string
  name: string
  kind: 'point' | 'line' | 'area' | 'heat'
  /** GeoJSON of the whole layer. */
  url: string
  /** The address of the topic that moves its points, "" for what stands still. */
  live: string
  panel?: string
  color: string
  style?: { field?: string; colors?: string[]; breaks?: (string | number)[]; size?: number }
  minzoom: number
  visible: boolean
  /** Seconds between two looks at a point layer that moves but has no topic. */
  poll?: number
  /** Seconds after which a layer that stands still is asked for anew. */
  again?: number
  /** Vector tiles, counts by hexagon and by district, for the page that has them. */
  tiles?: string
  heat?: string
  zones?: string
  /** The words for a point's fields, and for what they may hold. */
  labels?: Record<string, string>
  values?: Record<string, Record<string, string>>
}

/** Another server's map: pictures. */
export interface OutsideSpec {
  id: string
  name: string
  tiles: string
  attribution: string
}

export type Drawing = 'points' | 'heat' | 'zones'

/** How one layer is drawn and what of it. */
export interface Shown {
  as: Drawing
  only: Record<string, string[]>
  /** An interval as `datetime` takes it. */
  during?: string
}

export type Words = Record<string, string>

/** How a layer is drawn unless somebody chooses otherwise. */
export function usual(spec: LayerSpec): Shown {
  return { as: spec.kind === 'heat' && spec.heat ? 'heat' : 'points', only: {} }
}

/** Whether a feature is among those chosen. */
export function isChosen(properties: Record<string, unknown>, only: Shown['only']): boolean {
  return Object.entries(only).every(([field, values]) => values.includes(String(properties[field])))
}

/** Fills a word's %(name)s. */
export function say(text: string | undefined, values: Record<string, string | number> = {}): string {
  return (text ?? '').replace(/%\((\w+)\)s/g, (_, name: string) => String(values[name] ?? ''))
}

/** The address of a layer's part for a selection. */
export function asked(address: string, shown: Shown | undefined, more: Record<string, string> = {}): string {
  const query = new URLSearchParams(shown?.during && !more.datetime ? { ...more, datetime: shown.during } : more)
  for (const [field, values] of Object.entries(shown?.only ?? {})) for (const value of values) query.append(field, value)
  const text = query.toString()
  return text ? `${address}?${text}` : address
}

/** What a page holds for its scripts under an id, undefined where it holds nothing. */
export function data<T>(id: string | null): T | undefined {
  const text = id && document.getElementById(id)?.textContent
  return text ? ((JSON.parse(text) as T | null) ?? undefined) : undefined
}
