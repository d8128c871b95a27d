/** On the city's own pages: where to, the favourites that this browser keeps, and what leaves next where somebody stands. */
import { wake } from '../../shell/waking'
import { kept, startList } from './favourites'
import { startGo } from './going'

document.querySelectorAll<HTMLElement>('[data-favourites-here]').forEach((list) => {
  startList(list)
  const begin = list.closest('section')?.querySelector<HTMLElement>('[data-begin]')
  if (begin) begin.hidden = kept().length > 0
})
wake((root) => {
  root.querySelectorAll<HTMLFormElement>('form[data-go]').forEach(startGo)
  root.querySelectorAll<HTMLElement>('[data-near-me]').forEach((part) => void import('./near').then((module) => module.startNear(part)))
})
