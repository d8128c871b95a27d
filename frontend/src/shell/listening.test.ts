import { expect, test, vi } from 'vitest'
import { listen } from './listening'

class Stream extends EventTarget {
  static CLOSED = 2
  static made: Stream[] = []
  readyState = 1
  constructor(readonly url: string) {
    super()
    Stream.made.push(this)
  }
  close(): void {
    this.readyState = Stream.CLOSED
  }
}

test('what the city tells of has the part asked for at once, and a stream that ends is begun anew', () => {
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', Stream)
  document.body.innerHTML = '<div></div>'
  const part = document.querySelector<HTMLElement>('div')!
  const asked = vi.fn()
  part.addEventListener('refresh', asked)
  listen(part, '/live/recycling-account-7', 4000)
  expect(Stream.made[0]!.url).toBe('/live/recycling-account-7')
  Stream.made[0]!.dispatchEvent(new Event('message'))
  expect(asked).toHaveBeenCalledOnce()
  Stream.made[0]!.close()
  Stream.made[0]!.dispatchEvent(new Event('error'))
  vi.advanceTimersByTime(5000)
  expect(Stream.made).toHaveLength(2)
  vi.useRealTimers()
})
