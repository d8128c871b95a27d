/// <reference lib="webworker" />
/** What the service worker keeps for when there is no network: pages as they were last, built files for good. */
export const CACHE = 'cityhall-1'
export const OFFLINE = '/offline/'
const BUILT = '/static/cityhall/assets/'

const open = (): Promise<Cache> => caches.open(CACHE)

/** Built files have their content's hash in their name: what is kept is never old. */
export const isBuilt = (path: string): boolean => path.startsWith(BUILT)

/** What is kept; else what the city sends, which is kept then. */
export async function kept(request: Request | string): Promise<Response> {
  const known = await caches.match(request)
  if (known) return known
  const answer = await fetch(request)
  if (answer.ok) await (await open()).put(request, answer.clone())
  return answer
}

/** The page as the city has it now, kept with the script and style that it names; without a network as it was last. */
export async function fresh(event: FetchEvent): Promise<Response> {
  const { pathname } = new URL(event.request.url)
  try {
    const answer = await fetch(event.request)
    if (answer.ok && !answer.redirected) event.waitUntil(keep(pathname, answer.clone()).catch(() => undefined))
    return answer
  } catch {
    return (await caches.match(pathname)) ?? (await caches.match(OFFLINE))!
  }
}

/** Keeps a page. What it is built of comes first: a page that is kept can be shown whole. */
export async function keep(path: string, page: Response): Promise<void> {
  await Promise.all(builtIn(await page.clone().text()).map(kept))
  await (await open()).put(path, page)
}

/** The addresses of built files that a page's text names. */
export function builtIn(page: string): string[] {
  return [...new Set([...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((found) => found[1]!).filter(isBuilt))]
}
