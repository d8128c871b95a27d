/** The page of a call: how far it is, what is written, “I am safe”, and the voice. */
import { listen } from '../../shell/listening'
import { startHold } from './hold'
import { watchPlace } from './place'
import { Sender, find } from './sending'
import { Speaking, nowOf } from './speak'
import { submit } from './submit'
import { Outbox, forgetMessages, poster, showOutbox } from './talk'

const AGAIN_MS = 2000

export function startCall(root: HTMLElement): void {
  if (root.dataset.awake) return
  root.dataset.awake = '1'
  const token = root.querySelector<HTMLInputElement>('[name=csrfmiddlewaretoken]')?.value ?? ''
  const outbox = wakeWriting(root)
  const voice = root.querySelector<HTMLElement>('[data-voice]')
  const speaking = voice && new Speaking(voice, token)
  const look = (): void => {
    sayStage(root)
    outbox?.shown(new Set([...root.querySelectorAll<HTMLElement>('[data-key]')].map((one) => one.dataset.key!)))
    speaking?.sync(nowOf(root.querySelector<HTMLElement>('[data-voice-now]')))
  }
  look()
  root.addEventListener('htmx:afterSwap', look)
  root.querySelectorAll<HTMLFormElement>('[data-safe]').forEach(wakeSafe)
  // The city says that something is another way; the part that shows it then asks at once.
  const part = root.querySelector<HTMLElement>('[data-refresh]')
  if (root.dataset.live && part) listen(part, `/live/${root.dataset.live}`, AGAIN_MS)
  tellPlace()
}

/** What is written goes by the outbox; a quick reply leaves what is half written where it is. */
function wakeWriting(root: HTMLElement): Outbox | undefined {
  const form = root.querySelector<HTMLFormElement>('[data-write]')
  const list = root.querySelector<HTMLElement>('[data-outbox]')
  if (!form || !list) {
    forgetMessages()
    return undefined
  }
  const outbox = new Outbox(location.pathname, poster(root.dataset.lines!), (messages) => showOutbox(list, messages))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const pressed = event.submitter as HTMLButtonElement | null
    if (pressed?.name === 'phrase') return outbox.say(pressed.textContent!.trim(), pressed.value)
    const field = form.querySelector('textarea')!
    if (!field.value.trim()) return
    outbox.say(field.value.trim())
    field.value = ''
  })
  return outbox
}

/** The stage is read out when it is another one, and nothing else of what is put in anew. */
function sayStage(root: HTMLElement): void {
  const words = root.querySelector('[data-stage]')?.textContent ?? ''
  const said = root.querySelector('[data-stage-said]')
  if (said && said.textContent !== words) said.textContent = words
}

/** Held it is meant; tapped, somebody may have forced them. Whoever looks on sees the same. */
function wakeSafe(form: HTMLFormElement): void {
  const button = form.querySelector('button')!
  const held = form.querySelector<HTMLInputElement>('[name=held]')!
  const send = (meant: boolean): void => {
    held.value = meant ? '1' : ''
    void submit(form).then((sent) => (form.hidden = sent))
  }
  startHold(button, { held: () => send(true), short: () => send(false), click: () => send(false) }, true)
}

/** So long the telephone keeps what it called, for its place to be told. */
const KEEPS_MS = 120_000

/** The place that came after the call was received, or that nobody has been asked for yet. */
function tellPlace(): void {
  const press = find()
  if (!press || press.link !== location.pathname) return
  const sender = new Sender((now) => now.told && sender.forget())
  const place = watchPlace((point) => sender.press && sender.where(point), (now) => (now === 'denied' || now === 'none') && sender.forget())
  if (press.point && !press.told) void sender.go()
  place.ask()
  setTimeout(() => sender.forget(), KEEPS_MS)
}
