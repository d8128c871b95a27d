/** Reports that wait to be sent. Photos and words go as a form, and the city files a key once. */
import { Queue, resultOf, type Done, type Item, type Result } from '../../shell/queue'

export interface Waiting extends Item {
  fields: Record<string, string>
  /** What the category asks further, each answer by itself. */
  answers?: Record<string, string[]>
  photos: Blob[]
}

/** A report that was sent. */
export interface Sent extends Done {
  id: number
  link: string
  what: string
}

export const TAG = 'reports'
const ADDRESS = '/api/reports/'

export const reports = new Queue<Waiting, Sent>('cityhall-reports', post)

function post(one: Waiting): Promise<Result<Sent>> {
  const body = new FormData()
  for (const [name, value] of Object.entries(one.fields)) body.append(name, value)
  for (const [name, values] of Object.entries(one.answers ?? {})) values.forEach((value) => body.append(name, value))
  body.append('key', one.key)
  one.photos.forEach((photo, row) => body.append('photos', photo, `photo-${row}.jpg`))
  const asked = fetch(ADDRESS, { method: 'POST', body, headers: { Accept: 'application/json' } })
  return resultOf(asked, ({ id, link }: { id?: number; link?: string }) =>
    id && link ? { done: { key: one.key, at: one.at, id, link, what: one.fields.what ?? '' } } : undefined,
  )
}
