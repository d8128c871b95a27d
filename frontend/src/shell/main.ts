/** On every page: the theme, search fields, parts that refresh themselves, the map where there is one. */
import { startCombobox } from './combobox'
import { startMenu } from './menu'
import { startPasskeys } from './passkeys'
import { startPush } from './push'
import { startTheme } from './theme'
import { note, showUsed } from './used'
import { wake } from './waking'
import { sayZone } from './zone'

startTheme()
startPasskeys()
document.querySelectorAll<HTMLElement>('[data-push]').forEach(startPush)
document.querySelectorAll<HTMLDetailsElement>('[data-menu]').forEach(startMenu)
document.querySelectorAll<HTMLElement>('[data-used-last]').forEach(showUsed)
if (document.body.dataset.used) note(document.body.dataset.used)
wake((root) => {
  root.querySelectorAll<HTMLElement>('[data-combobox]').forEach(startCombobox)
  // The map is large: pages without one never load it, and where it is below what one sees it comes with the scroll.
  root.querySelectorAll('city-map').forEach(whenNear)
  sayZone()
  const parts = root.querySelectorAll<HTMLElement>('[data-refresh]')
  if (parts.length) void import('./refresh').then((module) => parts.forEach((part) => module.startRefresh(part)))
})

function whenNear(map: Element): void {
  const watch = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return
    watch.disconnect()
    void import('../map/map')
  }, { rootMargin: '200px' })
  watch.observe(map)
}

// Most pages have nothing for HTMX, which is as large as all else that is loaded here. It sees to a page that is whole.
if (document.querySelector('[hx-get], [hx-post]')) {
  const bring = (): void => void import('./parts')
  if (document.readyState === 'complete') bring()
  else addEventListener('load', bring)
}

document.querySelectorAll<HTMLSelectElement>('select[data-submit]').forEach((select) => {
  select.addEventListener('change', () => select.form?.requestSubmit())
})

if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/sw.js')
