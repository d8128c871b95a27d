/**
 * The open alerts as the desk's screen knows them. Rows and changes come by the stream, in any order and perhaps not
 * at all; the mark that comes with each beat says whether they are all there, as they are in the database.
 */
export interface Row {
  id: number
  version: number
  state: string
  kind: string
  door: string
  priority: number
  place: string
  lon: number | null
  lat: number | null
  /** Moments are milliseconds since 1970, by the city's clock. */
  received: number
  waits: number
  answered: number | null
  sent: number | null
  there: number | null
  presses: number
  pressed: number
  /** Since when what the caller said, or their voice, waits for whoever has it. */
  unread?: number | null
  doubtful: boolean
  level: number
  owner: number | null
  cancelled: boolean
  duress: boolean
  exercise: boolean
  part_of: number | null
}

/** Pressed again: only what that changes. */
export type Change = Pick<Row, 'id' | 'version' | 'presses' | 'pressed'>
/** How many are open, the sum of their versions, the sum of their numbers. */
export type Mark = readonly [number, number, number]

const OPEN = ['waiting', 'answered', 'sent', 'there']
const isWhole = (one: Row | Change): one is Row => 'state' in one

export class Queue {
  readonly rows = new Map<number, Row>()
  /** Something is known to be missing: the queue is to be asked for anew. */
  holes = false
  /** Versions of what is closed, so that a late message does not open it again. */
  private readonly closed = new Map<number, number>()
  private meanwhile: (Row | Change)[] | undefined

  /** Takes what the stream tells; gives the rows that are new. */
  take(told: readonly (Row | Change)[]): Row[] {
    this.meanwhile?.push(...told)
    return told.filter((one) => this.put(one)) as Row[]
  }

  /** From now on what the stream tells is kept beside, until `replace` has the queue as it is asked for now. */
  asks(): void {
    this.meanwhile = []
  }

  /** The queue as the database has it, with what the stream has told since it was asked for; gives the rows that are new. */
  replace(rows: readonly Row[]): Row[] {
    const before = new Set(this.rows.keys())
    const since = this.meanwhile ?? []
    this.meanwhile = undefined
    this.rows.clear()
    this.closed.clear()
    this.holes = false
    for (const one of [...rows, ...since]) this.put(one)
    return [...this.rows.values()].filter((one) => !before.has(one.id))
  }

  private put(one: Row | Change): boolean {
    const known = this.rows.get(one.id)
    const version = known?.version ?? this.closed.get(one.id) ?? -1
    if (one.version <= version) return false
    if (!isWhole(one)) {
      // A change of a row that is not here, or one that another has gone before which is not here.
      if (!known || one.version > known.version + 1) this.holes = !this.closed.has(one.id) || this.holes
      if (known) Object.assign(known, one)
      return false
    }
    if (!OPEN.includes(one.state)) {
      this.rows.delete(one.id)
      this.closed.set(one.id, one.version)
      return false
    }
    this.closed.delete(one.id)
    this.rows.set(one.id, one)
    return known === undefined
  }

  mark(): Mark {
    let versions = 0
    let ids = 0
    for (const one of this.rows.values()) {
      versions += one.version
      ids += one.id
    }
    return [this.rows.size, versions, ids]
  }

  /** Whether this is what the database has. */
  agrees(mark: Mark): boolean {
    return this.mark().every((value, at) => value === mark[at])
  }

  /**
   * What is to be done, in its order: what waits (and what a silent colleague has) first, what `me` has apart, then
   * what others do. Each by priority, the longest waiting first: what is new never goes before what waits.
   */
  ordered(me: number, isSilent: (owner: number | null) => boolean): { mine: Row[]; waiting: Row[]; others: Row[] } {
    const all = [...this.rows.values()].sort((a, b) => a.priority - b.priority || a.received - b.received || a.id - b.id)
    const of: { mine: Row[]; waiting: Row[]; others: Row[] } = { mine: [], waiting: [], others: [] }
    for (const one of all) {
      const held = one.owner === me ? of.mine : isSilent(one.owner) ? of.waiting : of.others
      const where = one.state === 'waiting' ? of.waiting : held
      where.push(one)
    }
    return of
  }
}

/** Whether the marks that come with the beats agree with the queue; one that differs may only be quicker than the stream. */
export class Beats {
  /** How many beats running have differed. */
  private apart = 0
  private heard = 0
  /** Under a flood of changes a beat never quite agrees: each asking that did not help makes the next wait longer. */
  private needed = 2

  constructor(private readonly queue: Queue) {}

  /**
   * Takes a beat's mark; `messages` is how many the stream has brought. `ask`: the queue is to be asked for anew.
   * `stalled`: the city has changed, and the stream has brought nothing of it.
   */
  beat(mark: Mark, messages: number): { ask: boolean; stalled: boolean } {
    if (this.queue.agrees(mark)) {
      this.apart = 0
      this.needed = 2
      return { ask: false, stalled: false }
    }
    const silent = this.apart > 0 && messages === this.heard
    this.heard = messages
    this.apart += 1
    const ask = this.apart >= this.needed
    if (ask) {
      this.needed = Math.min(16, this.needed * 2)
      this.apart = 0
    }
    return { ask, stalled: silent }
  }

  /** Whether the last beat differed, and the next should come soon. */
  get differs(): boolean {
    return this.apart > 0
  }
}

/** Seconds as the clocks say them: 0:07, 12:30, 1:02:03. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const two = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const rest = `${Math.floor((seconds % 3600) / 60)}:${two(seconds % 60)}`
  return hours ? `${hours}:${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}` : rest
}

/** NFPA 1225 (2022), section 15.4: 90 % are answered within 10 s, a unit sent within 60 s of that, 90 %. */
export const NFPA_ANSWER_S = 10
export const NFPA_SEND_S = 60
/** NENA-STA-020.1: 90 % are answered within 15 s. */
export const NENA_ANSWER_S = 15

/** How late a clock is: 0 in time, 1 past the first limit, 2 past the second. */
export function late(ms: number, first: number, second: number): 0 | 1 | 2 {
  if (ms >= second * 1000) return 2
  return ms >= first * 1000 ? 1 : 0
}
