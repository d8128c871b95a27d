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
}

/** A report that was sent (`link`), or refused for good (`problem`). */
export interface Sent {
  key: string
  at: number
  id?: number
  link?: string
  problem?: string
  what: string
}

export const ADDRESS = '/api/reports/'
export const TAG = 'reports'

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
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
    transaction.onerror = () => reject(transaction.error ?? new Error('IndexedDB'))
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

export const waiting = (): Promise<Waiting[]> => all<Waiting>('waiting')
export const sent = (): Promise<Sent[]> => all<Sent>('sent')
export const put = (one: Waiting): Promise<void> => change((store) => void store.put(one))
export const forget = (key: string): Promise<void> => change((store, done) => void (store.delete(key), done.delete(key)))

/** Sends everything that waits, in order; stops at the first that the network or the city does not let through. */
export async function flush(): Promise<Sent[]> {
  const done: Sent[] = []
  for (const one of (await waiting()).sort((a, b) => a.at - b.at)) {
    const result = await send(one)
    if (!result) break
    await change((store, kept) => void (store.delete(one.key), kept.put(result)))
    done.push(result)
  }
  return done
}

async function send(one: Waiting): Promise<Sent | null> {
  const body = new FormData()
  for (const [name, value] of Object.entries(one.fields)) body.append(name, value)
  for (const [name, values] of Object.entries(one.answers ?? {})) values.forEach((value) => body.append(name, value))
  body.append('key', one.key)
  one.photos.forEach((photo, row) => body.append('photos', photo, `photo-${row}.jpg`))
  let answer: Response
  try {
    answer = await fetch(ADDRESS, { method: 'POST', body, headers: { Accept: 'application/json' } })
  } catch {
    return null
  }
  const what = one.fields.what ?? ''
  if (answer.ok) {
    const { id, link } = (await answer.json()) as { id: number; link: string }
    return { key: one.key, at: one.at, id, link, what }
  }
  // Later it may be taken: the city is busy, or has had too many from here.
  if (answer.status >= 500 || answer.status === 429) return null
  const { message = '', mend = '' } = (await answer.json().catch(() => ({}))) as Record<string, string>
  return { key: one.key, at: one.at, problem: `${message} ${mend}`.trim() || String(answer.status), what }
}
