import { createReadStream } from 'node:fs'
import raptor from 'raptor-journey-planner'
import { run } from './asked.mjs'

const { loadGTFS, RaptorAlgorithmFactory, DepartAfterQuery, JourneyFactory } = raptor

/** The feed as its reader wants it. With Node 20 that reader sees the last row but never the end: this tells it. */
function opened(gtfs) {
  return {
    pipe(reader) {
      createReadStream(gtfs).pipe(reader)
      reader.once('finish', () => reader.emit('end'))
      return reader
    },
  }
}

await run(async (gtfs, date, second) => {
  const [trips, transfers, interchange] = await loadGTFS(opened(gtfs))
  const day = () => new Date(`${date}T12:00:00Z`)
  // One day only: the others search for what is left of this one, too.
  const query = new DepartAfterQuery(RaptorAlgorithmFactory.create(trips, transfers, interchange, day()), new JourneyFactory(), 1)
  return (from, to) => {
    const arrivals = query.plan(from, to, day(), second).map(({ legs, arrivalTime }) =>
      legs.some((leg) => leg.stopTimes) ? arrivalTime : second + legs.reduce((sum, leg) => sum + leg.duration, 0))
    return arrivals.length ? Math.min(...arrivals) : undefined
  }
})
