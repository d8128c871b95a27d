/// <reference lib="webworker" />
/** What the service worker keeps for when there is no network: pages as they were last, built files for good. */
export const CACHE = 'cityhall-1'
export const OFFLINE = '/offline/'
/** How long the city is waited for where something is kept that can be shown instead. */
export const PATIENCE_MS = 4000
const BUILT = '/static/cityhall/assets/'
/** Answers of what stands before a city that is down (RFC 9110, 15.6.3 and 15.6.5). */
const SILENT = [502, 504]

const open = (): Promise<Cache> => caches.open(CACHE)

/** Built files have their content's hash in their name: what is kept is never old. */
export const isBuilt = (path: string): boolean => path.startsWith(BUILT)

/** What is kept; else what the city sends, which is kept then. A device that is full keeps nothing, and shows it all the same. */
export async function kept(request: Request | string): Promise<Response> {
  const known = await caches.match(request)
  if (known) return known
  const answer = await fetch(request)
  if (answer.ok) await (await open()).put(request, answer.clone()).catch(() => undefined)
  return answer
}

/** What the city answers; undefined where it does not, or not within `patience`, ms. */
export function answered(asked: Promise<Response>, patience?: number): Promise<Response | undefined> {
  const said = asked.then((answer) => (SILENT.includes(answer.status) ? undefined : answer), () => undefined)
  if (patience === undefined) return said
  return Promise.race([said, new Promise<undefined>((done) => void setTimeout(done, patience))])
}

/** The page as the city has it now, kept with the script and style that it names; without an answer as it was last. */
export async function fresh(event: FetchEvent, later: string[] = []): Promise<Response> {
  const { pathname } = new URL(event.request.url)
  const asked = fetch(event.request)
  const written = asked.then(async (answer) => answer.ok && !answer.redirected && keep(pathname, answer.clone(), later))
  event.waitUntil(written.catch(() => undefined))
  const known = await caches.match(pathname)
  return (await answered(asked, known && PATIENCE_MS)) ?? known ?? asked.catch(async () => (await caches.match(OFFLINE))!)
}

/**
 * Keeps a page. What it is built of comes first: a page that is kept can be shown whole. `later` names what of its
 * scripts' later parts belong to it ("filing" for filing-1a2b3c4d.js).
 */
export async function keep(path: string, page: Response, later: string[] = []): Promise<void> {
  await keepParts(page.clone(), later)
  await (await open()).put(path, page)
}

/** Keeps what a page is built of, and not the page. */
export async function keepParts(page: Response, later: string[]): Promise<void> {
  await keepBuilt(builtIn(await page.text()), later)
}

async function keepBuilt(addresses: string[], later: string[], seen = new Set<string>()): Promise<void> {
  const unseen = addresses.filter((address) => !seen.has(address))
  unseen.forEach((address) => seen.add(address))
  const read = unseen.map(async (address) => {
    const answer = await kept(address)
    return address.endsWith('.js') && answer.ok ? namedIn(await answer.clone().text(), later) : []
  })
  const more = (await Promise.all(read)).flat()
  if (more.length) await keepBuilt(more, later, seen)
}

/** The addresses of built files that a page's text names. */
export function builtIn(page: string): string[] {
  return [...new Set([...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((found) => found[1]!).filter(isBuilt))]
}

/** The addresses of what a built script imports at once, and of its later parts those that `later` names. */
export function namedIn(script: string, later: string[]): string[] {
  const atOnce = [...script.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)]
  const afterwards = [...script.matchAll(/import\(\s*["'`]\.\/([\w.-]+\.js)["'`]\s*\)/g)].filter(([, name]) => later.some((one) => name!.startsWith(`${one}-`)))
  return [...new Set([...atOnce, ...afterwards].map(([, name]) => BUILT + name))]
}
