/** What waits in a queue (queue.ts), as an open page sends it and tells of it. */
import type { Done, Held, Item, Queue, Result } from './queue'
import { moment } from './zone'

const AGAIN_MS = 60_000
/** What a browser's timer holds. */
const LONGEST_MS = 2 ** 31 - 1

/** What became of an item. What is held and not `kept` is only in the form. */
export type Outcome<D extends Done> = { done: D } | { refused: string } | { held?: Held; kept: boolean }

export class Sending<W extends Item, D extends Done> {
  private timer = 0
  /** The keys of what is on its way to the city just now. */
  readonly going = new Set<string>()

  /** `tag` wakes the service worker once there is a network; `then` shows what changed; what is not `mine` is not sent from here. */
  constructor(
    readonly queue: Queue<W, D>,
    private readonly tag: string,
    private readonly then: () => void,
    private readonly mine: (one: W) => boolean = () => true,
  ) {}

  /** Sends what waits, and says what holds it up; while the page is open it comes back to what could not be sent. */
  async go(): Promise<Held | undefined> {
    const { held } = await this.queue.flush((one) => {
      this.going.clear()
      if (!this.mine(one)) return false
      this.going.add(one.key)
      this.then()
      return true
    })
    this.going.clear()
    clearTimeout(this.timer)
    // Whoever has to sign in does it on another page, which begins anew.
    if (held && held.why !== 'signin') this.timer = window.setTimeout(() => void this.go(), wait(held))
    this.then()
    return held
  }

  /**
   * Sends an item by way of what the browser keeps; one that can keep nothing sends it at once. What is kept is waited
   * for no longer than `patience` ms: then it is only known to be kept.
   */
  async dispatch(one: W, patience = LONGEST_MS): Promise<Outcome<D>> {
    try {
      await this.queue.put(one)
    } catch {
      // A private window, storage that is switched off or full.
      const result: Result<D> = await this.queue.send(one)
      return 'held' in result ? { held: result.held, kept: false } : result
    }
    // At once: this page may be gone before the answer is there.
    void this.later()
    let late = 0
    const gone = new Promise<Outcome<D>>((after) => (late = window.setTimeout(() => after({ kept: true }), patience)))
    try {
      return await Promise.race([this.outcome(one), gone])
    } finally {
      clearTimeout(late)
    }
  }

  private async outcome(one: W): Promise<Outcome<D>> {
    const held = await this.go()
    const mine = await this.queue.find(one.key)
    if (mine && 'sent' in mine) return { done: mine.sent }
    if (mine?.waits.refused !== undefined) return { refused: mine.waits.refused }
    return { held: mine?.waits.held ?? held, kept: true }
  }

  /** Has the browser wake the service worker once there is a network; where it cannot, an open page does it. */
  private async later(): Promise<void> {
    try {
      const worker = (await navigator.serviceWorker.getRegistration()) as ServiceWorkerRegistration & {
        sync?: { register(tag: string): Promise<void> }
      }
      await worker.sync?.register(this.tag)
    } catch {
      // Background sync is not everywhere, nor always allowed.
    }
  }
}

const wait = (held: Held): number => Math.min(LONGEST_MS, held.until ? Math.max(0, held.until - Date.now()) + 1000 : AGAIN_MS)

/** Why an item could not be sent, where the browser cannot keep it either (`data-unkept-network`, …). */
export function unkeptWords(root: HTMLElement, held?: Held): string {
  return (held?.why === 'network' || !held ? root.dataset.unkeptNetwork : root.dataset.unkeptBusy) ?? ''
}

/** Why an item waits, and when it is tried again: in the words that `root` has for it (`data-network`, …). */
export function heldWords(root: HTMLElement, held?: Held): string {
  const { network, busy, many, signin } = root.dataset
  const words = { network, busy, many, signin }[held?.why ?? 'network'] ?? ''
  if (!held?.until) return words
  return `${words} ${(root.dataset.again ?? '{}').replace('{}', moment(held.until))}`
}
