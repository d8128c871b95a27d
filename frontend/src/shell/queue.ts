/**
 * What waits to be sent, kept in IndexedDB: a page puts it in, the page and the service worker send it. Each item has a
 * key of its own, by which the city takes it once, so a second sending does no harm. A service says by `post` where and
 * how its items go; each service's are in a database of their own.
 */
export interface Item {
  key: string
  at: number
  held?: Held
  /** What the city says against it: it is not sent again unless somebody asks for it. */
  refused?: string
}

/** What is kept of one that was sent. */
export interface Done {
  key: string
  at: number
}

/**
 * Why an item still waits: no network, a city that cannot take it now, too many from here, or nobody is signed in who
 * may send it; not before `until`.
 */
export interface Held {
  why: 'network' | 'busy' | 'many' | 'signin'
  /** Milliseconds since 1970. */
  until?: number
  /** Only this one waits: what was done beside it may go. */
  alone?: boolean
}

export type Result<D extends Done> = { done: D } | { held: Held } | { refused: string }

/** A private window may leave the question without any answer. */
const OPENS_MS = 3000

export class Queue<W extends Item, D extends Done> {
  /** `name` is the database's, and must stay: what waits on telephones lies in it. `post` never throws. */
  constructor(
    private readonly name: string,
    private readonly post: (one: W) => Promise<Result<D>>,
  ) {}

  /** In a browser that keeps nothing, nothing waits. */
  waiting = (): Promise<W[]> => this.all<W>('waiting').catch(() => [])
  sent = (): Promise<D[]> => this.all<D>('sent').catch(() => [])
  /** Throws where the browser keeps nothing. */
  put = (one: W): Promise<void> => this.change((store) => void store.put(one))
  forget = (key: string): Promise<void> => this.change((store, done) => void (store.delete(key), done.delete(key)))
  forgetSent = (): Promise<void> => this.change((_store, done) => void done.clear())
  /** Sends one now, kept or not. */
  send = (one: W): Promise<Result<D>> => this.post(one)

  /** An item of this device, however far it has come: one that was sent has no `held` and no `refused`. */
  async find(key: string): Promise<{ sent: D } | { waits: W } | undefined> {
    const mine = (one: { key: string }): boolean => one.key === key
    const sent = (await this.sent()).find(mine)
    if (sent) return { sent }
    const waits = (await this.waiting()).find(mine)
    return waits && { waits }
  }

  /** Lets an item that is held or refused be tried again. */
  release = (key: string): Promise<void> => this.note(key, undefined, undefined)

  /**
   * Sends everything that waits, in order; stops at the first that the network or the city does not let through, but
   * for what is held `alone`.
   * `begins` hears of each before it goes, and says of what is not to be sent now that it is not.
   */
  async flush(begins: (one: W) => boolean = () => true): Promise<{ sent: number; held?: Held }> {
    let count = 0
    let waits: Held | undefined
    for (const one of (await this.waiting()).sort((a, b) => a.at - b.at)) {
      if (one.refused !== undefined) continue
      if ((one.held?.until ?? 0) > Date.now()) return { sent: count, held: one.held }
      if (!begins(one)) continue
      const result = await this.post(one)
      if ('done' in result) {
        await this.keepSent(one.key, result.done)
        count++
      } else if ('held' in result) {
        await this.note(one.key, result.held, undefined)
        if (!result.held.alone) return { sent: count, held: result.held }
        waits = result.held
      } else await this.note(one.key, undefined, result.refused)
    }
    return { sent: count, held: waits }
  }

  /** On a full disk at least it waits no more: else it were sent again for ever, and all behind it never. */
  private async keepSent(key: string, done: D): Promise<void> {
    try {
      await this.change((store, kept) => void (store.delete(key), kept.put(done)))
    } catch {
      await this.change((store) => void store.delete(key))
    }
  }

  /** Writes down what became of a sending; another page may have sent it since, and then there is nothing to note. */
  private note(key: string, held: Held | undefined, refused: string | undefined): Promise<void> {
    return this.change((store) => {
      const asked = store.get(key) as IDBRequest<W | undefined>
      asked.onsuccess = () => asked.result && store.put({ ...asked.result, held, refused })
    })
  }

  /** Throws where the browser keeps nothing. */
  private open(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error('IndexedDB')), OPENS_MS)
      const asked = indexedDB.open(this.name, 1)
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore('waiting', { keyPath: 'key' })
        asked.result.createObjectStore('sent', { keyPath: 'key' })
      }
      asked.onsuccess = () => resolve(asked.result)
      asked.onerror = () => reject(asked.error ?? new Error('IndexedDB'))
    })
  }

  private async change(work: (waiting: IDBObjectStore, sent: IDBObjectStore) => void): Promise<void> {
    const database = await this.open()
    await new Promise<void>((resolve, reject) => {
      const transaction = database.transaction(['waiting', 'sent'], 'readwrite')
      work(transaction.objectStore('waiting'), transaction.objectStore('sent'))
      transaction.oncomplete = () => resolve()
      // A disk that is full ends it without an error of its own.
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB'))
    })
    database.close()
  }

  private async all<T>(store: 'waiting' | 'sent'): Promise<T[]> {
    const database = await this.open()
    const found = await new Promise<T[]>((resolve, reject) => {
      const asked = database.transaction(store).objectStore(store).getAll() as IDBRequest<T[]>
      asked.onsuccess = () => resolve(asked.result)
      asked.onerror = () => reject(asked.error ?? new Error('IndexedDB'))
    })
    database.close()
    return found
  }
}

/**
 * What an answer of the city means for an item: `done` reads what was sent from its JSON, undefined where that does not
 * say so: what stands between here and the city may answer too, in words of its own. Never throws.
 */
export async function resultOf<D extends Done>(asked: Promise<Response>, done: (told: never) => Result<D> | undefined): Promise<Result<D>> {
  let answer: Response
  try {
    answer = await asked
  } catch {
    return { held: { why: 'network' } }
  }
  const told = (await answer.json().catch(() => ({}))) as { message?: string; mend?: string }
  const result = answer.ok ? done(told as never) : undefined
  if (result) return result
  if (answer.status === 429) return { held: { why: 'many', until: until(answer) } }
  // A session that is over loses nothing: whoever signs in sends it.
  if (answer.status === 401 || answer.status === 403) return { held: { why: 'signin' } }
  // So the city answers where the network was too slow to carry it (RFC 9110, 15.5.9; RFC 8470, 5.2).
  if (answer.status === 408 || answer.status === 425) return { held: { why: 'network', until: until(answer) } }
  // A fault of the city's may be about this one only.
  if (answer.status === 500) return { held: { why: 'busy', until: until(answer), alone: true } }
  if (answer.ok || answer.status > 500) return { held: { why: 'busy', until: until(answer) } }
  return { refused: inWords(told) || String(answer.status) }
}

/** What the city says against something, and how it is mended. */
export const inWords = (told: { message?: string; mend?: string }): string => `${told.message ?? ''} ${told.mend ?? ''}`.trim()

/** When to try again, as the answer says it: in seconds or as a date (RFC 9110, 10.2.3). */
export function until(answer: Response): number | undefined {
  const said = answer.headers.get('Retry-After') ?? ''
  const at = /^\d+$/.test(said) ? Date.now() + Number(said) * 1000 : Date.parse(said)
  return Number.isNaN(at) ? undefined : at
}

/** A name for an item that no other has; where the address is not https, a browser makes none by itself. */
export function newKey(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  // RFC 9562, 5.4.
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return [...bytes].map((byte, at) => ([4, 6, 8, 10].includes(at) ? '-' : '') + byte.toString(16).padStart(2, '0')).join('')
}
