/** Reports that wait, as an open page sends them. */
import { Sending } from '../../shell/sending'
import { TAG, reports } from './queue'

const shown = new Set<() => void>()
export const sending = new Sending(reports, TAG, () => shown.forEach((show) => show()))

/** `show` is called whenever something changed among what waits. */
export const whenChanged = (show: () => void): void => void shown.add(show)
