/** Sends a report, by way of what the browser keeps; one that can keep nothing sends it at once. */
import { find, forget, put, send, type Held, type Waiting } from './queue'
import { sendWaiting } from './waiting'

/** What became of it. What is held and not `kept` is only in the form. */
export type Outcome = { link: string } | { refused: string } | { held?: Held; kept: boolean }

/** `then` shows what changed among what waits. */
export async function dispatch(one: Waiting, then: () => void): Promise<Outcome> {
  try {
    await put(one)
  } catch {
    // A private window, storage that is switched off or full.
    const result = await send(one)
    if ('link' in result) return { link: result.link }
    return result.refused === undefined ? { held: result.held, kept: false } : { refused: result.refused }
  }
  await sendWaiting(then)
  const mine = await find(one.key)
  if (mine && 'link' in mine) return { link: mine.link }
  if (mine?.refused === undefined) return { held: mine?.held, kept: true }
  await forget(one.key)
  return { refused: mine.refused }
}

/** A name for a report that no other has; where the address is not https, a browser makes none by itself. */
export function newKey(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  // RFC 9562, 5.4.
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return [...bytes].map((byte, at) => ([4, 6, 8, 10].includes(at) ? '-' : '') + byte.toString(16).padStart(2, '0')).join('')
}
