/** What cameras near an alert see: a picture asked for once and by press (each look is in the journal), and film. */

const PATIENCE_MS = 15_000
/** The panel is drawn anew when its alert changes: a picture that is no older is shown again and not asked for. */
const FRESH_MS = 20_000
const TICK_MS = 1000

interface Seen {
  url: string
  /** When the camera made it, by `performance.now`. */
  made: number
}

const kept = new Map<string, Seen>()

/** How old a picture is, in the page's words: "now" for the first two seconds. */
export function agedWords(seconds: number, now: string, old: string): string {
  return seconds < 2 ? now : old.replace('{}', String(Math.floor(seconds)))
}

/** Wakes the pictures and films of a page, or of a part of it that has just come. */
export function startCameras(root: ParentNode): void {
  root.querySelectorAll<HTMLElement>('[data-camera-picture]').forEach((figure) => {
    if (figure.dataset.awake) return
    figure.dataset.awake = '1'
    new Picture(figure)
  })
  root.querySelectorAll<HTMLElement>('[data-film]').forEach(startFilm)
}

class Picture {
  private readonly image: HTMLImageElement
  private readonly said: HTMLElement
  private readonly again: HTMLButtonElement
  private seen: Seen | undefined

  constructor(private readonly figure: HTMLElement) {
    this.image = figure.querySelector('img')!
    this.said = figure.querySelector<HTMLElement>('[data-camera-said]')!
    this.again = figure.querySelector<HTMLButtonElement>('[data-camera-again]')!
    this.again.hidden = false
    this.again.addEventListener('click', () => void this.load())
    const before = kept.get(this.address)
    if (before && performance.now() - before.made < FRESH_MS) this.show(before)
    else void this.load()
    const timer = window.setInterval(() => {
      if (!figure.isConnected) window.clearInterval(timer)
      else this.tick()
    }, TICK_MS)
  }

  private get address(): string {
    return this.figure.dataset.cameraPicture!
  }

  private async load(): Promise<void> {
    this.again.disabled = true
    try {
      const answer = await fetch(this.address, { cache: 'no-store', headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(PATIENCE_MS) })
      if (!answer.ok) throw new Error(await reason(answer))
      const age = Number(answer.headers.get('Picture-Age') ?? 0) * 1000
      const seen = { url: URL.createObjectURL(await answer.blob()), made: performance.now() - age }
      this.forget()
      kept.set(this.address, seen)
      this.show(seen)
    } catch (problem) {
      // The last picture stays with its age; that no new one came is said.
      this.say((problem instanceof Error && problem.name === 'Error' && problem.message) || this.figure.dataset.failed || '')
      this.figure.dataset.bad = ''
    }
    this.again.disabled = false
  }

  private forget(): void {
    const before = kept.get(this.address)
    if (before) URL.revokeObjectURL(before.url)
  }

  private show(seen: Seen): void {
    delete this.figure.dataset.bad
    this.seen = seen
    this.image.src = seen.url
    this.image.hidden = false
    this.tick()
  }

  private tick(): void {
    if (!this.seen || 'bad' in this.figure.dataset) return
    const { now = '', old = '' } = this.figure.dataset
    this.say(agedWords((performance.now() - this.seen.made) / 1000, now, old))
  }

  private say(text: string): void {
    // What grows older every second is not read out every second.
    const failed = text === this.figure.dataset.failed
    this.said.setAttribute('aria-live', failed ? 'polite' : 'off')
    this.said.textContent = text
  }
}

async function reason(answer: Response): Promise<string> {
  try {
    const told = (await answer.json()) as { message?: string }
    return told.message ?? ''
  } catch {
    return ''
  }
}

/** A film that the browser cannot play says so, and leads elsewhere. */
function startFilm(box: HTMLElement): void {
  const video = box.querySelector('video')!
  const failed = box.querySelector<HTMLElement>('[data-film-failed]')!
  const fail = (): void => {
    failed.hidden = false
    video.hidden = true
  }
  video.addEventListener('error', fail)
  if (!video.canPlayType('application/vnd.apple.mpegurl')) fail()
}
