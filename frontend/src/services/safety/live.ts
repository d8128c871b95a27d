/** The screen's connection: the stream, the beats that tell whether all is there, and asking for the queue anew. */
import { Beats, type Change, type Mark, type Queue, type Row } from './model'
import { startTicking } from './ticking'

export type People = Record<string, { name: string; silent: boolean }>

export interface Beat {
  mark: Mark
  /** The city's clock, milliseconds since 1970. */
  now: number
  people: People
  /** Whether this operator's shift goes on; undefined where only the queue was asked for. */
  shift?: boolean
  /** The latest that was handed over to this operator and that they have not confirmed, 0 where there is none. */
  handed?: number
}

export interface Told {
  /** Rows are new or another way; `fresh` are those that were not here, undefined when the queue comes first. */
  changed(fresh: Row[] | undefined): void
  beat(beat: Beat): void
  live(is: boolean): void
  tick(): void
}

export const BEAT_MS = 1500
/** After one that differed. */
const SOON_MS = 1000
const TICK_MS = 500
/** Without an answer for so long the screen is not live: that is seen within 5 s. */
export const SILENT_MS = 3800
const PATIENCE_MS = 4000
const AGAIN_MS = 2000

export class Live {
  private readonly beats: Beats
  private events: EventSource | undefined
  private messages = 0
  private answered = performance.now()
  private asked = -Infinity
  private beating = false
  private loading = false
  private wanted = false
  private stalled = false
  private begun = false

  constructor(
    private readonly at: { queue: string; here: string; live: string; token: string },
    private readonly queue: Queue,
    private readonly on: Told,
  ) {
    this.beats = new Beats(queue)
  }

  start(): void {
    this.listen()
    startTicking(() => this.tick(), TICK_MS)
    addEventListener('offline', () => (this.answered = -Infinity))
    addEventListener('pagehide', () => this.events?.close())
    addEventListener('pageshow', (event) => (event as PageTransitionEvent).persisted && this.listen())
  }

  private listen(): void {
    const events = (this.events = new EventSource(this.at.live))
    // What changed before the stream was open, or was lost, is in the queue.
    events.addEventListener('open', () => void this.load())
    events.addEventListener('reset', () => void this.load())
    events.addEventListener('message', (event) => {
      this.messages += 1
      const fresh = this.queue.take(JSON.parse(event.data as string) as (Row | Change)[])
      if (this.queue.holes) void this.load()
      this.on.changed(fresh)
    })
    events.addEventListener('error', () => {
      // The browser comes back by itself, but not where the answer was a refusal.
      if (events.readyState === EventSource.CLOSED) setTimeout(() => this.listen(), AGAIN_MS)
    })
  }

  private tick(): void {
    const now = performance.now()
    if (now - this.asked >= (this.beats.differs ? SOON_MS : BEAT_MS)) void this.beat()
    this.on.live(this.begun && this.events?.readyState === EventSource.OPEN && now - this.answered < SILENT_MS && !this.stalled)
    this.on.tick()
  }

  private async beat(): Promise<void> {
    if (this.beating) return
    this.beating = true
    this.asked = performance.now()
    try {
      const answer = await fetch(this.at.here, {
        method: 'POST', headers: { 'X-CSRFToken': this.at.token, Accept: 'application/json' }, signal: AbortSignal.timeout(PATIENCE_MS),
      })
      if (!answer.ok) throw new Error(String(answer.status))
      const beat = (await answer.json()) as Beat
      this.answered = performance.now()
      const { ask, stalled } = this.beats.beat(beat.mark, this.messages)
      this.stalled = stalled || (this.stalled && this.beats.differs)
      this.on.beat(beat)
      if (ask) void this.load()
    } catch {
      // That there is no answer is seen by when the last one came.
    } finally {
      this.beating = false
    }
  }

  /** Asks for the whole queue. */
  async load(): Promise<void> {
    this.wanted = true
    if (this.loading) return
    this.loading = true
    while (this.wanted) {
      this.wanted = false
      this.queue.asks()
      try {
        const answer = await fetch(this.at.queue, { cache: 'no-store', headers: { Accept: 'application/json' } })
        if (!answer.ok) throw new Error(String(answer.status))
        const { rows, ...beat } = (await answer.json()) as Beat & { rows: Row[] }
        this.answered = performance.now()
        const fresh = this.queue.replace(rows)
        this.on.beat(beat)
        this.on.changed(this.begun ? fresh : undefined)
        this.begun = true
      } catch {
        // The next beat that differs, or the stream that opens, asks again.
        break
      }
    }
    this.loading = false
  }
}
