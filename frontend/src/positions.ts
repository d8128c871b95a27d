/** Where a vehicle is between two reports: it glides to the newest one instead of jumping. */
export interface Glide {
  from: [number, number]
  to: [number, number]
  start: number
  span: number
}

export const LONGEST_MS = 8000
const JUMP_DEGREES = 0.02

/** A glide from where the vehicle is shown now to where it was reported, over the time between its reports. */
export function glide(shown: [number, number] | undefined, to: [number, number], now: number, since: number): Glide {
  const far = !shown || Math.abs(shown[0] - to[0]) > JUMP_DEGREES || Math.abs(shown[1] - to[1]) > JUMP_DEGREES
  return { from: far ? to : shown, to, start: now, span: Math.min(Math.max(since, 1), LONGEST_MS) }
}

/** The position at a time; beyond the glide's end the vehicle waits there. */
export function at(move: Glide, now: number): [number, number] {
  const share = Math.min(1, Math.max(0, (now - move.start) / move.span))
  return [
    move.from[0] + (move.to[0] - move.from[0]) * share,
    move.from[1] + (move.to[1] - move.from[1]) * share,
  ]
}
