import { beforeEach, describe, expect, it } from 'vitest'
import { startPasskeys } from './passkeys'

describe('buttons of passkeys', () => {
  beforeEach(() => {
    document.body.innerHTML = `<form><div class="row"><button data-passkey disabled>Make</button></div></form>
      <template data-passkey-failed><p role="alert">Try again.</p></template>`
  })

  it('can be pressed when the page is whole', () => {
    startPasskeys()
    expect(document.querySelector<HTMLButtonElement>('[data-passkey]')!.disabled).toBe(false)
  })

  it('say it once where no key was made', () => {
    startPasskeys()
    document.dispatchEvent(new CustomEvent('allauth.error'))
    document.dispatchEvent(new CustomEvent('allauth.error'))
    expect([...document.querySelectorAll('[role=alert]')].map((one) => one.textContent)).toEqual(['Try again.'])
  })
})
