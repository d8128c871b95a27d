/** The page of a stop: its forms are kept and sent by the telephone instead of by the browser. */
import { smaller } from '../../shell/photo'
import { heldWords, unkeptWords } from '../../shell/sending'
import { mayBe, tidy, wakeScan } from './code'
import { keepAndSend, lastRound, say, sayNext, stateOf, type Crew, type Known } from './crew'
import { works, type Line, type What, type Work } from './kept'
import { wakeScales } from './scales'
import { Signature } from './signature'

const MOST_KG = 5000

type Done = Pick<Work, 'what' | 'words' | 'why' | 'weighed' | 'photo' | 'drawn'>

export function wakeStop(crew: Crew, page: HTMLElement): void {
  const forms = [...page.querySelectorAll<HTMLFormElement>('form[data-crew-form]')]
  const weigh = forms.find((form) => form.dataset.crewForm === 'weigh')
  const signature = weigh && wakeWeighing(weigh)
  const scale = weigh && wakeScales(weigh)
  for (const form of forms) {
    const what = form.dataset.crewForm as What
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      void keptFrom(crew, page, form, () => readOf(form, what, signature, scale))
    })
    // A weight is written and entered; all of them are sent by their button.
    form.addEventListener('keydown', (event) => {
      const fields = [...form.querySelectorAll<HTMLInputElement>('input[name^="kg-"]')]
      const at = fields.indexOf(event.target as HTMLInputElement)
      if (event.key !== 'Enter' || at < 0) return
      event.preventDefault()
      ;(fields[at + 1] ?? form.querySelector<HTMLElement>('[name=seen]'))?.focus()
    })
  }
  page.addEventListener('known', (event) => {
    const known = (event as CustomEvent<Known>).detail
    // The page may be one that was kept: what was done since is known here only.
    const shownAt = Number(page.dataset.now) * 1000 - crew.ahead
    const state = stateOf(page.dataset.state!, known, Number(page.dataset.pickup), shownAt)
    page.querySelectorAll<HTMLElement>('[data-in]').forEach((part) => (part.hidden = !part.dataset.in!.split(' ').includes(state)))
  })
}

/** What a form says was done, or what is wrong with it. */
async function readOf(form: HTMLFormElement, what: What, signature?: Signature, scale?: () => string): Promise<Done | string> {
  const words = form.dataset.words ?? ''
  if (what === 'miss') {
    const chosen = form.querySelector<HTMLInputElement>('[name=why]:checked')!
    return { what, why: chosen.value, words: `${words} ${chosen.parentElement!.textContent!.trim()}` }
  }
  if (what !== 'weigh') return { what, words }
  const lines = linesIn(form)
  if (!lines) return form.dataset.badWeight ?? ''
  const value = (name: string): string => (form.elements.namedItem(name) as HTMLInputElement).value.trim()
  const seen = value('seen')
  const drawn = seen === 'signed' ? await signature?.picture() : undefined
  if (seen === 'signed' && !drawn && !value('signature')) return form.dataset.noSignature ?? ''
  if (seen === 'code' && !mayBe(value('code'))) return form.dataset.badCode ?? ''
  const photo = form.querySelector<HTMLInputElement>('[name=photo]')!.files?.[0]
  const grams = lines.reduce((sum, line) => sum + line.grams, 0)
  return {
    what,
    words: words.replace('{}', `${(grams / 1000).toLocaleString(document.documentElement.lang)} kg`),
    weighed: { lines, seen, code: seen === 'code' ? tidy(value('code')) : '', signature: seen === 'signed' ? value('signature') : '', scale: scale?.() ?? '' },
    photo: photo && (await smaller(photo)),
    drawn,
  }
}

/** What a field says, 0 where it is empty; undefined where that is no weight. */
function gramsOf(field: HTMLInputElement): number | undefined {
  const text = field.value.trim().replace(',', '.')
  if (!text) return 0
  return /^\d+(\.\d+)?$/.test(text) && Number(text) <= MOST_KG ? Math.round(Number(text) * 1000) : undefined
}

/** The weights of the form; undefined where one is no weight, or none was written. */
export function linesIn(form: HTMLFormElement): Line[] | undefined {
  const lines: Line[] = []
  for (const field of form.querySelectorAll<HTMLInputElement>('input[name^="kg-"]')) {
    const grams = gramsOf(field)
    if (grams === undefined) return undefined
    const material = field.name.slice(3)
    if (grams) lines.push({ material, grams, quality: form.querySelector<HTMLSelectElement>(`[name="quality-${material}"]`)!.value })
  }
  return lines.length ? lines : undefined
}

/** Reads a form and sends it, once however often its button is pressed meanwhile. */
async function keptFrom(crew: Crew, page: HTMLElement, form: HTMLFormElement, read: () => Promise<Done | string>): Promise<void> {
  const buttons = [...page.querySelectorAll<HTMLButtonElement>('form[data-crew-form] button[type=submit], form[data-crew-form] button:not([type])')]
  if (buttons.some((one) => one.disabled)) return
  buttons.forEach((one) => (one.disabled = true))
  let leaves = false
  try {
    const done = await read()
    if (typeof done === 'string') {
      refuse(page, done)
      wrongWeight(form)?.focus()
    } else leaves = await send(crew, page, form, done)
  } finally {
    buttons.forEach((one) => (one.disabled = leaves))
  }
}

/** The first field whose weight is none; all of them are marked. */
function wrongWeight(form: HTMLFormElement): HTMLInputElement | undefined {
  const fields = [...form.querySelectorAll<HTMLInputElement>('input[name^="kg-"]')]
  const wrong = fields.filter((field) => gramsOf(field) === undefined)
  fields.forEach((field) => field.setAttribute('aria-invalid', String(wrong.includes(field))))
  return wrong[0]
}

/** Whether this page is left for the round. */
async function send(crew: Crew, page: HTMLElement, form: HTMLFormElement, done: Done): Promise<boolean> {
  refuse(page, '')
  const { key, outcome } = await keepAndSend(crew, { ...done, pickup: Number(page.dataset.pickup) })
  if ('refused' in outcome) {
    // All of it is still in the form, where it can be mended.
    await works.forget(key).catch(() => undefined)
    refuse(page, outcome.refused)
    return false
  }
  if ('kept' in outcome && !outcome.kept) {
    refuse(page, unkeptWords(crew.root, outcome.held))
    return false
  }
  const words = 'done' in outcome ? (form.dataset.done ?? '').replace('{}', done.words) : `${done.words}: ${heldWords(crew.root, outcome.held)}`
  if (done.what !== 'weigh' && done.what !== 'miss') {
    say(crew.root, words)
    return false
  }
  // Whoever signs in has it sent then: the round says what still waits.
  if ('done' in outcome || outcome.held?.why !== 'signin') sayNext(words)
  location.assign(lastRound())
  return true
}

function refuse(page: HTMLElement, words: string): void {
  const problem = page.querySelector<HTMLElement>('[data-crew-problem]')!
  problem.querySelector('span')!.textContent = words
  problem.hidden = !words
  if (words) problem.scrollIntoView({ block: 'center' })
}

/** What proves that the resident was there: each has its own fields. */
function wakeWeighing(form: HTMLFormElement): Signature {
  const seen = form.querySelector<HTMLSelectElement>('[name=seen]')!
  const code = form.querySelector<HTMLInputElement>('[name=code]')!
  const show = (): void => form.querySelectorAll<HTMLElement>('[data-seen]').forEach((part) => (part.hidden = part.dataset.seen !== seen.value))
  seen.addEventListener('change', show)
  show()
  wakeScan(form.querySelector('[data-scan]')!, form.querySelector('[data-scan-video]')!, (found) => (code.value = found))
  form.querySelector<HTMLElement>('[data-sign]')!.hidden = false
  return new Signature(form.querySelector('[data-sign] canvas')!, form.querySelector('[data-sign-clear]')!, () => undefined)
}
