/** The scale beside the form of a stop: it is connected once, and a weight that stands still is taken by a press. */
import { BluetoothScale, SerialScale, SimulatedScale, able, type Reading, type Scale } from './scale'

const MADE: Record<string, () => Scale> = { bluetooth: () => new BluetoothScale(), serial: () => new SerialScale(), simulated: () => new SimulatedScale() }

/** Wakes it; what it gives says by which scale all the form's weights were taken, "" where one was typed. */
export function wakeScales(form: HTMLFormElement): () => string {
  const root = form.querySelector<HTMLElement>('[data-scale]')!
  const says = root.querySelector<HTMLOutputElement>('[data-reading]')!
  const takes = [...form.querySelectorAll<HTMLButtonElement>('[data-take]')]
  const connects = [...root.querySelectorAll<HTMLButtonElement>('[data-connect]')]
  let scale: Scale | undefined
  let latest: Scale | undefined
  let now: Reading | undefined
  const show = (reading?: Reading): void => {
    now = reading
    const usable = reading?.stable === true && reading.grams > 0
    says.textContent = reading ? `${(reading.grams / 1000).toLocaleString(document.documentElement.lang)} kg ${usable ? '' : (root.dataset.moves ?? '')}`.trim() : ''
    takes.forEach((take) => {
      take.hidden = !scale
      take.disabled = !usable
    })
  }
  for (const connect of connects) {
    const kind = connect.dataset.connect!
    connect.hidden = (kind === 'bluetooth' && !able.bluetooth) || (kind === 'serial' && !able.serial)
    connect.addEventListener('click', () => {
      scale?.close()
      scale = undefined
      show()
      const made = (latest = MADE[kind]!())
      // What was weighed before is no weight of this one, and what a scale said that is gone is none at all.
      made.connect((reading) => made === latest && show(reading)).then(() => {
        scale = made
        show(now)
      }).catch(() => (says.textContent = root.dataset.failed ?? ''))
    })
  }
  root.hidden = connects.every((one) => one.hidden)
  for (const take of takes) {
    const field = form.querySelector<HTMLInputElement>(`[name="kg-${take.dataset.take}"]`)!
    take.addEventListener('click', () => {
      if (!scale || !now?.stable || now.grams <= 0) return
      field.value = kg(now.grams)
      field.dataset.by = scale.name
    })
    // What is written over is typed.
    field.addEventListener('input', () => delete field.dataset.by)
  }
  addEventListener('pagehide', () => scale?.close())
  return () => {
    const filled = [...form.querySelectorAll<HTMLInputElement>('input[name^="kg-"]')].filter((field) => field.value.trim())
    const names = new Set(filled.map((field) => field.dataset.by ?? ''))
    return names.size === 1 ? [...names][0]! : ''
  }
}

const kg = (grams: number): string => String(grams / 1000)
