/// <reference lib="webworker" />
/** What is at hand of buses without a network: the list of lines, favourite lines, favourite stops by the timetable. */
import { ALWAYS, PAGES, find, mayKeep, write } from '../../shell/pages'

const LINES = '/transit/lines/'
/** This browser's own list of favourites, and when their pages were asked for. */
const LIST = '/transit/favourites/kept.json'
const MINE = '/api/transit/favourites'
/** A timetable changes seldom, and a day is known a day ahead. */
const OLD_MS = 3 * 3_600_000
const STOP = /^\/transit\/stops\/[^/]+\/$/
const KEPT = /^\/transit\/(lines\/([^/]+\/)?|stops\/[^/]+\/(days\/)?)$/

interface List {
  paths: string[]
  at: number
}

/** Whether something may be kept that a page can be answered with. */
export const isOurs = ({ pathname, search }: URL): boolean => !search && KEPT.test(pathname)

/** What is kept of a favourite's page: a stop by the timetable, since what it said of then is over. */
const keptOf = (path: string): string => (STOP.test(path) ? `${path}days/` : path)

/** What is shown of a page where the city does not answer. */
export async function instead(url: string): Promise<Response | undefined> {
  const { pathname, origin } = new URL(url)
  const path = keptOf(pathname)
  const known = await find(ALWAYS, origin + path)
  return path === pathname ? ((await find(PAGES, url)) ?? known) : known
}

/**
 * Keeps what is wanted and lets go of what is not any more. `paths`: this browser's favourites, else those that it had;
 * `mine`: whoever is signed in has a list in the city too. What is known and not old is not asked for again.
 */
export async function renew(paths?: string[], mine = true): Promise<void> {
  const cache = await caches.open(ALWAYS)
  const before = (await (await cache.match(LIST))?.json().catch(() => undefined)) as List | undefined
  const own = paths ?? before?.paths ?? []
  const theirs = mine ? await listed() : []
  const wanted = [...new Set([LINES, ...own, ...theirs].map(keptOf))]
  const old = Date.now() - (before?.at ?? 0) > OLD_MS
  for (const path of wanted) {
    if (!old && (await cache.match(path))) continue
    const answer = await fetch(path)
    if (mayKeep(new URL(path, location.origin).href, answer)) await write(ALWAYS, new URL(path, location.origin).href, answer)
  }
  for (const { url } of await cache.keys()) {
    const { pathname } = new URL(url)
    if (pathname !== LIST && !wanted.includes(pathname)) await cache.delete(url)
  }
  const list: List = { paths: own, at: old ? Date.now() : (before?.at ?? Date.now()) }
  await cache.put(LIST, new Response(JSON.stringify(list), { headers: { 'Content-Type': 'application/json' } }))
}

/** The same where something is old, or was forgotten with whoever signed out. */
export async function renewOld(): Promise<void> {
  const cache = await caches.open(ALWAYS)
  const before = (await (await cache.match(LIST))?.json().catch(() => undefined)) as List | undefined
  const known = await Promise.all([LINES, ...(before?.paths ?? [])].map((path) => cache.match(keptOf(path))))
  if (!before || Date.now() - before.at > OLD_MS || known.includes(undefined)) await renew()
}

/** The pages of what whoever is signed in keeps in the city. Throws where it cannot be asked. */
async function listed(): Promise<string[]> {
  const answer = await fetch(MINE)
  if (answer.status === 401) return []
  if (!answer.ok) throw new Error(String(answer.status))
  const found = (await answer.json()) as { kind: string; reference: string }[]
  return found.filter(({ kind }) => kind !== 'journey').map(({ kind, reference }) => `/transit/${kind}s/${encodeURIComponent(reference)}/`)
}
