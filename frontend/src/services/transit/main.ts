/** Wakes what the service's pages hold; each kind of page loads its own script. */
import { wake } from '../../shell/waking'

wake((root) => {
  if (root.querySelector('[data-board], [data-favourite], [data-favourites], [data-alarm], [data-go], [data-share-here], [data-heard], [data-speaks]')) {
    void import('./riders').then((module) => module.startRiders(root))
  }
  if (root.querySelector('[data-journeys], #journeys-data')) void import('./journeys').then((module) => module.startJourneys(root))
  const fleet = root.querySelector<HTMLElement>('[data-fleet]')
  if (fleet) void import('./fleet').then((module) => module.startFleet(fleet))
  root.querySelectorAll<HTMLElement>('[data-draw]').forEach((page) => void import('./draw').then((module) => module.startDraw(page)))
})
