/**
 * A scale that is connected to the telephone: by Bluetooth (Weight Scale Service), by a cable (A&D's format, which many
 * others speak), or one that is only simulated, in a demo. A weight counts once the scale itself says that it stands still.
 */
export interface Reading {
  grams: number
  stable: boolean
}

export interface Scale {
  /** What tells it from other scales, "" until it is connected. */
  readonly name: string
  /**
   * Asks which one, and shows what it reads from then on, nothing once it is gone. Throws where nobody chose one, or it
   * does not answer.
   */
  connect(show: (reading?: Reading) => void): Promise<void>
  close(): void
}

const POUND_G = 453.59237
const SERVICE = 0x181d
const MEASUREMENT = 0x2a9d

/**
 * A measurement of the Weight Scale Service 1.0 (Bluetooth SIG, 3.2.1): flags, of which bit 0 says whether the weight is
 * in 0.005 kg or in 0.01 lb, then a uint16, 0xFFFF for one that failed. A scale tells of it once the weight stands still.
 */
export function weightOf(view: DataView): Reading | undefined {
  if (view.byteLength < 3) return undefined
  const raw = view.getUint16(1, true)
  if (raw === 0xffff) return undefined
  const imperial = (view.getUint8(0) & 1) === 1
  return { grams: Math.round(imperial ? raw * 0.01 * POUND_G : raw * 5), stable: true }
}

const GRAMS: Record<string, number> = { kg: 1000, g: 1, lb: POUND_G }

/** A line of A&D's standard format, as "ST,+00012.35  kg": ST stands still, US does not; undefined for any other. */
export function lineOf(line: string): Reading | undefined {
  const found = /^(ST|US),\s*([+-]?)\s*(\d+(?:\.\d+)?)\s*(kg|g|lb)\s*$/i.exec(line.trim())
  if (!found) return undefined
  const grams = Math.round(Number(found[3]) * GRAMS[found[4]!.toLowerCase()]!) * (found[2] === '-' ? -1 : 1)
  return { grams: grams || 0, stable: found[1]!.toUpperCase() === 'ST' }
}

/** The whole lines of what came so far, and the rest. */
export function linesOf(text: string): { lines: string[]; rest: string } {
  const parts = text.split(/\r\n|\r|\n/)
  return { rest: parts.pop()!, lines: parts }
}

interface Characteristic extends EventTarget {
  value?: DataView
  startNotifications(): Promise<unknown>
}

interface BluetoothThing extends EventTarget {
  id: string
  name?: string
  gatt: { connect(): Promise<{ getPrimaryService(id: number): Promise<{ getCharacteristic(id: number): Promise<Characteristic> }> }>; disconnect(): void }
}

interface Port {
  open(options: { baudRate: number; dataBits: number; parity: string; stopBits: number }): Promise<void>
  close(): Promise<void>
  getInfo(): { usbVendorId?: number; usbProductId?: number }
  readable: ReadableStream<Uint8Array>
}

/** What few browsers have, and none has types for. */
export const able = navigator as Navigator & {
  bluetooth?: { requestDevice(options: { filters: { services: number[] }[] }): Promise<BluetoothThing> }
  serial?: { requestPort(): Promise<Port> }
}

export class BluetoothScale implements Scale {
  name = ''
  private device: BluetoothThing | undefined

  async connect(show: (reading?: Reading) => void): Promise<void> {
    const device = (this.device = await able.bluetooth!.requestDevice({ filters: [{ services: [SERVICE] }] }))
    device.addEventListener('gattserverdisconnected', () => show())
    const server = await device.gatt.connect()
    const weight = await (await server.getPrimaryService(SERVICE)).getCharacteristic(MEASUREMENT)
    weight.addEventListener('characteristicvaluechanged', () => {
      const reading = weight.value && weightOf(weight.value)
      if (reading) show(reading)
    })
    await weight.startNotifications()
    this.name = `ble:${device.name ?? ''}:${device.id}`.slice(0, 80)
  }

  close(): void {
    this.device?.gatt.disconnect()
  }
}

export class SerialScale implements Scale {
  name = ''
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined

  async connect(show: (reading?: Reading) => void): Promise<void> {
    const port = await able.serial!.requestPort()
    // A&D's own setting: 2400 baud, 7 bits, even parity.
    await port.open({ baudRate: 2400, dataBits: 7, parity: 'even', stopBits: 1 })
    const { usbVendorId = 0, usbProductId = 0 } = port.getInfo()
    this.name = `serial:${usbVendorId.toString(16).padStart(4, '0')}:${usbProductId.toString(16).padStart(4, '0')}`
    this.reader = port.readable.getReader()
    void this.read(show)
      .catch(() => undefined)
      .finally(() => {
        show()
        void port.close().catch(() => undefined)
      })
  }

  private async read(show: (reading?: Reading) => void): Promise<void> {
    const decoder = new TextDecoder('ascii')
    let text = ''
    try {
      for (let part = await this.reader!.read(); !part.done; part = await this.reader!.read()) {
        const { lines, rest } = linesOf(text + decoder.decode(part.value, { stream: true }))
        text = rest.slice(-100)
        lines.map(lineOf).forEach((reading) => reading && show(reading))
      }
    } finally {
      this.reader!.releaseLock()
    }
  }

  close(): void {
    void this.reader?.cancel().catch(() => undefined)
  }
}

/** A demo's own: it swings, then stands still at 4.25 kg. */
export class SimulatedScale implements Scale {
  readonly name = 'simulated:1'
  private timer = 0

  connect(show: (reading?: Reading) => void): Promise<void> {
    let turn = 0
    this.timer = window.setInterval(() => {
      turn += 1
      show(turn < 4 ? { grams: 3900 + turn * 150, stable: false } : { grams: 4250, stable: true })
    }, 150)
    return Promise.resolve()
  }

  close(): void {
    clearInterval(this.timer)
  }
}
