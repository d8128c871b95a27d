/** On every page: the theme, search fields, parts that refresh themselves, the map where there is one. */
import htmx from 'htmx.org'
import { startCombobox } from './combobox'
import { startPush } from './push'
import { startTheme } from './theme'
import { wake } from './waking'

htmx.config.allowEval = false
htmx.config.includeIndicatorStyles = false

startTheme()
document.querySelectorAll<HTMLElement>('[data-push]').forEach(startPush)
wake((root) => {
  root.querySelectorAll<HTMLElement>('[data-combobox]').forEach(startCombobox)
  // The map is large: pages without one never load it.
  if (root.querySelector('city-map')) void import('../map/map')
  const parts = root.querySelectorAll<HTMLElement>('[data-refresh]')
  if (parts.length) void import('./refresh').then((module) => parts.forEach((part) => module.startRefresh(part)))
})

document.querySelectorAll<HTMLSelectElement>('select[data-submit]').forEach((select) => {
  select.addEventListener('change', () => select.form?.requestSubmit())
})

if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/sw.js')
