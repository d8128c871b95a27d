// What both peers share: reading the questions, timing the answers, saying them as JSON.
import { readFileSync } from 'node:fs'

const WARM_UP = 20

/** Asks every pair of `node peer.mjs GTFS DATE SECOND PAIRS.json`; `load` gives a function (from, to) -> arrival. */
export async function run(load) {
  const [gtfs, date, second, file] = process.argv.slice(2)
  const pairs = JSON.parse(readFileSync(file, 'utf8'))
  const begun = performance.now()
  const ask = await load(gtfs, date, Number(second))
  const loadS = (performance.now() - begun) / 1000
  for (const [from, to] of pairs.slice(0, WARM_UP)) ask(from, to)
  const times = []
  const arrivals = pairs.map(([from, to]) => {
    const start = performance.now()
    const arrival = ask(from, to)
    times.push(performance.now() - start)
    return arrival ?? null
  })
  console.log(JSON.stringify({ load_s: loadS, times_ms: times, arrivals, rss_mb: process.memoryUsage().rss / 2 ** 20 }))
}
