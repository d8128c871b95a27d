/** The operator's side of the voice: taken by a press, or by itself where they have asked for it. */
import { ask, described, microphone, playing, stop, tell, watch } from './hearing'

interface Speaks {
  alert: number
  id: number
  connection: RTCPeerConnection
  stream: MediaStream | undefined
  audio: HTMLAudioElement
}

export class Listening {
  private now: Speaks | undefined
  private taking = 0
  /** The alerts whose callers this screen asked for their voice: what rings of them is taken. */
  private readonly asked = new Set<number>()

  constructor(
    private readonly bar: HTMLElement,
    private readonly address: string,
    private readonly token: string,
    private readonly said: (text: string) => void,
  ) {
    bar.querySelector('[data-voice-stop]')!.addEventListener('click', () => this.now && this.end(false))
    addEventListener('pagehide', () => this.now && this.end(false))
  }

  /** The talk of an alert was put in anew: wakes its buttons, and does what its state asks for. */
  sync(alert: number, part: HTMLElement): void {
    const root = part.querySelector<HTMLElement>('[data-voice-desk]')
    if (!root) {
      if (this.now?.alert === alert) this.over()
      return
    }
    const id = Number(root.dataset.id)
    const state = root.dataset.state ?? ''
    root.hidden = false
    root.querySelector('[data-voice-ask]')?.addEventListener('click', () => this.ask(alert))
    root.querySelector('[data-voice-take]')?.addEventListener('click', () => void this.take(alert, id))
    root.querySelector('[data-voice-end]')?.addEventListener('click', () => this.finish(alert, id, false))
    const mine = this.now?.alert === alert
    if (mine && (this.now!.id !== id || state === 'ended' || state === 'failed')) this.over()
    if (state === 'ringing' && !('answered' in root.dataset) && this.asked.has(alert)) void this.take(alert, id)
    if (state === 'ended' || state === 'failed') this.asked.delete(alert)
  }

  private ask(alert: number): void {
    this.asked.add(alert)
    void this.post(alert, 'voice-ask', {})
  }

  private async take(alert: number, id: number): Promise<void> {
    if (this.taking === id || this.now?.id === id) return
    this.taking = id
    this.asked.delete(alert)
    if (this.now) this.end(false)
    let one: Speaks | undefined
    try {
      const told = await ask(`${this.address}${alert}/voice/`)
      if (told.id !== id || !told.sdp) return
      // Whoever hides hears nothing: the desk's microphone stays off.
      const stream = told.hears ? await microphone() : undefined
      const connection = new RTCPeerConnection({ iceServers: told.ice })
      one = { alert, id, connection, stream, audio: playing(connection) }
      this.now = one
      watch(connection, { connected: () => this.show(one), lost: () => this.now === one && this.end(true) })
      await connection.setRemoteDescription({ type: 'offer', sdp: told.sdp })
      stream?.getAudioTracks().forEach((track) => connection.addTrack(track, stream))
      const sdp = await described(connection, await connection.createAnswer())
      if (!(await this.post(alert, 'voice-take', { other: String(id), sdp }))) this.over()
    } catch {
      if (one && this.now === one) this.end(true)
    } finally {
      this.taking = 0
    }
  }

  private end(failed: boolean): void {
    const { alert, id } = this.now!
    this.finish(alert, id, failed)
  }

  private finish(alert: number, id: number, failed: boolean): void {
    if (this.now?.id === id) this.over()
    this.asked.delete(alert)
    if (failed) this.said(this.words.dataset.failed ?? '')
    void this.post(alert, 'voice-end', { other: String(id), failed: failed ? '1' : '' })
  }

  private over(): void {
    this.now?.connection.close()
    stop(this.now?.stream)
    if (this.now) this.now.audio.srcObject = null
    this.now = undefined
    this.bar.hidden = true
  }

  private get words(): HTMLElement {
    return this.bar.querySelector<HTMLElement>('[role=status]')!
  }

  private show(one: Speaks | undefined): void {
    if (!one || one !== this.now) return
    const words = (one.stream ? this.words.dataset.words : this.words.dataset.noMicrophone) ?? '{}'
    this.words.textContent = words.replace('{}', String(one.alert))
    this.bar.hidden = false
  }

  private async post(alert: number, step: string, fields: Record<string, string>): Promise<boolean> {
    try {
      await tell(`${this.address}${alert}/${step}/`, this.token, fields)
      return true
    } catch {
      this.said(this.words.dataset.failed ?? '')
      return false
    }
  }
}
