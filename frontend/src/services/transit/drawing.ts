/** Texts of one thing a line, as officers type them: points ("lon, lat" and a name where there is one), ids of stops. */
export interface Place {
  place: [number, number]
  name: string
}

const lines = (text: string): string[] => text.split('\n').map((line) => line.trim()).filter(Boolean)

/** The points of a text; what is none is left out, as the server will say. */
export function pointsOf(text: string): Place[] {
  return lines(text).flatMap((line) => {
    const [lon, lat, ...name] = line.split(',')
    const place: [number, number] = [Number(lon), Number(lat)]
    const good = lon?.trim() && lat?.trim() && place.every(Number.isFinite)
    return good ? [{ place, name: name.join(',').trim() }] : []
  })
}

/** The text with a point more. */
export function lineOf(text: string, lon: number, lat: number): string {
  return [...lines(text), `${lon.toFixed(6)}, ${lat.toFixed(6)}`].join('\n')
}

/** The text without its last line. */
export function without(text: string): string {
  return lines(text).slice(0, -1).join('\n')
}

/** The text with an id more, or without it where it was there. */
export function toggled(text: string, id: string): string {
  const known = lines(text)
  return (known.includes(id) ? known.filter((one) => one !== id) : [...known, id]).join('\n')
}

/** The way that a bus drives between two places, the first left out; straight where the city knows no street. */
export async function wayBetween(from: [number, number], to: [number, number]): Promise<[number, number][]> {
  const asked = { from_lon: from[0], from_lat: from[1], to_lon: to[0], to_lat: to[1] }
  const query = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, value.toFixed(6)]))
  try {
    const answer = await fetch(`/api/transit/streets/way?${query}`)
    const { points, along } = (await answer.json()) as { points: [number, number][]; along: boolean }
    return answer.ok && along ? points.slice(1) : [to]
  } catch {
    return [to]
  }
}

/** The text with the points of a way more. */
export const withWay = (text: string, way: [number, number][]): string => way.reduce((so, [lon, lat]) => lineOf(so, lon, lat), text)
