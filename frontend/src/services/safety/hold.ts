/**
 * A button that is held for a second: by finger, mouse, or the space bar or Enter. What it does stands in `on`.
 *
 * Whoever cannot hold presses by what assists them: a click that no pointer and no key has made (`detail` 0, or a
 * pointer without a size, as screen readers of telephones send it) goes to `on.click`.
 */
export const HOLD_MS = 1000

export interface Held {
  held(): void
  /** It was let go before the second was over. */
  short(): void
  click(): void
}

/** With `lasting` the second goes on when the button is let go: how it was pressed is not seen by who looks on. */
export function startHold(button: HTMLElement, on: Held, lasting = false): void {
  let began = 0
  let timer = 0
  let short = false
  let assisted = false
  const end = (): void => {
    clearTimeout(timer)
    timer = 0
    delete button.dataset.holding
    button.style.removeProperty('--held')
  }
  const draw = (): void => {
    if (!timer) return
    button.style.setProperty('--held', String(Math.min(1, (performance.now() - began) / HOLD_MS)))
    requestAnimationFrame(draw)
  }
  const begin = (): void => {
    if (timer || button.matches(':disabled')) return
    short = false
    began = performance.now()
    button.dataset.holding = ''
    timer = window.setTimeout(() => {
      end()
      if (short) on.short()
      else on.held()
    }, HOLD_MS)
    requestAnimationFrame(draw)
  }
  const letGo = (): void => {
    if (!timer) return
    short = true
    if (lasting) return
    end()
    on.short()
  }
  button.addEventListener('pointerdown', (event) => {
    assisted = isAssisted(event)
    if (assisted || event.button !== 0) return
    // The finger may slide a little: the button is held until it is lifted.
    button.setPointerCapture?.(event.pointerId)
    begin()
  })
  button.addEventListener('pointerup', letGo)
  button.addEventListener('pointercancel', letGo)
  button.addEventListener('blur', letGo)
  button.addEventListener('contextmenu', (event) => event.preventDefault())
  button.addEventListener('keydown', (event) => {
    if (event.key !== ' ' && event.key !== 'Enter') return
    // Else the browser makes a click of it.
    event.preventDefault()
    if (!event.repeat) begin()
  })
  button.addEventListener('keyup', (event) => {
    if (event.key !== ' ' && event.key !== 'Enter') return
    event.preventDefault()
    letGo()
  })
  button.addEventListener('click', (event) => {
    event.preventDefault()
    if (event.detail === 0 || assisted) on.click()
    assisted = false
  })
}

/** Whether a screen reader made it: it has no size, or one pixel that nobody presses. */
const isAssisted = (event: PointerEvent): boolean =>
  (event.width === 0 && event.height === 0) || (event.width === 1 && event.height === 1 && event.pressure === 0 && event.detail === 0 && event.pointerType === 'mouse')
