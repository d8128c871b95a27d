/**
 * A call for help on its way from this telephone to the city, and how far it is: *queued* here, *sent* and not
 * answered yet, or *received*, which only the city's own answer says. It is kept until then, and sent again and again
 * by its key, under which the city files one call however often it comes.
 */
export interface Press {
  key: string
  /** Milliseconds since 1970. */
  at: number
  /** What is it, which vehicle, and whatever else the page knows. */
  fields: Record<string, string>
  point?: Point
  /** The point was in what the city has answered. */
  told?: boolean
  state: 'queued' | 'sent' | 'received'
  /** Why it waits: no network, or a city that cannot take it now. */
  why?: 'network' | 'busy'
  tries: number
  link?: string
}

export interface Point {
  lon: number
  lat: number
  /** Metres. */
  accuracy: number
}

export type Answer = { link: string } | { why: 'network' | 'busy'; until?: number }
export type Post = (press: Press) => Promise<Answer>

export const ADDRESS = '/api/safety/presses'
/** What is older is not sent without a question: whoever called is somewhere else by now. */
export const OLD_MS = 3_600_000
const NAME = 'safety-press'
/** A connection that has said nothing for so long is dead. */
const PATIENCE_MS = 10_000
const WAITS_MS = [1000, 2000, 4000, 8000, 15_000]
/** However long the city asks to wait, it is tried at least once a minute. */
const LONGEST_MS = 60_000
const BETTER = 0.5

/** 128 bits, as 32 hexadecimal digits. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

let unkept: Press | undefined

/** The call that this telephone keeps. A browser that keeps nothing knows it for as long as the page is open. */
export function find(): Press | undefined {
  try {
    const found = JSON.parse(localStorage.getItem(NAME) ?? 'null') as Press | null
    return found && typeof found.key === 'string' ? found : undefined
  } catch {
    return unkept
  }
}

/** Keeps it; gives whether it will be there after the page is closed. */
export function keep(press: Press | undefined): boolean {
  unkept = press
  try {
    if (press) localStorage.setItem(NAME, JSON.stringify(press))
    else localStorage.removeItem(NAME)
    return true
  } catch {
    return false
  }
}

/** Sends it once. Never throws: what hinders it is what it gives. */
export async function post(press: Press): Promise<Answer> {
  const body = JSON.stringify({ key: press.key, ...press.fields, ...press.point })
  let answer: Response
  let told: { link?: string }
  try {
    answer = await fetch(ADDRESS, {
      method: 'POST', body, headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, signal: AbortSignal.timeout(PATIENCE_MS),
    })
    told = (await answer.json().catch(() => ({}))) as { link?: string }
  } catch {
    return { why: 'network' }
  }
  // What stands between here and the city may answer too: only the city gives a link.
  if (answer.ok && told.link) return { link: told.link }
  const after = Number(answer.headers.get('Retry-After') ?? '')
  return { why: 'busy', until: after > 0 ? Date.now() + after * 1000 : undefined }
}

/** Sends the one call of this telephone until it is received. `show` is told of every change. */
export class Sender {
  press: Press | undefined
  private timer = 0
  private busy = false

  constructor(
    private readonly show: (press: Press) => void,
    private readonly send: Post = post,
  ) {
    this.press = find()
    addEventListener('online', () => void this.go())
    // A telephone that slept has stopped its timers.
    document.addEventListener('visibilitychange', () => document.hidden || this.press?.state === 'sent' || void this.go())
  }

  /** Somebody calls for help; one who calls again while it is not received has it sent again at once. */
  call(fields: Record<string, string>, point?: Point): void {
    if (!this.press || this.press.state === 'received') {
      this.press = { key: newKey(), at: Date.now(), fields, point, state: 'queued', tries: 0 }
    }
    this.change({})
    void this.go()
  }

  /** Where the caller is, whenever that is known: told at once, and again where it is known much better. */
  where(point: Point): void {
    if (!this.press || (this.press.point && point.accuracy > this.press.point.accuracy * BETTER)) return
    this.change({ point, told: false })
    void this.go()
  }

  /** Sends what is not received, or not known with its place; comes back to it by itself. */
  async go(): Promise<void> {
    if (this.busy || !this.press || (this.press.state === 'received' && !this.wantsToTell())) return
    this.busy = true
    clearTimeout(this.timer)
    const received = this.press.state === 'received'
    const point = this.press.point
    if (!received) this.change({ state: 'sent' })
    const answer = await this.send(this.press)
    this.busy = false
    if ('link' in answer) {
      this.change({ state: 'received', why: undefined, link: answer.link, told: point !== undefined && point === this.press.point })
      // Its place has come meanwhile.
      if (this.wantsToTell()) void this.go()
      return
    }
    const tries = this.press.tries + 1
    this.change(received ? { tries } : { state: 'queued', why: answer.why, tries })
    this.timer = window.setTimeout(() => void this.go(), wait(tries, answer.until))
  }

  forget(): void {
    clearTimeout(this.timer)
    this.press = undefined
    keep(undefined)
  }

  private wantsToTell(): boolean {
    return this.press?.point !== undefined && !this.press.told
  }

  private change(what: Partial<Press>): void {
    Object.assign(this.press!, what)
    keep(this.press)
    this.show(this.press!)
  }
}

/** How long until it is tried again: longer each time, and never longer than a minute. */
export function wait(tries: number, until?: number): number {
  const own = WAITS_MS[Math.min(tries, WAITS_MS.length) - 1] ?? WAITS_MS[0]!
  return Math.min(LONGEST_MS, until === undefined ? own : Math.max(own, until - Date.now()))
}
