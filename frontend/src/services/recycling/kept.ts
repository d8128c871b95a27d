/**
 * What a crew did, kept on its telephone until the city has it: each step and each weighing with an id of its own, under
 * which the city takes it once. `by` is the account that did it: sent as another's the city does not take it.
 */
import { Queue, inWords, resultOf, type Done, type Item, type Result } from '../../shell/queue'

export type What = 'set_out' | 'turn_back' | 'arrive' | 'miss' | 'weigh'

export interface Line {
  material: string
  grams: number
  quality: string
}

export interface Weighed {
  lines: Line[]
  seen: string
  code: string
  signature: string
  scale: string
}

export interface Work extends Item {
  pickup: number
  by: number
  what: What
  /** When it was, ISO 8601, as this telephone thinks. */
  told: string
  /** What it was, in a few words for whoever did it. */
  words: string
  why?: string
  weighed?: Weighed
  photo?: Blob
  drawn?: Blob
}

/** What the city took; of whom and what it was is not kept. */
export interface Taken extends Done {
  pickup: number
  what: What
  words: string
  /** When the city had it, by this telephone's clock, ms since 1970. */
  heard: number
  points: number
  seen: string
}

export const TAG = 'recycling'

export const works = new Queue<Work, Taken>('cityhall-recycling', post)

interface Answer {
  taken?: boolean
  problem?: string
  message?: string
  mend?: string
  points?: number
  seen?: string
}

function post(one: Work): Promise<Result<Taken>> {
  const common = { id: one.key, pickup: one.pickup, at: one.told, by: one.by }
  const headers = { Accept: 'application/json' }
  if (one.what !== 'weigh') {
    const body = JSON.stringify([{ ...common, what: one.what, why: one.why ?? '' }])
    const asked = fetch('/api/recycling/steps', { method: 'POST', body, headers: { ...headers, 'Content-Type': 'application/json' } })
    return resultOf(asked, (told: Answer[]) => became(one, told[0]))
  }
  const body = new FormData()
  body.append('weighing_in', JSON.stringify({ ...common, ...one.weighed }))
  if (one.photo) body.append('photo', one.photo, 'photo.jpg')
  if (one.drawn) body.append('drawn', one.drawn, 'drawn.png')
  return resultOf(fetch('/api/recycling/weighings/pictured', { method: 'POST', body, headers }), (told: Answer) => became(one, told))
}

/** What the city says of one. What another did waits for them; undefined where this is no answer of the city. */
export function became(one: Work, told: Answer | undefined): Result<Taken> | undefined {
  if (typeof told?.taken !== 'boolean') return undefined
  const { key, at, pickup, what, words } = one
  if (told.taken) return { done: { key, at, pickup, what, words, heard: Date.now(), points: told.points ?? 0, seen: told.seen ?? '' } }
  return told.problem === 'other_person' ? { held: { why: 'signin', alone: true } } : { refused: inWords(told) || (told.problem ?? '') }
}
