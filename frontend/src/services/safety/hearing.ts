/**
 * Sound between two browsers (WebRTC): what both sides need. The city carries one offer and one answer; each is sent
 * when it knows all of its addresses, so that nothing has to follow.
 */
const GATHERS_MS = 3000
/** So long the two try to reach one another. */
export const CONNECTS_MS = 15_000

export interface Told {
  id: number | null
  state?: string
  hears?: boolean
  /** What the other side says of itself, "" while it has not. */
  sdp?: string
  ice: RTCIceServer[]
}

const SOUND: MediaStreamConstraints = { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true }, video: false }

/** The microphone; undefined where there is none, or it may not be used. */
export async function microphone(): Promise<MediaStream | undefined> {
  try {
    return await navigator.mediaDevices.getUserMedia(SOUND)
  } catch {
    return undefined
  }
}

/** What this side says of itself, once it knows where it can be reached, or has looked long enough. */
export async function described(connection: RTCPeerConnection, description: RTCSessionDescriptionInit): Promise<string> {
  await connection.setLocalDescription(description)
  if (connection.iceGatheringState !== 'complete') {
    await new Promise<void>((done) => {
      setTimeout(done, GATHERS_MS)
      connection.addEventListener('icegatheringstatechange', () => connection.iceGatheringState === 'complete' && done())
    })
  }
  return connection.localDescription!.sdp
}

/** Plays what comes; to be called while a press is fresh, for browsers play nothing unasked. */
export function playing(connection: RTCPeerConnection): HTMLAudioElement {
  const audio = new Audio()
  audio.autoplay = true
  connection.addEventListener('track', ({ track }) => {
    audio.srcObject = new MediaStream([track])
    void audio.play().catch(() => undefined)
  })
  return audio
}

/** Tells once whether the two reached one another, and whether they lost each other for good. */
export function watch(connection: RTCPeerConnection, on: { connected(): void; lost(): void }): void {
  let reached = false
  const late = setTimeout(() => reached || on.lost(), CONNECTS_MS)
  connection.addEventListener('connectionstatechange', () => {
    if (connection.connectionState === 'connected' && !reached) {
      reached = true
      on.connected()
    }
    if (connection.connectionState === 'failed') on.lost()
    if (connection.connectionState === 'closed' || reached) clearTimeout(late)
  })
}

export async function ask(address: string): Promise<Told> {
  const answer = await fetch(address, { cache: 'no-store', headers: { Accept: 'application/json' } })
  if (!answer.ok) throw new Error(String(answer.status))
  return (await answer.json()) as Told
}

export async function tell(address: string, token: string, fields: Record<string, string>): Promise<Told> {
  const answer = await fetch(address, {
    method: 'POST', body: new URLSearchParams(fields), headers: { 'X-CSRFToken': token, Accept: 'application/json' }, keepalive: true,
  })
  if (!answer.ok) throw new Error(String(answer.status))
  return (await answer.json()) as Told
}

export function stop(stream: MediaStream | undefined): void {
  stream?.getTracks().forEach((track) => track.stop())
}
