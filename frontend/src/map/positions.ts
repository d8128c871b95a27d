import { METRES_A_DEGREE, stretch, type Place, type Shape } from './shapes'

/** Where a vehicle is between two reports: it glides to the newest one instead of jumping, along its line's shape. */
export interface Glide {
  from: Place
  to: Place
  start: number
  span: number
  speed: number
  bearing: number | null
  way?: { shape: Shape; a: number; b: number }
}

export interface Report {
  speed?: number | null | undefined
  bearing?: number | null | undefined
  shapes?: readonly Shape[]
}

export const LONGEST_MS = 8000
/** A vehicle is driven on past its last report for about this long, ever more slowly: it cannot overshoot far. */
export const COAST_S = 2
const JUMP_DEGREES = 0.02

/** A glide from where the vehicle is shown now to where it was reported, over the time between its reports. */
export function glide(shown: Place | undefined, to: Place, now: number, since: number, report: Report = {}): Glide {
  const far = !shown || Math.abs(shown[0] - to[0]) > JUMP_DEGREES || Math.abs(shown[1] - to[1]) > JUMP_DEGREES
  const span = Math.min(Math.max(since, 1), LONGEST_MS)
  const move: Glide = { from: far ? to : shown, to, start: now, span, speed: report.speed ?? 0, bearing: report.bearing ?? null }
  const way = report.shapes?.length ? stretch(report.shapes, move.from, to) : undefined
  // Where it was driven on too far it waits for the report to catch up, and does not go backwards.
  if (way) move.way = way.b < way.a ? { ...way, b: way.a } : way
  return move
}

/** The position at a time. Past the glide's end it coasts on, COAST_S times its speed at most. */
export function at(move: Glide, now: number): Place {
  const gone = (now - move.start) / move.span
  const share = Math.min(1, Math.max(0, gone))
  const after = Math.max(0, now - move.start - move.span) / 1000
  const coast = move.speed * COAST_S * (1 - Math.exp(-after / COAST_S))
  if (move.way) return move.way.shape.at(move.way.a + (move.way.b - move.way.a) * share + coast)
  const place: Place = [
    move.from[0] + (move.to[0] - move.from[0]) * share,
    move.from[1] + (move.to[1] - move.from[1]) * share,
  ]
  if (!coast || move.bearing === null) return place
  const turn = (move.bearing * Math.PI) / 180
  const stretched = METRES_A_DEGREE * Math.cos((place[1] * Math.PI) / 180)
  return [place[0] + (Math.sin(turn) * coast) / stretched, place[1] + (Math.cos(turn) * coast) / METRES_A_DEGREE]
}

/** Whether it still moves so that one would see it. */
export function moving(move: Glide, now: number): boolean {
  return now < move.start + move.span + (move.speed > 0.3 ? 3 * COAST_S * 1000 : 0)
}

/** How much of a vehicle is to be seen, 0 to 1, by the age of its last report in seconds; 0: it is taken away. */
export function presence(age: number): number {
  if (age < 45) return 1
  return age > 300 ? 0 : Math.max(0.25, 1 - (age - 45) / 120)
}
