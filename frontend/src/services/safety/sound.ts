/** The desk's sound: it is made here, so that nothing has to be loaded for it, and louder the higher an alert has gone. */
const HIGH_HZ = [740, 880, 988, 1175, 1319]
const LOUD = [0.25, 0.4, 0.6, 0.85, 1]
const LONG_S = 0.16
const GAP_S = 0.07
/** How soon it sounds again while an alert waits, by its level. */
export const AGAIN_MS = [4000, 2500, 1800, 1300, 1000]

export const at = (values: number[], level: number): number => values[Math.min(level, values.length - 1)]!

export class Sound {
  private context: AudioContext | undefined

  /** Whether it would not be heard: browsers let a page sound only once somebody has pressed something in it. */
  get off(): boolean {
    return this.context?.state !== 'running'
  }

  /** To be called in a press of a key or a button. Gives whether it sounds. */
  async wake(): Promise<boolean> {
    try {
      this.context ??= new AudioContext()
      // Where there is no way out for sound, some browsers never answer.
      await Promise.race([this.context.resume(), new Promise((done) => setTimeout(done, 1000))])
    } catch {
      return false
    }
    return !this.off
  }

  /** Plays what an alert of this level sounds like; gives whether time went by in it, as it does where there is sound. */
  async test(level = 1): Promise<boolean> {
    if (!(await this.wake())) return false
    const before = this.context!.currentTime
    this.ring(level)
    await new Promise((done) => setTimeout(done, 400))
    return this.context!.currentTime > before
  }

  /** A short call: one tone more with each level. */
  ring(level: number): void {
    const context = this.context
    if (!context || this.off) return
    for (let tone = 0; tone <= Math.min(level + 1, 4); tone++) {
      const begin = context.currentTime + tone * (LONG_S + GAP_S)
      const volume = context.createGain()
      volume.gain.setValueAtTime(0, begin)
      volume.gain.linearRampToValueAtTime(at(LOUD, level), begin + 0.015)
      volume.gain.setValueAtTime(at(LOUD, level), begin + LONG_S - 0.03)
      volume.gain.linearRampToValueAtTime(0, begin + LONG_S)
      const wave = context.createOscillator()
      wave.type = 'triangle'
      wave.frequency.value = at(HIGH_HZ, level) * (tone % 2 ? 1.26 : 1)
      wave.connect(volume).connect(context.destination)
      wave.start(begin)
      wave.stop(begin + LONG_S)
    }
  }
}
