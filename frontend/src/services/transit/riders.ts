import { startBoard } from './board'
import { startList, startStar, tellWorker } from './favourites'
import { startGo } from './going'
import { startSpeaking } from './speaking'
import { allow } from '../../shell/push'

/** Wakes what riders' pages hold; called again for every part that is put in anew. */
export function startRiders(root: ParentNode): void {
  each(root, '[data-board]', startBoard)
  each(root, 'form[data-favourite]', (form) => startStar(form as HTMLFormElement))
  each(root, '[data-favourites]', startList)
  const asked = root.querySelector<HTMLElement>('form[data-favourite], [data-favourites]')
  if (asked) tellWorker(asked.matches('[data-here="0"], :not([data-here]):not([data-favourites-here])'))
  each(root, 'form[data-alarm]', (form) => startAlarm(form as HTMLFormElement))
  each(root, 'form[data-go]', (form) => startGo(form as HTMLFormElement))
  each(root, '[data-speaks]', startSpeaking)
  each(root, '[data-share-here]', (button) => button.addEventListener('click', () => void share(button)))
  heard()
}

function each(root: ParentNode, selector: string, start: (part: HTMLElement) => void): void {
  root.querySelectorAll<HTMLElement>(selector).forEach(start)
}

/** The permission for messages is asked for when somebody wants one, and never before. */
function startAlarm(form: HTMLFormElement): void {
  form.addEventListener('submit', (event) => {
    if (!('Notification' in window) || Notification.permission !== 'default') return
    event.preventDefault()
    // Whatever is answered: the alarm is kept, and the inbox tells it too.
    void allow(form.dataset.key ?? '').finally(() => form.submit())
  })
}

async function share(button: HTMLElement): Promise<void> {
  if (navigator.share) return void navigator.share({ url: location.href }).catch(() => undefined)
  await navigator.clipboard.writeText(location.href)
  button.querySelector('[data-said]')!.textContent = button.dataset.done ?? ''
}

let counting = 0

/** "last heard 3 s ago" counts on until the next answer. */
function heard(): void {
  if (counting) return
  counting = window.setInterval(() => {
    document.querySelectorAll<HTMLElement>('[data-heard]').forEach((one) => {
      one.dataset.heard = String(Number(one.dataset.heard) + 1)
      one.textContent = (one.dataset.words ?? '{}').replace('{}', one.dataset.heard)
    })
  }, 1000)
}
