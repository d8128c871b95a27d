/** The caller's side of the voice: the microphone is on from their press until the end, and never else. */
import { ask, described, microphone, playing, stop, tell, watch } from './hearing'

/** How the page says that the voice stands: the words are in the section's `data-` attributes. */
type Shown = 'idle' | 'asked' | 'ringing' | 'connecting' | 'speaking' | 'heard' | 'ended' | 'failed' | 'denied'

export interface Now {
  id: number
  state: string
  answered: boolean
  /** An operator has the call. */
  held: boolean
}

export function nowOf(part: HTMLElement | null): Now {
  const { voiceNow = '', state = '' } = part?.dataset ?? {}
  return { id: Number(voiceNow), state, answered: part !== null && 'answered' in part.dataset, held: part !== null && 'held' in part.dataset }
}

export class Speaking {
  private connection: RTCPeerConnection | undefined
  private stream: MediaStream | undefined
  private audio: HTMLAudioElement | undefined
  private id = 0
  private answered = false
  private shown: Shown = 'idle'

  constructor(
    private readonly root: HTMLElement,
    private readonly token: string,
  ) {
    root.querySelectorAll<HTMLButtonElement>('[data-voice-start]').forEach((button) => {
      button.addEventListener('click', () => void this.start(button.dataset.voiceStart === 'both'))
    })
    root.querySelector('[data-voice-end]')!.addEventListener('click', () => this.end(false))
    this.show('idle')
    // Whoever leaves the page is heard no longer.
    addEventListener('pagehide', () => this.connection && this.end(false))
  }

  private get address(): string {
    return this.root.dataset.voice!
  }

  /** The page's part was asked for anew. */
  sync(now: Now): void {
    this.root.hidden = !this.connection && !now.held
    if (!this.connection) {
      const asked = now.held && now.state === 'asked'
      if (asked && this.shown !== 'asked') navigator.vibrate?.([150, 80, 150])
      if (asked) this.show('asked')
      else if (this.shown === 'asked') this.show(now.state === 'failed' ? 'failed' : 'idle')
      return
    }
    if (now.id !== this.id) return
    if (now.state === 'ended' || now.state === 'failed') this.over(now.state)
    else if (now.answered && !this.answered) void this.take()
  }

  private async start(hears: boolean): Promise<void> {
    if (this.connection) return
    this.disable(true)
    this.stream = await microphone()
    if (!this.stream) {
      this.disable(false)
      return this.show('denied')
    }
    try {
      const { ice } = await ask(this.address)
      const connection = (this.connection = new RTCPeerConnection({ iceServers: ice }))
      this.answered = false
      connection.addTransceiver(this.stream.getAudioTracks()[0]!, { direction: hears ? 'sendrecv' : 'sendonly' })
      if (hears) this.audio = playing(connection)
      const sdp = await described(connection, await connection.createOffer())
      this.id = (await tell(`${this.address}offer/`, this.token, { sdp, hears: hears ? '1' : '' })).id ?? 0
      this.show('ringing')
    } catch {
      this.over('failed')
    }
    this.disable(false)
  }

  /** The desk's browser has answered. */
  private async take(): Promise<void> {
    const connection = this.connection!
    this.answered = true
    this.show('connecting')
    try {
      const { id, sdp } = await ask(this.address)
      if (id !== this.id || !sdp || connection !== this.connection) return
      watch(connection, {
        connected: () => {
          this.show(this.audio ? 'speaking' : 'heard')
          void tell(`${this.address}connected/`, this.token, { id: String(this.id) }).catch(() => undefined)
        },
        lost: () => connection === this.connection && this.end(true),
      })
      await connection.setRemoteDescription({ type: 'answer', sdp })
    } catch {
      this.end(true)
    }
  }

  private end(failed: boolean): void {
    const spoke = this.shown === 'speaking' || this.shown === 'heard'
    void tell(`${this.address}end/`, this.token, { id: String(this.id), failed: failed ? '1' : '' }).catch(() => undefined)
    this.over(failed && !spoke ? 'failed' : 'ended')
  }

  private over(how: 'ended' | 'failed'): void {
    this.connection?.close()
    stop(this.stream)
    if (this.audio) this.audio.srcObject = null
    this.connection = this.stream = this.audio = undefined
    this.show(how)
  }

  private disable(are: boolean): void {
    this.root.querySelectorAll('button').forEach((one) => (one.disabled = are))
  }

  private show(now: Shown): void {
    this.shown = now
    this.root.dataset.now = now
    this.root.classList.toggle('voice-asked', now === 'asked')
    const words = this.root.querySelector<HTMLElement>('[data-voice-said]')!
    words.textContent = words.dataset[now] ?? ''
    const on = this.connection !== undefined
    this.root.querySelectorAll<HTMLElement>('[data-voice-start]').forEach((one) => (one.hidden = on))
    this.root.querySelector<HTMLElement>('[data-voice-end]')!.hidden = !on
  }
}
