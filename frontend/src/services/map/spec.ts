/** What the page says of each layer, and what is shown of it: the same words as services/map/specs.py. */
export interface LayerSpec {
  id: string
  name: string
  group: string
  kind: 'point' | 'line' | 'area' | 'heat'
  color: string
  minzoom: number
  visible: boolean
  live: string
  panel: string
  url: string
  tiles: string
  summary: string
  heat: string
  zones: string
  table: string
  replay: string
  times: string
  downloads: string
  labels: Record<string, string>
  values: Record<string, Record<string, string>>
  style: { field?: string; colors?: string[]; breaks?: (string | number)[]; size?: number }
}

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

/** `span` seconds back from now, or from `end` (seconds since 1970); `from` and `to` are bars of it (see period.ts). */
export interface Period {
  span: number
  end?: number
  from?: number
  to?: number
}

export type Side = 'left' | 'right'

/** What one map shows. */
export interface Selected {
  layers: Record<string, Shown>
  outside: string[]
}

/** All that makes a view; what is saved and what a link holds. */
export interface State {
  center?: [number, number]
  zoom?: number
  layers?: Record<string, Shown>
  outside?: string[]
  compare?: { right: Record<string, Shown>; outside?: string[]; at: number }
  period?: Period
  start?: string
}

export type Words = Record<string, string>

/** Fills a word's %(name)s. */
export function say(text: string | undefined, values: Record<string, string | number> = {}): string {
  return (text ?? '').replace(/%\((\w+)\)s/g, (_, name: string) => String(values[name] ?? ''))
}

/** A state as the part of an address after #, short and safe to send. */
export function encode(state: State): string {
  const bytes = new TextEncoder().encode(JSON.stringify(state))
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** The state that `encode` made; undefined for anything else. */
export function decode(text: string): State | undefined {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0))
    const state = JSON.parse(new TextDecoder().decode(bytes)) as State
    return typeof state === 'object' && state !== null ? state : undefined
  } catch {
    return undefined
  }
}

/** The address of a layer's part for a selection. */
export function asked(address: string, shown: Shown | undefined, more: Record<string, string> = {}): string {
  const query = new URLSearchParams(shown?.during && !more.datetime ? { ...more, datetime: shown.during } : more)
  for (const [field, values] of Object.entries(shown?.only ?? {})) for (const value of values) query.append(field, value)
  const text = query.toString()
  return text ? `${address}?${text}` : address
}
