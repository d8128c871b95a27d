/**
 * What a caller writes to the desk, on its way: *queued* here, *sent* and not answered yet, or *received*, which only
 * the city's own answer says. It is kept until then, in order, and sent again by its key, under which the city files
 * one line however often it comes.
 */
import { newKey, wait } from './sending'

export interface Message {
  key: string
  text: string
  /** The name of a quick reply, whose words `text` has; "" for what was written. */
  phrase: string
  state: 'queued' | 'sent' | 'received' | 'refused'
  /** Why the city does not take it, in its words. */
  said?: string
}

export type Receipt = 'received' | 'again' | { refused: string }
export type Post = (message: Message) => Promise<Receipt>

const NAME = 'safety-said'
const PATIENCE_MS = 10_000

/** Sends one to `address`. Never throws: what hinders it is what it gives. */
export function poster(address: string): Post {
  return async ({ key, text, phrase }) => {
    const body = JSON.stringify({ key, phrase, text: phrase ? '' : text })
    try {
      const answer = await fetch(address, {
        method: 'POST', body, headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, signal: AbortSignal.timeout(PATIENCE_MS),
      })
      const told = (await answer.json().catch(() => ({}))) as { line?: number; message?: string; mend?: string }
      // What stands between here and the city may answer too: only the city gives a line.
      if (answer.ok && told.line) return 'received'
      const final = [404, 409, 422].includes(answer.status) && told.message
      return final ? { refused: `${told.message} ${told.mend ?? ''}`.trim() } : 'again'
    } catch {
      return 'again'
    }
  }
}

/** The messages of one call, kept on this telephone until the city has them. */
export class Outbox {
  messages: Message[]
  private busy = false
  private timer = 0
  private tries = 0

  constructor(
    private readonly call: string,
    private readonly post: Post,
    private readonly show: (messages: readonly Message[]) => void,
  ) {
    this.messages = this.found() ?? []
    addEventListener('online', () => void this.go())
    document.addEventListener('visibilitychange', () => document.hidden || void this.go())
    this.show(this.messages)
    void this.go()
  }

  say(text: string, phrase = ''): void {
    this.messages.push({ key: newKey(), text, phrase, state: 'queued' })
    this.changed()
    void this.go()
  }

  /** The page shows these as the city has them. */
  shown(keys: ReadonlySet<string>): void {
    const left = this.messages.filter((one) => !keys.has(one.key))
    if (left.length === this.messages.length) return
    this.messages = left
    this.changed()
  }

  /** One after the other: they arrive in the order in which they were written. */
  private async go(): Promise<void> {
    if (this.busy) return
    this.busy = true
    clearTimeout(this.timer)
    for (let next = this.next(); next; next = this.next()) {
      next.state = 'sent'
      this.changed()
      const receipt = await this.post(next)
      if (receipt === 'again') {
        next.state = 'queued'
        this.tries += 1
        this.timer = window.setTimeout(() => void this.go(), wait(this.tries))
        break
      }
      this.tries = 0
      next.state = receipt === 'received' ? 'received' : 'refused'
      if (receipt !== 'received') next.said = receipt.refused
      this.changed()
    }
    this.busy = false
    this.changed()
  }

  private next(): Message | undefined {
    return this.messages.find((one) => one.state === 'queued' || one.state === 'sent')
  }

  /** What is kept of this call; undefined where nothing is. */
  private found(): Message[] | undefined {
    try {
      const kept = JSON.parse(localStorage.getItem(NAME) ?? 'null') as { call: string; messages: Message[] } | null
      return kept?.call === this.call ? kept.messages : undefined
    } catch {
      return undefined
    }
  }

  private changed(): void {
    // What the city has, or never takes, need not lie on a telephone that others may look at.
    const left = this.messages.filter((one) => one.state === 'queued' || one.state === 'sent')
    try {
      if (left.length) localStorage.setItem(NAME, JSON.stringify({ call: this.call, messages: left }))
      else if (this.found()) localStorage.removeItem(NAME)
    } catch {
      // It is kept for as long as the page is open.
    }
    this.show(this.messages)
  }
}

/** What no page sends any more need not lie on a telephone either. */
export function forgetMessages(): void {
  try {
    localStorage.removeItem(NAME)
  } catch {
    // Nothing is kept.
  }
}

/** Shows what is on its way below what was written. */
export function showOutbox(root: HTMLElement, messages: readonly Message[]): void {
  const template = root.querySelector('template')!.content.firstElementChild!
  root.querySelectorAll('li').forEach((one) => one.remove())
  for (const message of messages) {
    const item = template.cloneNode(true) as HTMLElement
    item.querySelector('[data-text]')!.textContent = message.text
    item.dataset.state = message.state
    item.querySelector('[data-state]')!.textContent = `${root.dataset[message.state] ?? ''} ${message.said ?? ''}`.trim()
    root.append(item)
  }
  root.hidden = messages.length === 0
}
