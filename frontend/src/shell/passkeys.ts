/**
 * Buttons of passkeys. The library gives them their work when the page is whole; a press before that would be lost,
 * so they are drawn as not yet usable. Where the browser makes or finds no key, a person is told what to do.
 * Source: django-allauth, mfa/js/webauthn.js (the event `allauth.error`); W3C WebAuthn, section 5.1.
 */
export function startPasskeys(): void {
  const buttons = document.querySelectorAll<HTMLButtonElement>('[data-passkey]')
  if (!buttons.length) return
  const ready = (): void => buttons.forEach((button) => (button.disabled = false))
  // The library listens for the same moment, and began to before this did.
  if (document.readyState === 'complete') ready()
  else addEventListener('DOMContentLoaded', ready)
  document.addEventListener('allauth.error', () => say(buttons[0]!))
}

function say(button: HTMLButtonElement): void {
  document.querySelector('[data-passkey-said]')?.remove()
  const words = document.querySelector<HTMLTemplateElement>('template[data-passkey-failed]')
  if (!words) return
  const said = words.content.firstElementChild!.cloneNode(true) as HTMLElement
  said.dataset.passkeySaid = ''
  ;(button.closest('.row') ?? button).before(said)
}
