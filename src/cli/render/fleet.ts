import {plural} from '../../units/plural.js'
import type {FleetReport} from '../fleet/report.js'

/** `20 targets: 18 ok, 1 found something, 1 failed.` */
export function summaryText({summary: {targets, ok, found, failed}}: Pick<FleetReport, 'summary'>): string {
  const parts = [
    `${ok} ok`,
    ...(found === 0 ? [] : [`${found} found something`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
  ]
  return `${plural(targets, 'target')}: ${parts.join(', ')}.`
}
