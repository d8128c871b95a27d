/** Reports that wait, as an open page sends them and tells of them. */
import { moment } from '../../shell/zone'
import { flush, type Held } from './queue'

const AGAIN_MS = 60_000
/** What a browser's timer holds. */
const LONGEST_MS = 2 ** 31 - 1
let timer = 0

/** Sends what waits; while the page is open it comes back to what could not be sent. `then` shows what changed. */
export async function sendWaiting(then: () => void): Promise<void> {
  const { held } = await flush()
  clearTimeout(timer)
  if (held) timer = window.setTimeout(() => void sendWaiting(then), wait(held))
  then()
}

const wait = (held: Held): number => Math.min(LONGEST_MS, held.until ? Math.max(0, held.until - Date.now()) + 1000 : AGAIN_MS)

/** Why a report could not be sent, where the browser cannot keep it either (`data-unkept-network`, …). */
export function unkeptWords(root: HTMLElement, held?: Held): string {
  return (held?.why === 'network' || !held ? root.dataset.unkeptNetwork : root.dataset.unkeptBusy) ?? ''
}

/** Why a report waits, and when it is tried again: in the words that `root` has for it (`data-network`, …). */
export function heldWords(root: HTMLElement, held?: Held): string {
  const words = { network: root.dataset.network, busy: root.dataset.busy, many: root.dataset.many }[held?.why ?? 'network'] ?? ''
  if (!held?.until) return words
  return `${words} ${(root.dataset.again ?? '{}').replace('{}', moment(held.until))}`
}
