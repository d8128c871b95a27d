/**
 * Reports that wait to be sent, kept in IndexedDB: the page puts them in, the page and the service worker send them.
 * Each has a key of its own, and the city files a key once, so a second sending does no harm.
 */
export interface Waiting {
  key: string
  fields: Record<string, string>
  /** What the category asks further, each answer by itself. */
  answers?: Record<string, string[]>
  photos: Blob[]
  at: number
  held?: Held
  /** What the city says against it: it is not sent again unless somebody asks for it. */
  refused?: string
}

/** Why a report still waits: no network, a city that cannot take it now, or too many from here; not before `until`. */
export interface Held {
  why: 'network' | 'busy' | 'many'
  /** Milliseconds since 1970. */
  until?: number
}

/** A report that was sent. */
export interface Sent {
  key: string
  at: number
  id: number
  link: string
  what: string
}

export const ADDRESS = '/api/reports/'
export const TAG = 'reports'

/** A private window may leave the question without any answer. */
const OPENS_MS = 3000

/** Throws where the browser keeps nothing. */
function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('IndexedDB')), OPENS_MS)
    const asked = indexedDB.open('cityhall-reports', 1)
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore('waiting', { keyPath: 'key' })
      asked.result.createObjectStore('sent', { keyPath: 'key' })
    }
    asked.onsuccess = () => resolve(asked.result)
    asked.onerror = () => reject(asked.error ?? new Error('IndexedDB'))
  })
}

async function change(work: (waiting: IDBObjectStore, sent: IDBObjectStore) => void): Promise<void> {
  const database = await open()
  await new Promise<void>((resolve, reject) => {
    const transaction = database.transaction(['waiting', 'sent'], 'readwrite')
    work(transaction.objectStore('waiting'), transaction.objectStore('sent'))
    transaction.oncomplete = () => resolve()
    // A disk that is full ends it without an error of its own.
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB'))
  })
  database.close()
}

async function all<T>(store: 'waiting' | 'sent'): Promise<T[]> {
  const database = await open()
  const found = await new Promise<T[]>((resolve, reject) => {
    const asked = database.transaction(store).objectStore(store).getAll() as IDBRequest<T[]>
    asked.onsuccess = () => resolve(asked.result)
    asked.onerror = () => reject(asked.error ?? new Error('IndexedDB'))
  })
  database.close()
  return found
}

/** In a browser that keeps nothing, nothing waits. */
export const waiting = (): Promise<Waiting[]> => all<Waiting>('waiting').catch(() => [])
export const sent = (): Promise<Sent[]> => all<Sent>('sent').catch(() => [])
export const put = (one: Waiting): Promise<void> => change((store) => void store.put(one))
export const forget = (key: string): Promise<void> => change((store, done) => void (store.delete(key), done.delete(key)))

/** A report of this device, however far it has come. */
export async function find(key: string): Promise<Sent | Waiting | undefined> {
  const mine = (one: { key: string }): boolean => one.key === key
  return (await sent()).find(mine) ?? (await waiting()).find(mine)
}

/** Lets a report that is held or refused be tried again. */
export async function release(key: string): Promise<void> {
  await note(key, { refused: undefined, held: undefined })
}

/** Writes down what became of a sending; another page may have sent it since, and then there is nothing to note. */
const note = (key: string, what: Partial<Waiting>): Promise<void> =>
  change((store) => {
    const asked = store.get(key) as IDBRequest<Waiting | undefined>
    asked.onsuccess = () => asked.result && store.put({ ...asked.result, ...what })
  })

/** Sends everything that waits, in order; stops at the first that the network or the city does not let through. */
export async function flush(): Promise<{ sent: number; held?: Held }> {
  let count = 0
  for (const one of (await waiting()).sort((a, b) => a.at - b.at)) {
    if (one.refused !== undefined) continue
    if ((one.held?.until ?? 0) > Date.now()) return { sent: count, held: one.held }
    const result = await send(one)
    if ('link' in result) {
      await change((store, kept) => void (store.delete(one.key), kept.put(result)))
      count++
      continue
    }
    await note(one.key, result)
    if (result.held) return { sent: count, held: result.held }
  }
  return { sent: count }
}

/** Sends one report now. Never throws: what hinders it is what it gives. */
export async function send(one: Waiting): Promise<Sent | Pick<Waiting, 'held' | 'refused'>> {
  const body = new FormData()
  for (const [name, value] of Object.entries(one.fields)) body.append(name, value)
  for (const [name, values] of Object.entries(one.answers ?? {})) values.forEach((value) => body.append(name, value))
  body.append('key', one.key)
  one.photos.forEach((photo, row) => body.append('photos', photo, `photo-${row}.jpg`))
  let answer: Response
  try {
    answer = await fetch(ADDRESS, { method: 'POST', body, headers: { Accept: 'application/json' } })
  } catch {
    return { held: { why: 'network' } }
  }
  // What stands between here and the city may answer too, in words of its own.
  const told = (await answer.json().catch(() => ({}))) as { id?: number; link?: string; message?: string; mend?: string }
  if (answer.ok && told.id && told.link) return { key: one.key, at: one.at, id: told.id, link: told.link, what: one.fields.what ?? '' }
  if (answer.status === 429) return { held: { why: 'many', until: until(answer) } }
  if (answer.ok || answer.status >= 500) return { held: { why: 'busy', until: until(answer) } }
  return { refused: `${told.message ?? ''} ${told.mend ?? ''}`.trim() || String(answer.status) }
}

/** When to try again, as the answer says it: in seconds or as a date (RFC 9110, 10.2.3). */
export function until(answer: Response): number | undefined {
  const said = answer.headers.get('Retry-After') ?? ''
  const at = /^\d+$/.test(said) ? Date.now() + Number(said) * 1000 : Date.parse(said)
  return Number.isNaN(at) ? undefined : at
}
