/** The lines' shapes on the client: a bus glides along its street, not across the houses. */
export type Place = [number, number]

export const METRES_A_DEGREE = 111_195
/** A bus farther from a shape than this is not on it, metres. */
const OFF_M = 40

/** A circle on the ground, its radius in metres, as a closed ring of so many corners. */
export function ring(middle: Place, metres: number, corners: number): Place[] {
  const up = metres / METRES_A_DEGREE
  const stretched = up / Math.cos((middle[1] * Math.PI) / 180)
  return Array.from({ length: corners + 1 }, (_none, step): Place => {
    const turn = (step / corners) * 2 * Math.PI
    return [middle[0] + Math.sin(turn) * stretched, middle[1] + Math.cos(turn) * up]
  })
}

export interface OnShape {
  shape: Shape
  along: number
  off: number
}

export class Shape {
  private readonly along: number[] = [0]
  private readonly stretch: number

  constructor(readonly places: Place[]) {
    this.stretch = Math.cos(((places[0]?.[1] ?? 0) * Math.PI) / 180)
    for (let i = 1; i < places.length; i++) this.along.push(this.along[i - 1]! + this.metres(places[i - 1]!, places[i]!))
  }

  get length(): number {
    return this.along[this.along.length - 1]!
  }

  metres(a: Place, b: Place): number {
    return Math.hypot((b[0] - a[0]) * this.stretch, b[1] - a[1]) * METRES_A_DEGREE
  }

  /** Every part of the shape that comes within OFF_M of a place: a loop may come by twice. */
  near(place: Place): OnShape[] {
    const found: OnShape[] = []
    for (let i = 1; i < this.places.length; i++) {
      const [a, b] = [this.places[i - 1]!, this.places[i]!]
      const [x, y] = [(b[0] - a[0]) * this.stretch, b[1] - a[1]]
      const square = x * x + y * y
      const share = square ? Math.min(1, Math.max(0, ((place[0] - a[0]) * this.stretch * x + (place[1] - a[1]) * y) / square)) : 0
      const off = this.metres(place, [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share])
      if (off <= OFF_M) found.push({ shape: this, along: this.along[i - 1]! + share * (this.along[i]! - this.along[i - 1]!), off })
    }
    return found
  }

  at(along: number): Place {
    const wanted = Math.min(this.length, Math.max(0, along))
    let low = 0
    let high = this.along.length - 1
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.along[middle]! <= wanted) low = middle
      else high = middle
    }
    const [a, b] = [this.places[low]!, this.places[high]!]
    const span = this.along[high]! - this.along[low]!
    const share = span ? (wanted - this.along[low]!) / span : 0
    return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share]
  }
}

/** The stretch of a shape that leads from one place to another, forwards and not much longer than the straight way. */
export function stretch(shapes: readonly Shape[], from: Place, to: Place): { shape: Shape; a: number; b: number } | undefined {
  let best: { shape: Shape; a: number; b: number; off: number } | undefined
  for (const shape of shapes) {
    const starts = shape.near(from)
    if (!starts.length) continue
    const straight = shape.metres(from, to)
    for (const end of shape.near(to)) {
      for (const start of starts) {
        const way = end.along - start.along
        const off = start.off + end.off
        if (way < -OFF_M || way > straight * 2 + 60) continue
        if (!best || off < best.off) best = { shape, a: start.along, b: end.along, off }
      }
    }
  }
  return best
}
