/** On the city's own pages: the reports that this browser keeps. */
import { showSent } from './sent'

document.querySelectorAll<HTMLElement>('[data-sent]').forEach((list) => {
  void showSent(list).then(() => {
    const begin = list.closest('section')?.querySelector<HTMLElement>('[data-begin]')
    if (begin) begin.hidden = list.querySelector('[data-sent-list] > *') !== null
  })
})
