import './styles/tokens.css'
import './styles/base.css'
import './styles/components.css'
import './styles/transit.css'
import './styles/riders.css'
import './styles/reports.css'
import './styles/fleet.css'
import './styles/onemap.css'
import htmx from 'htmx.org'
import { startCombobox } from './combobox'
import { startPush } from './push'
import { startTheme } from './theme'

htmx.config.allowEval = false
htmx.config.includeIndicatorStyles = false

/** Wakes what a page or a part of it holds; called again for every part HTMX puts in. */
function wake(root: ParentNode): void {
  root.querySelectorAll<HTMLElement>('[data-combobox]').forEach(startCombobox)
  // The map is large: pages without one never load it.
  if (root.querySelector('city-map')) void import('./map')
  if (root.querySelector('[data-refresh], [data-favourite], [data-favourites], [data-alarm]')) {
    void import('./riders').then((module) => module.startRiders(root))
  }
  if (root.querySelector('[data-report-form], [data-reports], [data-sent], [data-follow-link]')) void import('./reports').then((module) => module.startReports(root))
  if (root.querySelector('[data-desk], [data-answers], [data-field], [data-rules]')) void import('./desk').then((module) => module.startDesk(root))
  root.querySelectorAll<HTMLElement>('[data-draw]').forEach((page) => void import('./draw').then((module) => module.startDraw(page)))
  const fleet = root.querySelector<HTMLElement>('[data-fleet]')
  if (fleet) void import('./fleet').then((module) => module.startFleet(fleet))
  if (root.querySelector('[data-journeys], #journeys-data')) void import('./journeys').then((module) => module.startJourneys(root))
}

const oneMap = document.querySelector<HTMLElement>('[data-one-map]')
if (oneMap) void import('./onemap/page').then((module) => module.startOneMap(oneMap))

const bring = document.querySelector<HTMLElement>('[data-bring]')
if (bring) void import('./onemap/bring').then((module) => module.startBring(bring))

startTheme()
document.querySelectorAll<HTMLElement>('[data-push]').forEach(startPush)
wake(document)
document.body.addEventListener('htmx:afterSwap', (event) => wake(event.target as HTMLElement))

document.querySelectorAll<HTMLSelectElement>('select[data-submit]').forEach((select) => {
  select.addEventListener('change', () => select.form?.requestSubmit())
})

if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/sw.js')
