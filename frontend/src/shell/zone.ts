/** Times are the city's, wherever the device thinks it is: 24 hours, in the page's language. */
const HOUR_MS = 3_600_000
const TIME = /(?<!\d)([01]?\d|2[0-3]):[0-5]\d(?!\d)/

/** The city's time zone (IANA), undefined on a page that does not say it: the device's then. */
export const zone = (): string | undefined => document.documentElement.dataset.zone || undefined

/** The page's language. */
export const language = (): string | undefined => document.documentElement.lang || undefined

const CLOCK = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const

/** The time of a moment (ms since 1970) on the city's clocks: "14:02". */
export function clockTime(moment: number, finer: Intl.DateTimeFormatOptions = {}): string {
  return new Intl.DateTimeFormat(language(), { ...CLOCK, ...finer, timeZone: zone() }).format(moment)
}

/** The same with the day where it is not today, as the city counts days. */
export const moment = (at: number): string => said(at, language(), zone(), Date.now())

/** `at` as people say it in a language: "14:02", with the day where that is another than `now`'s. */
export function said(at: number, lang: string | undefined, timeZone: string | undefined, now: number): string {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' })
  const other = day.format(at) !== day.format(now)
  return new Intl.DateTimeFormat(lang, { ...CLOCK, timeZone, ...(other ? { weekday: 'short', day: 'numeric', month: 'short' } : {}) }).format(at)
}

/** How far a zone's clocks are from UTC at a moment, ms. */
export function offset(timeZone: string | undefined, at: number): number {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' }).formatToParts(at)
  const part = (type: string): number => Number(parts.find((one) => one.type === type)!.value)
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute')) - Math.floor(at / 60_000) * 60_000
}

/** "UTC-3", "UTC+5:30". */
export function utc(timeZone: string, at: number): string {
  const away = offset(timeZone, at)
  const hours = Math.floor(Math.abs(away) / HOUR_MS)
  const rest = Math.round((Math.abs(away) % HOUR_MS) / 60_000)
  if (!away) return 'UTC'
  return `UTC${away < 0 ? '−' : '+'}${hours}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`
}

/** Says whose the times are where the device's clock shows others: under the title of a page with times. */
export function sayZone(): void {
  const words = document.querySelector<HTMLMetaElement>('meta[name="city-zone"]')?.content
  const main = document.querySelector<HTMLElement>('main')
  const city = zone()
  if (!words || !main || !city || main.querySelector('.zone-line')) return
  if (offset(city, Date.now()) === offset(undefined, Date.now()) || !TIME.test(main.textContent ?? '')) return
  const line = document.createElement('p')
  line.className = 'help zone-line'
  line.textContent = words.replace('{}', utc(city, Date.now()))
  const title = main.querySelector('h1')
  // A title may be a row itself, in a row with what is done here.
  const after = title?.parentElement?.closest('.row, .empty') ?? title
  if (after) after.after(line)
  else main.prepend(line)
}
