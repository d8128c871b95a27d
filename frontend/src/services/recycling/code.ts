/** A resident's code: read by the camera where the browser can, else typed; a slip is seen at once, also without a network. */
const SIGNS = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'

/** A code as it is kept, however it was written. */
export const tidy = (text: string): string => text.replace(/[\s-]/g, '').toUpperCase()

/** Whether this may be a code: of a card (eight signs), or of a pickup: six, of which the last follows (Luhn mod 32). */
export function mayBe(text: string): boolean {
  const code = tidy(text)
  const signs = [...code].map((sign) => SIGNS.indexOf(sign))
  if (signs.includes(-1)) return false
  if (code.length === 8) return true
  if (code.length !== 6) return false
  const sum = signs.reverse().reduce((total, sign, place) => {
    const double = place % 2 ? sign * 2 : sign
    return total + Math.floor(double / 32) + (double % 32)
  }, 0)
  return sum % 32 === 0
}

interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>
}

const detector = (): Detector | undefined => {
  const made = (window as { BarcodeDetector?: new (options: { formats: string[] }) => Detector }).BarcodeDetector
  return made && new made({ formats: ['qr_code'] })
}

const LOOK_MS = 250

/** Wakes the button that reads a code by the camera; where the browser cannot, it stays hidden. */
export function wakeScan(button: HTMLButtonElement, video: HTMLVideoElement, found: (code: string) => void): void {
  const reads = 'BarcodeDetector' in window && 'mediaDevices' in navigator ? detector() : undefined
  if (!reads) return
  button.hidden = false
  let stream: MediaStream | undefined
  let timer = 0
  const stop = (): void => {
    clearInterval(timer)
    stream?.getTracks().forEach((track) => track.stop())
    stream = undefined
    video.hidden = true
    button.setAttribute('aria-pressed', 'false')
  }
  const look = async (): Promise<void> => {
    const code = (await reads.detect(video).catch(() => [])).map(({ rawValue }) => tidy(rawValue)).find(mayBe)
    if (!code || !stream) return
    stop()
    found(code)
  }
  button.addEventListener('click', () => {
    if (stream) return stop()
    void navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }).then(async (given) => {
      stream = given
      video.srcObject = given
      video.hidden = false
      button.setAttribute('aria-pressed', 'true')
      await video.play()
      timer = window.setInterval(() => void look(), LOOK_MS)
    }).catch(stop)
  })
  addEventListener('pagehide', stop)
}
