/// <reference lib="webworker" />
/**
 * The pages that were seen last, for when there is no network or the city does not answer: each is shown with the time
 * that it is of. A page that somebody saw who was signed in (`City-Reader`, which tells the sessions apart) is gone as
 * soon as the session is another: a device may be shared.
 */
import { CACHE, OFFLINE, PATIENCE_MS, answered, builtIn, isBuilt, keep, kept } from './keeping'
import { said } from './zone'

export const PAGES = 'cityhall-pages-1'
/** What services keep whether it was seen or not. */
export const ALWAYS = 'cityhall-always-1'
/** How the names of caches begin in which services keep pages that are for those who work with them. */
export const OWN = 'cityhall-own-'
export const MOST = 20
export const AT = 'X-Kept-At'
export const READER = 'City-Reader'
/** An account, officers' desks, what is no page for a reader. */
const NEVER = /^\/(accounts|admin|work|api|offline)\/|\/(control|desk|office)\//

const isPage = (answer: Response): boolean => (answer.headers.get('Content-Type') ?? '').startsWith('text/html')

/** Whether a page may lie on a device that others may use. */
export function mayKeep(url: string, answer: Response): boolean {
  const forbidden = /no-store/i.test(answer.headers.get('Cache-Control') ?? '')
  return answer.status === 200 && !answer.redirected && isPage(answer) && !forbidden && !NEVER.test(new URL(url).pathname)
}

/** A page that the reader opens: as the city has it; where there is no answer, or a late one, as it was last seen. */
export async function page(
  event: FetchEvent,
  instead?: (url: string) => Promise<Response | undefined>,
  keeping: (url: string, answer: Response) => Promise<void> = remember,
): Promise<Response> {
  const { url } = event.request
  const asked = fetch(event.request)
  event.waitUntil(asked.then((answer) => keeping(url, answer.clone())).catch(() => undefined))
  const known = (await instead?.(url)) ?? (await find(PAGES, url))
  const answer = await answered(asked, known && PATIENCE_MS)
  if (answer) return answer
  if (known) return asOf(known)
  // Also an answer that says that the city is silent is one.
  return asked.catch(offlinePage)
}

/** What a page's address is kept under: what stands after # is the reader's place in it. */
const bare = (url: string): string => url.split('#')[0]!

export async function find(cache: string, url: string): Promise<Response | undefined> {
  return (await caches.open(cache)).match(bare(url))
}

/** Keeps what was just seen, and lets go of what somebody else saw. Never throws for want of room. */
export async function remember(url: string, answer: Response): Promise<void> {
  if (!answer.ok || !isPage(answer)) return
  await forget(answer.headers.get(READER) ?? '')
  if (!mayKeep(url, answer)) return
  await write(PAGES, url, answer)
  const found = await all(PAGES)
  const cache = await caches.open(PAGES)
  await Promise.all(found.slice(MOST).map(({ request }) => cache.delete(request)))
  await rightLanguage(answer)
}

/** Keeps a page in a cache with when that was. A device that has no room loses the oldest half first, then keeps nothing. */
export async function write(name: string, url: string, answer: Response): Promise<void> {
  const body = await answer.text()
  const headers = new Headers(answer.headers)
  // What was packed on the way is unpacked here.
  for (const one of ['Content-Encoding', 'Content-Length']) headers.delete(one)
  headers.set(AT, String(Date.now()))
  const cache = await caches.open(name)
  const put = async (): Promise<void> => {
    await Promise.all(builtIn(body).map(kept))
    await cache.put(bare(url), new Response(body, { headers }))
  }
  await put().catch(async () => {
    const seen = await all(PAGES)
    const pages = await caches.open(PAGES)
    await Promise.all(seen.slice(Math.ceil(seen.length / 2)).map(({ request }) => pages.delete(request)))
    await put().catch(() => undefined)
  })
}

/** What is kept, the newest first. */
async function all(name: string): Promise<{ request: Request; answer: Response }[]> {
  const cache = await caches.open(name)
  const found = await Promise.all((await cache.keys()).filter(({ url }) => !isBuilt(new URL(url).pathname)).map(async (request) => ({ request, answer: (await cache.match(request))! })))
  const at = (answer: Response): number => Number(answer.headers.get(AT))
  return found.filter(({ answer }) => answer).sort((a, b) => at(b.answer) - at(a.answer))
}

/** Lets go of what was seen in any session but this one ("" for none); forms that are kept at hand are asked for anew. */
export async function forget(reader = ''): Promise<void> {
  const own = (await caches.keys()).filter((name) => name.startsWith(OWN))
  for (const name of [PAGES, ALWAYS, CACHE, ...own]) {
    const cache = await caches.open(name)
    for (const { request, answer } of await all(name)) {
      const whose = answer.headers.get(READER) ?? ''
      if (!whose || whose === reader) continue
      await cache.delete(request)
      if (name !== CACHE) continue
      await fetch(request.url).then((now) => (now.ok ? keep(new URL(request.url).pathname, now) : undefined)).catch(() => undefined)
    }
  }
}

/** The page that says that there is no network is kept in the language that the reader reads. */
async function rightLanguage(seen: Response): Promise<void> {
  const known = await caches.match(OFFLINE)
  const language = seen.headers.get('Content-Language')
  if (!known || !language || known.headers.get('Content-Language') === language) return
  const now = await fetch(OFFLINE)
  if (now.ok) await keep(OFFLINE, now)
}

/** A kept page with a word of when it was seen, in its own language, where its content begins. */
export async function asOf(known: Response): Promise<Response> {
  const text = await known.text()
  const { lang, zone, ahead } = root(text)
  const words = wordsOf((await (await caches.match(OFFLINE))?.text()) ?? '', lang)
  const time = said(Number(known.headers.get(AT)) + ahead, lang, zone, Date.now() + ahead)
  const banner = words ? `<p class="banner banner-warn kept" role="status" data-kept-page><span>${words.replace('{}', () => time)}</span></p>` : ''
  return new Response(text.replace(/<main\b[^>]*>(?:\s*<section class="panel[^>]*>)?/, (start) => start + banner), { headers: known.headers })
}

/** The language, the city's zone and how far a demo's clock is ahead (ms), as a page's first tag says them. */
function root(text: string): { lang: string; zone: string | undefined; ahead: number } {
  const tag = /<html\b[^>]*>/.exec(text)?.[0] ?? ''
  return { lang: /\blang="([\w-]+)"/.exec(tag)?.[1] ?? 'en', zone: /\bdata-zone="([\w/+-]+)"/.exec(tag)?.[1], ahead: Number(/\bdata-ahead="(-?\d+)"/.exec(tag)?.[1] ?? 0) * 1000 }
}

/** The words of the offline page for a kept page in a language; they are escaped there. "" where it has none. */
export function wordsOf(offline: string, lang: string): string {
  return new RegExp(`<p hidden lang="${lang}" data-kept-words="([^"]*)"`).exec(offline)?.[1] ?? ''
}

const ROWS = '<ul class="list" data-kept-rows></ul>'

/** The page that says that there is no network, with the pages that are kept. */
export async function offlinePage(): Promise<Response> {
  const known = (await caches.match(OFFLINE))!
  const text = await known.text()
  const { lang, zone, ahead } = root(text)
  // What is at hand without having been seen, such as a form, has no time.
  const seen = (await Promise.all([PAGES, ALWAYS, CACHE].map(all))).flat().filter(({ request, answer }) => isPage(answer) && new URL(request.url).pathname !== OFFLINE)
  const rows = await Promise.all(
    seen.map(async ({ request, answer }) => {
      const title = /<title>([^<]*)<\/title>/.exec(await answer.text())?.[1] ?? ''
      const { pathname, search } = new URL(request.url)
      const at = Number(answer.headers.get(AT))
      const time = at ? said(at + ahead, lang, zone, Date.now() + ahead) : ''
      const address = (pathname + search).replace(/&/g, '&amp;').replace(/"/g, '&quot;')
      return title && `<li><a class="list-row" href="${address}"><span>${title.replace(/ · [^·]*$/, '')}</span><small>${time}</small></a></li>`
    }),
  )
  const list = [...new Set(rows.filter(Boolean))].join('')
  if (!list) return new Response(text, { headers: known.headers })
  const shown = text.replace('data-kept-none', 'hidden').replace('data-kept-list hidden', 'data-kept-list')
  return new Response(shown.replace(ROWS, () => ROWS.replace('><', () => `>${list}<`)), { headers: known.headers })
}
