/** Wakes what the service's pages hold; residents' pages and officers' load scripts of their own. */
import { wake } from '../../shell/waking'

wake((root) => {
  if (root.querySelector('[data-report-form], [data-reports], [data-sent], [data-follow-link]')) void import('./filing').then((module) => module.startReports(root))
  if (root.querySelector('[data-desk], [data-answers], [data-field], [data-rules]')) void import('./desk').then((module) => module.startDesk(root))
})
