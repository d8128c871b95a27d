import { GtfsParser } from 'minotor/parser'
import { Query, Router, Time } from 'minotor'
import { run } from './asked.mjs'

await run(async (gtfs, date, second) => {
  const { timetable, stopsIndex } = await new GtfsParser(gtfs).parse(new Date(`${date}T12:00:00Z`))
  const router = new Router(timetable, stopsIndex)
  const departure = Time.fromHMS(Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60)
  return (from, to) => {
    const query = new Query.Builder().from(from).to(to).departureTime(departure).maxTransfers(5).build()
    return router.route(query).arrivalAt(to)?.time.toSeconds()
  }
})
