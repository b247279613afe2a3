import type {Job} from '../config/jobs.js'
import {fieldsOf} from '../units/schedule.js'
import {transitions, zoneOffset} from '../units/zone.js'
import {compareVersions} from '../units/version.js'
import type {CronDatabase} from './cron-database.js'
import {scheduleHazards} from './schedule-hazards.js'

export type Dialect = Pick<CronDatabase, 'version' | 'library' | 'timezone' | 'matchesBothDays'>

const words: readonly (readonly [RegExp, number])[] = [
  ...['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'].map(
    (word, index) => [new RegExp(`\\b${word}\\b`, 'gi'), index + 1] as const,
  ),
  ...['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'].map(
    (word, index) => [new RegExp(`\\b${word}\\b`, 'gi'), index] as const,
  ),
]

/** Why pg_cron cannot run a job as declared, one clause for each reason; empty if it can. */
export function obstacles(job: Job, {version, library, timezone, matchesBothDays}: Dialect, now: number): string[] {
  const found: string[] = []
  const fields = fieldsOf(job.schedule)
  const [, , day, , weekday] = fields
  if (fields.length === 6) found.push(`"${job.schedule}" has seconds, but pg_cron schedules by the minute`)
  else if (day === 'L' && compareVersions(version, '1.6') >= 0) {
    // pg_cron writes it as `$`.
  } else if (/[LW]/i.test(day!)) found.push(`"${job.schedule}" has "${day}", which pg_cron ${version} does not support`)
  if (fields.length === 5 && /L|#/i.test(weekday!))
    found.push(`"${job.schedule}" has "${weekday}", which pg_cron does not support`)
  if (fields.length === 5 && restricted(day!) && restricted(weekday!) && matchesBothDays)
    found.push(
      `"${job.schedule}" matches the day of the month or the weekday, but pg_cron requires both ` +
        '(cron.match_dom_and_dow is on)',
    )
  // pg_cron treats a step as a star, which turns "or" into "and".
  else if (
    fields.length === 5 &&
    restricted(day!) &&
    restricted(weekday!) &&
    [day!, weekday!].some((field) => /^[*?]/.test(field))
  )
    found.push(`"${job.schedule}" has a step in one of two day fields, which pg_cron interprets differently`)
  for (const {hazard, certainty} of library === null ? [] : scheduleHazards(toPgCronSyntax(job.schedule), library))
    if (certainty === 'certain') found.push(`pg_cron has the defect ${hazard.id}: ${hazard.what} (${hazard.source})`)
  const zone = timezone ?? 'GMT'
  if (!sameClocks(job.timezone, zone, now))
    found.push(
      `its timezone is ${job.timezone}, but pg_cron uses ` +
        `${zone}${compareVersions(version, '1.5') >= 0 ? ' (cron.timezone)' : ''}`,
    )
  for (const field of [
    'window',
    'timeout',
    'retries',
    'backoff',
    'catchUp',
    'catchUpLimit',
    'overlap',
    'jitter',
  ] as const) {
    if (job.given.includes(field) && !isNoop(job, field)) found.push(`pg_cron has no ${field}`)
  }
  if (job.kind === 'sql') found.push(...sqlObstacles(job))
  return found
}

/** Whether the setting is what pg_cron does anyway: one attempt, no catch-up, and a run waits for the previous one. */
function isNoop(job: Job, field: string): boolean {
  if (field === 'retries') return job.retries === 0
  if (field === 'backoff') return job.retries === 0
  if (field === 'catchUp') return job.catchUp === 'none'
  if (field === 'catchUpLimit') return job.catchUp === 'none'
  if (field === 'overlap') return job.overlap === 'queue'
  return false
}

function sqlObstacles({options}: Job): string[] {
  const {transaction, statement = ''} = options as {transaction: 'own' | 'none'; statement?: string}
  return [
    ...(transaction === 'none' ? ['"transaction: none" cannot be recorded in the same transaction'] : []),
    ...(statement.includes('qicore.scheduled_at')
      ? ['its statement reads qicore.scheduled_at, which is not set under pg_cron']
      : []),
  ]
}

/**
 * A schedule in pg_cron's syntax: numbers, stars, ranges, lists and steps. Only for a job without {@link obstacles}.
 */
export function toPgCronSyntax(schedule: string): string {
  return fieldsOf(schedule)
    .map((field, index) =>
      index === 2 && field === 'L'
        ? '$'
        : words.reduce((text, [word, number]) => text.replace(word, String(number)), field.replaceAll('?', '*')),
    )
    .join(' ')
}

function restricted(field: string): boolean {
  return field !== '*' && field !== '?'
}

const twoYears = 2 * 365 * 86_400_000

function sameClocks(zone: string, theirs: string, now: number): boolean {
  const plain = (name: string) => zoneOffset(name, now) === 0 && transitions(name, now, now + twoYears).length === 0
  const utc = (name: string) => (/^(gmt|utc)$/i.test(name) ? 'UTC' : name)
  return utc(zone).toLowerCase() === utc(theirs).toLowerCase() || (plain(utc(zone)) && plain(utc(theirs)))
}
