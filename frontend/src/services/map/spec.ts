/** What the map page says of each layer beyond what every map is told, and all that makes a view of it. */
import type { LayerSpec as Drawn, Shown } from '../../map/spec'

export { asked, data, isChosen, say, usual, type Drawing, type OutsideSpec, type Shown, type Words } from '../../map/spec'

/** The same words as services/map/specs.py. */
export type LayerSpec = Drawn & Required<Pick<Drawn, 'tiles' | 'heat' | 'zones' | 'style' | 'labels' | 'values'>> & {
  summary: string
  table: string
  replay: string
  times: string
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
