import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CONNECTS_MS } from './hearing'
import { Speaking, nowOf, type Now } from './speak'

class Connection extends EventTarget {
  static last: Connection
  connectionState = 'new'
  iceGatheringState = 'complete'
  localDescription = { sdp: 'v=0 mine' }
  remote = ''
  direction = ''
  constructor() {
    super()
    Connection.last = this
  }
  addTransceiver(_track: unknown, { direction }: { direction: string }): void {
    this.direction = direction
  }
  async createOffer(): Promise<object> {
    return {}
  }
  async setLocalDescription(): Promise<void> {}
  async setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    this.remote = sdp
  }
  close(): void {
    this.connectionState = 'closed'
  }
  is(state: string): void {
    this.connectionState = state
    this.dispatchEvent(new Event('connectionstatechange'))
  }
}

let root: HTMLElement
let posted: string[]
let stopped: number
const held = (more: Partial<Now> = {}): Now => ({ id: 0, state: '', answered: false, held: true, ...more })
const press = async (which: string): Promise<void> => {
  root.querySelector<HTMLElement>(which)!.click()
  await vi.advanceTimersByTimeAsync(0)
}

describe('the voice of a caller', () => {
  let speaking: Speaking
  beforeEach(() => {
    vi.useFakeTimers()
    ;[posted, stopped] = [[], 0]
    document.body.innerHTML = `<section data-voice="/call/x/voice/" hidden><p data-voice-said data-idle="off" data-denied="no microphone"></p>
      <button data-voice-start="both"></button><button data-voice-start="listen"></button><button data-voice-end></button></section>`
    root = document.body.firstElementChild as HTMLElement
    const track = { stop: () => (stopped += 1) }
    vi.stubGlobal('navigator', { mediaDevices: { getUserMedia: async () => ({ getTracks: () => [track], getAudioTracks: () => [track] }) } })
    vi.stubGlobal('RTCPeerConnection', Connection)
    vi.stubGlobal('Audio', class {})
    vi.stubGlobal('fetch', async (address: string, given?: RequestInit) => {
      if (given?.method === 'POST') posted.push(`${address.split('/').at(-2)} ${given.body}`)
      return new Response(JSON.stringify({ id: 7, sdp: 'v=0 theirs', ice: [] }))
    })
    speaking = new Speaking(root, 'token')
  })
  afterEach(() => vi.useRealTimers())

  it('is off until they press, and shown only while an operator has the call', async () => {
    speaking.sync(held({ held: false }))
    expect(root.hidden).toBe(true)
    speaking.sync(held({ state: 'asked', id: 7 }))
    await vi.advanceTimersByTimeAsync(1000)
    expect([root.hidden, root.dataset.now, posted]).toEqual([false, 'asked', []])
  })
  it('rings, is taken, is said to go only when it goes, and ends with the alert', async () => {
    await press('[data-voice-start=both]')
    expect([root.dataset.now, Connection.last.direction, posted[0]!.startsWith('offer sdp=v%3D0+mine&hears=1')]).toEqual(['ringing', 'sendrecv', true])
    speaking.sync(held({ id: 7, state: 'ringing', answered: true }))
    await vi.advanceTimersByTimeAsync(0)
    expect([root.dataset.now, Connection.last.remote]).toEqual(['connecting', 'v=0 theirs'])
    Connection.last.is('connected')
    expect([root.dataset.now, posted[1]]).toEqual(['speaking', 'connected id=7'])
    speaking.sync(held({ id: 7, state: 'ended', held: false }))
    expect([root.dataset.now, stopped, Connection.last.connectionState]).toEqual(['ended', 1, 'closed'])
  })
  it('of somebody who hides is sent and plays nothing', async () => {
    await press('[data-voice-start=listen]')
    expect([Connection.last.direction, posted[0]!.endsWith('hears=')]).toEqual(['sendonly', true])
    speaking.sync(held({ id: 7, state: 'ringing', answered: true }))
    await vi.advanceTimersByTimeAsync(0)
    Connection.last.is('connected')
    expect(root.dataset.now).toBe('heard')
    await press('[data-voice-end]')
    expect([root.dataset.now, posted.at(-1), stopped]).toEqual(['ended', 'end id=7&failed=', 1])
  })
  it('that cannot connect says to write instead, and the microphone is off again', async () => {
    await press('[data-voice-start=both]')
    speaking.sync(held({ id: 7, state: 'ringing', answered: true }))
    await vi.advanceTimersByTimeAsync(CONNECTS_MS + 1)
    expect([root.dataset.now, posted.at(-1), stopped]).toEqual(['failed', 'end id=7&failed=1', 1])
  })
  it('without a microphone is not tried', async () => {
    vi.stubGlobal('navigator', { mediaDevices: undefined })
    await press('[data-voice-start=both]')
    expect([root.dataset.now, root.querySelector('p')!.textContent, posted]).toEqual(['denied', 'no microphone', []])
  })
})

it('reads how it stands from the part of the page', () => {
  document.body.innerHTML = '<span data-voice-now="12" data-state="ringing" data-answered data-held></span>'
  expect(nowOf(document.body.firstElementChild as HTMLElement)).toEqual({ id: 12, state: 'ringing', answered: true, held: true })
  expect(nowOf(null)).toEqual({ id: 0, state: '', answered: false, held: false })
})
