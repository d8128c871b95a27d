/** Wakes what the service's pages hold; the button's own script is part of this one, for it must always be there. */
import { wake } from '../../shell/waking'
import { startCall } from './call'
import { startPress } from './press'

wake((root) => {
  root.querySelectorAll<HTMLFormElement>('form[data-press]').forEach(startPress)
  root.querySelectorAll<HTMLElement>('[data-call-page]').forEach(startCall)
  const desk = root.querySelector<HTMLElement>('[data-control]')
  if (desk) void import('./desk').then((module) => module.startDesk(desk))
  const cameras = root.querySelector('[data-cameras], [data-film]')
  if (cameras) void import('./cameras').then((module) => module.startCameras(root))
  const unit = root.querySelector<HTMLElement>('[data-unit-page]')
  if (unit) void import('./unit').then((module) => module.startUnit(unit))
  const coverage = root.querySelector<HTMLElement>('[data-coverage]')
  if (coverage) void import('./coverage').then((module) => module.startCoverage(coverage))
  const watched = root.querySelector<HTMLElement>('[data-escort-watch]')
  if (watched) void import('./escort').then((module) => module.startWatch(watched))
  const way = root.querySelector<HTMLElement>('[data-escort]')
  if (way) void import('./escort').then((module) => module.startEscort(way))
})
