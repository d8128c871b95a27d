import { describe, expect, it } from 'vitest'
import { bytes, startPush } from './push'

describe('messages on this device', () => {
  it('reads keys written in base64url', () => {
    expect([...bytes('-_8A')]).toEqual([251, 255, 0])
  })

  it('says so where the browser cannot', () => {
    document.body.innerHTML = `<div data-push><input type="checkbox" data-push-switch disabled>
      <p data-push-said data-none="cannot"></p></div>`
    startPush(document.querySelector<HTMLElement>('[data-push]')!)
    expect(document.querySelector('[data-push-said]')!.textContent).toBe('cannot')
    expect(document.querySelector<HTMLInputElement>('input')!.disabled).toBe(true)
  })
})
