import {plural} from '../../units/plural.js'
import type {ServerWorkers} from '../../db/server-workers.js'
import type {FleetReport} from '../fleet/report.js'
import {note, type Line} from './shown.js'

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

/** A line for each server that several targets share, or that has too few workers for one. */
export function serverLines(servers: readonly ServerWorkers[]): Line[] {
  return servers.filter(({targets, enough}) => targets.length > 1 || !enough).map(serverLine)
}

function serverLine({server, schedulers, jobs, needed, maxBackgroundWorkers: limit, enough}: ServerWorkers): Line {
  const sum = `1 launcher + ${plural(schedulers, 'scheduler')} + ${plural(jobs, 'job')} that may run at the same time`
  const setting = `timescaledb.max_background_workers = ${limit}`
  return enough
    ? note(`${server}: background workers for ${sum} are ${needed} of ${setting}.`)
    : note(
        `${server}: background workers for ${sum} are ${needed}, more than ${setting}: jobs that find no worker ` +
          `wait. Raise it to ${needed} or more and restart the server, let jobs start at different times, or drop ` +
          'the extension from databases that do not use it.',
        '!',
      )
}
