/** A pickup's page hears of its crew; the crew's own pages load what they need without a network. */
import { listen } from '../../shell/listening'

const AGAIN_MS = 4000

document.querySelectorAll<HTMLElement>('[data-recycling-live]').forEach((part) => listen(part, part.dataset.recyclingLive!, AGAIN_MS))
const crew = document.querySelector<HTMLElement>('[data-crew]')
if (crew) void import('./crew').then((module) => module.startCrew(crew))
