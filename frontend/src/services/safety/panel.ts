/** The alert that is being worked on, beside the queue: its page's part, whose forms are sent without leaving the desk. */
import { startCameras } from './cameras'
import type { Row } from './model'

const PATIENCE_MS = 10_000
/** What changes is asked for anew at most so often: that somebody looked is in the journal each time. */
const AGAIN_MS = 2000
/** A translation may take its time: what it is of is there already. */
const TRANSLATES_MS = 60_000

interface On {
  /** What is to be read at once: a refusal; "" takes it away. */
  said(text: string): void
  changed(row: Row): void
  closed(): void
  /** What caller and desk have written was put in anew. */
  talked(id: number, part: HTMLElement): void
}

export class Panel {
  /** The alert that it shows. */
  shows: number | undefined
  private version: number | undefined
  private timer = 0
  private asked = 0
  /** How often it was closed. */
  private shut = 0
  private talks = 0
  private unread = false

  constructor(
    private readonly root: HTMLElement,
    private readonly address: string,
    private readonly token: string,
    private readonly on: On,
  ) {
    root.addEventListener('submit', (event) => {
      event.preventDefault()
      const form = event.target as HTMLFormElement
      const action = event.submitter?.getAttribute('formaction') ?? form.getAttribute('action')!
      if (this.shows === undefined) return
      const body = new FormData(form)
      const pressed = event.submitter as HTMLButtonElement | null
      if (pressed?.name) body.append(pressed.name, pressed.value)
      if (action.endsWith('/reply/')) void this.reply(this.shows, action, body, form)
      else void this.send(this.shows, action, body, true)
    })
    document.addEventListener('visibilitychange', () => this.unread && void this.talk())
    root.querySelector('[data-close-panel]')!.addEventListener('click', () => this.close())
  }

  private get body(): HTMLElement {
    return this.root.querySelector<HTMLElement>('[data-panel-body]')!
  }

  /** Shows an alert; the reader goes to its heading, unless they stay where they are. */
  async open(id: number, stay = false): Promise<boolean> {
    const mine = ++this.asked
    try {
      const answer = await fetch(`${this.address}${id}/?part=1`, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) })
      const html = await answer.text()
      if (mine !== this.asked) return false
      if (!answer.ok) throw new Error(String(answer.status))
      // Somebody began to write while it came.
      if (stay && this.shows === id && this.busy()) return false
      this.body.innerHTML = html
    } catch {
      if (mine === this.asked && !stay) this.on.said(this.root.dataset.unsent ?? '')
      return false
    }
    const version = Number(this.body.querySelector<HTMLElement>('[data-version]')?.dataset.version)
    this.version = Number.isNaN(version) ? undefined : version
    this.shows = id
    this.root.hidden = false
    this.woken()
    startCameras(this.body)
    if (!stay) {
      const heading = this.body.querySelector<HTMLElement>('h2')
      heading?.setAttribute('tabindex', '-1')
      heading?.focus()
      this.root.scrollTop = 0
    }
    return true
  }

  /** Gives whether it was open. */
  close(): boolean {
    if (this.root.hidden) return false
    // What was asked for meanwhile does not open it again.
    this.asked++
    this.shut++
    this.root.hidden = true
    this.shows = undefined
    this.on.closed()
    return true
  }

  /** The queue has this version of it, undefined once it is closed: the part is asked for anew where it is another. */
  look(version: number | undefined): void {
    // What is shown may be newer than what the stream has brought so far.
    if (this.version === version || (version !== undefined && this.version !== undefined && version < this.version)) return
    this.version = version
    void this.talk()
    if (this.timer) return
    this.timer = window.setTimeout(() => {
      this.timer = 0
      // Nothing is taken away under somebody's hands.
      if (this.shows !== undefined && !this.busy()) void this.open(this.shows, true)
    }, AGAIN_MS)
  }

  /** What caller and desk write comes at once, also while the operator writes. */
  private async talk(translate = false): Promise<void> {
    // It is read only where somebody can see it.
    this.unread = document.hidden
    const part = this.body.querySelector<HTMLElement>('[data-talk]')
    if (this.unread || !part || this.shows === undefined) return
    const mine = ++this.talks
    try {
      const answer = await fetch(`${part.dataset.talk!}${translate ? '?translate=1' : ''}`, {
        cache: 'no-store', signal: AbortSignal.timeout(translate ? TRANSLATES_MS : PATIENCE_MS),
      })
      const html = await answer.text()
      if (!answer.ok || mine !== this.talks || !part.isConnected) return
      const focused = part.contains(document.activeElement)
      part.innerHTML = html
      if (focused) part.querySelector<HTMLElement>('button')?.focus({ preventScroll: true })
      this.woken(translate)
    } catch {
      // The next version of it asks again.
    }
  }

  /** The original is there first; a translation is asked for then. */
  private woken(translated = false): void {
    const part = this.body.querySelector<HTMLElement>('[data-talk]')
    if (!part || this.shows === undefined) return
    this.on.talked(this.shows, part)
    if (!translated && part.querySelector('[data-translate]')) void this.talk(true)
  }

  private async reply(id: number, action: string, body: FormData, form: HTMLFormElement): Promise<void> {
    if (!(await this.send(id, action, body, false))) return
    if (!body.get('phrase')) form.reset()
    await this.talk()
  }

  private busy(): boolean {
    const typed = [...this.body.querySelectorAll<HTMLInputElement>('input:not([type=hidden]), textarea')].some((one) => one.value !== one.defaultValue)
    const chosen = [...this.body.querySelectorAll('select')].some((one) => one.selectedIndex !== Math.max(0, [...one.options].findIndex((each) => each.defaultSelected)))
    return typed || chosen || (this.body.contains(document.activeElement) && document.activeElement!.matches('input, select, textarea, button, a'))
  }

  /** Takes a step with an alert. With `opens`, it is shown then. */
  async act(id: number, step: string, opens: boolean): Promise<void> {
    await this.send(id, `${this.address}${id}/${step}/`, new FormData(), opens)
  }

  /** Gives the answer of this number, from 1, to the question that is next; false where there is none. */
  choose(number: number): boolean {
    const button = this.root.hidden ? undefined : this.body.querySelectorAll<HTMLButtonElement>('[data-card] [data-current] button')[number - 1]
    if (!button || button.disabled) return false
    button.click()
    return true
  }

  /** Goes to a field of an alert's part, which is opened for that. */
  async reach(id: number, field: string): Promise<void> {
    if (this.shows !== id && !(await this.open(id))) return
    this.body.querySelector<HTMLElement>(field)?.focus()
  }

  private async send(id: number, action: string, body: FormData, opens: boolean): Promise<boolean> {
    let words = this.root.dataset.unsent ?? ''
    let code = ''
    const shut = this.shut
    try {
      const answer = await fetch(action, {
        method: 'POST', body, headers: { 'X-CSRFToken': this.token, Accept: 'application/json' }, signal: AbortSignal.timeout(PATIENCE_MS),
      })
      const told = (await answer.json()) as Row & { code?: string; message?: string; mend?: string }
      if (answer.ok) {
        this.on.said('')
        this.on.changed(told)
        if (opens && shut === this.shut) await this.open(id)
        return true
      }
      words = `${told.message ?? ''} ${told.mend ?? ''}`.trim() || words
      code = told.code ?? ''
    } catch {
      // There was no answer: it may be done again.
    }
    this.on.said(words)
    // A supervisor says why: where that is written.
    if (code === 'no_reason') await this.reach(id, '[name=text]')
    return false
  }
}
