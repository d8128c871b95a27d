import { describe, expect, it } from 'vitest'
import { Beats, Queue, clock, late, type Row } from './model'

function row(id: number, what: Partial<Row> = {}): Row {
  return {
    id, version: 0, state: 'waiting', kind: 'panic', door: 'pole', priority: 1, place: `Pole ${id}`, lon: null, lat: null,
    received: 1000 * id, waits: 1000 * id, answered: null, sent: null, there: null, presses: 1, pressed: 1000 * id, doubtful: false,
    level: 0, owner: null, cancelled: false, duress: false, exercise: false, part_of: null, ...what,
  }
}

/** A generator whose numbers are the same in every run (Park and Miller 1988). */
function random(seed: number): (most: number) => number {
  let state = seed
  return (most) => (state = (state * 48271) % 2147483647) % most
}

const ids = (rows: Row[]): number[] => rows.map((one) => one.id)
const nobody = (): boolean => false

describe('the queue', () => {
  it('has what waits by priority, then the longest waiting first, and never a new one before', () => {
    const queue = new Queue()
    queue.take([row(5), row(2), row(9, { priority: 0 }), row(3)])
    queue.take([row(7, { received: 2000 })])
    expect(ids(queue.ordered(1, nobody).waiting)).toEqual([9, 2, 7, 3, 5])
    queue.take(Array.from({ length: 5000 }, (_, at) => row(100 + at)))
    expect(ids(queue.ordered(1, nobody).waiting).slice(0, 5)).toEqual([9, 2, 7, 3, 5])
  })
  it('puts what a silent colleague has among what waits, and apart what I have', () => {
    const queue = new Queue()
    queue.take([row(1, { state: 'answered', owner: 7 }), row(2, { state: 'sent', owner: 8 }), row(3), row(4, { state: 'there', owner: 9 })])
    const parts = queue.ordered(7, (owner) => owner === 8)
    expect([ids(parts.mine), ids(parts.waiting), ids(parts.others)]).toEqual([[1], [2, 3], [4]])
  })
  it('takes the later of two, in whichever order they come, and does not open again what is closed', () => {
    const queue = new Queue()
    expect(ids(queue.take([row(1, { version: 2, level: 2 }), row(1, { version: 1, level: 1 })]))).toEqual([1])
    expect(queue.rows.get(1)!.level).toBe(2)
    queue.take([row(1, { version: 3, state: 'closed' })])
    queue.take([row(1, { version: 2 })])
    expect(queue.rows.size).toBe(0)
    expect(ids(queue.take([row(1, { version: 4 })]))).toEqual([1])
  })
  it('knows that something is missing where a change comes for a row that is not here, or after one that was lost', () => {
    const queue = new Queue()
    queue.take([row(1), { id: 1, version: 1, presses: 2, pressed: 5 }])
    expect([queue.rows.get(1)!.presses, queue.holes]).toEqual([2, false])
    queue.take([{ id: 1, version: 3, presses: 4, pressed: 6 }])
    expect(queue.holes).toBe(true)
    queue.replace([row(1, { version: 3 })])
    expect(queue.holes).toBe(false)
    queue.take([{ id: 2, version: 1, presses: 2, pressed: 5 }])
    expect(queue.holes).toBe(true)
  })
  it('keeps what the stream tells while the whole queue is on its way', () => {
    const queue = new Queue()
    queue.take([row(1), row(2)])
    queue.asks()
    queue.take([row(3), row(2, { version: 4, state: 'closed' }), row(1, { version: 2, level: 1 })])
    const fresh = queue.replace([row(1, { version: 1 }), row(2, { version: 3 }), row(8)])
    expect([...queue.rows.keys()].sort()).toEqual([1, 3, 8])
    expect(queue.rows.get(1)!.level).toBe(1)
    expect(ids(fresh)).toEqual([8])
  })
  it('heals to exactly what the database has, whatever the stream loses, doubles and turns round', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const next = random(seed * 7919)
      const database = new Map<number, Row>()
      const queue = new Queue()
      const beats = new Beats(queue)
      const late: Row[] = []
      let messages = 0
      const open = (): Row[] => [...database.values()].filter((one) => one.state !== 'closed')
      const mark = (): [number, number, number] => [open().length, open().reduce((sum, one) => sum + one.version, 0), open().reduce((sum, one) => sum + one.id, 0)]
      for (let step = 0; step < 120; step++) {
        const id = 1 + next(25)
        const known = database.get(id)
        const state = known ? ['waiting', 'answered', 'sent', 'closed'][next(4)]! : 'waiting'
        database.set(id, { ...row(id), version: (known?.version ?? -1) + 1, state })
        const told = { ...database.get(id)! }
        const fate = next(5)
        if (fate === 0) continue
        if (fate === 1) late.push(told)
        else (queue.take(fate === 2 ? [told, { ...told }] : [told]), (messages += 1))
        if (late.length > 3) (queue.take(late.splice(0).reverse()), (messages += 1))
      }
      for (let beat = 0; beat < 3 && !queue.agrees(mark()); beat++) {
        if (!beats.beat(mark(), messages).ask) continue
        queue.asks()
        queue.replace(open().map((one) => ({ ...one })))
      }
      expect([...queue.rows.values()].sort((a, b) => a.id - b.id), `seed ${seed}`).toEqual(open().sort((a, b) => a.id - b.id))
    }
  })
})

describe('the beats', () => {
  it('ask for the queue anew at the second that differs, not at the first', () => {
    const queue = new Queue()
    queue.take([row(1)])
    const beats = new Beats(queue)
    expect(beats.beat([1, 0, 1], 1)).toEqual({ ask: false, stalled: false })
    expect(beats.beat([2, 0, 3], 1)).toEqual({ ask: false, stalled: false })
    expect(beats.differs).toBe(true)
    expect(beats.beat([2, 0, 3], 1)).toEqual({ ask: true, stalled: true })
  })
  it('do not call a stream stalled that brings something, and ask less often under a flood', () => {
    const beats = new Beats(new Queue())
    const asked = Array.from({ length: 40 }, (_, at) => beats.beat([at + 1, 0, 0], at))
    expect(asked.some((one) => one.stalled)).toBe(false)
    expect(asked.filter((one) => one.ask).length).toBeLessThanOrEqual(5)
  })
})

it('clocks are read as minutes and seconds, and say when a line is passed', () => {
  expect([-5, 999, 7000, 65_000, 3_723_000].map(clock)).toEqual(['0:00', '0:00', '0:07', '1:05', '1:02:03'])
  expect([9_999, 10_000, 14_999, 15_000].map((ms) => late(ms, 10, 15))).toEqual([0, 1, 1, 2])
  expect(late(60_000, 60, 60)).toBe(2)
})
