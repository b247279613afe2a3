import {plural} from '../../units/plural.js'
import type {FleetReport} from '../fleet/report.js'

/** `20 targets: 18 ok, 1 found something, 1 failed.` Changes also: `8 not started`. */
export function summaryText({
  summary: {targets, ok, found, failed, notStarted = 0},
}: Pick<FleetReport, 'summary'>): string {
  const parts = [
    `${ok} ok`,
    ...(found === 0 ? [] : [`${found} found something`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(notStarted === 0 ? [] : [`${notStarted} not started`]),
  ]
  return `${plural(targets, 'target')}: ${parts.join(', ')}.`
}
