import { describe, expect, it, vi } from 'vitest'
import { LONGEST, startSpeaking } from './speaking'

function page(): [HTMLElement, (inner: string) => void] {
  document.body.innerHTML = '<p role="status" data-speaks="part"></p><div id="part"><b data-spoken>Leave in 5 min</b></div>'
  const line = document.querySelector<HTMLElement>('p')!
  const part = document.getElementById('part')!
  startSpeaking(line)
  return [line, (inner) => {
    part.innerHTML = inner
    part.dispatchEvent(new CustomEvent('htmx:afterSwap', { bubbles: true }))
  }]
}

describe('what is read out loud', () => {
  it('is silent while the words are the same', async () => {
    const [line, put] = page()
    put('<b data-spoken>Leave in 4 min</b>')
    expect(line.textContent).toBe('Leave in 4 min')
    const changed = vi.fn()
    const watch = new MutationObserver(changed)
    watch.observe(line, { childList: true, characterData: true, subtree: true })
    put('<b data-spoken>Leave in\n 4 min</b><ul><li>a long list</li></ul>')
    await new Promise((done) => setTimeout(done))
    expect(changed).not.toHaveBeenCalled()
    watch.disconnect()
  })
  it('is short, whatever the part holds', () => {
    const [line, put] = page()
    put(`<b data-spoken>${'many words '.repeat(40)}</b>`)
    expect(line.textContent!.length).toBeLessThanOrEqual(LONGEST)
    put(`<b data-spoken>${'x'.repeat(400)}</b>`)
    expect(line.textContent!.length).toBeLessThanOrEqual(LONGEST)
  })
  it('is what breaks, before all else', () => {
    const [line, put] = page()
    put('<b data-spoken>Ride line 1</b><h2 data-spoken-first>This connection breaks</h2>')
    expect(line.textContent).toBe('This connection breaks')
  })
})
