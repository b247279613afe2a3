import type {CalendarJob, JobCalendar} from '../job-calendar.js'
import {ageOr, dash} from '../../units/cell-text.js'
import {formatMinute} from '../../units/instant-short.js'
import {plural} from '../../units/plural.js'
import {badge, html, scrollable, section, type Markup, type Tone} from '../markup.js'

const mostJobs = 60

interface DayResult {
  tone: Tone
  /** What the cell shows. */
  text: string
  /** The same in words. */
  words: string
}

const failing = new Set(['failed', 'partial', 'interrupted'])

/** Scheduled runs as a calendar: the last two weeks by outcome, the next seven days by schedule. */
export function jobsSection(calendar: JobCalendar): Markup {
  const {jobs, days, daemons, at} = calendar
  const today = at.slice(0, 10)
  const ordered = [...jobs].sort((a, b) => failures(b) - failures(a) || (a.name < b.name ? -1 : 1))
  const shown = ordered.slice(0, mostJobs)
  const lead =
    daemons.length === 0
      ? 'No daemon is running on this database.'
      : `${plural(daemons.length, 'daemon')}: ` +
        `${daemons.map(({id, seenAt}) => `${id}, seen ${ageOr(seenAt, at)} ago`).join('; ')}.`
  if (jobs.length === 0) return section({id: 'jobs', title: 'Scheduled runs', lead}, html`<p>There are no jobs.</p>`)
  return section(
    {id: 'jobs', title: 'Scheduled runs', lead},
    html`<ul class="legend"><li>${badge('ok', 'done')}</li><li>${badge('warning', 'late, retried or skipped')}</li><li>${badge('critical', 'failed')}</li><li><span class="badge plain">3</span> planned</li></ul>`,
    scrollable(
      'Scheduled runs by day',
      html`<table class="calendar">
<thead><tr><th scope="col" class="left">JOB</th><th scope="col" class="left">NEXT (UTC)</th>${days.map((day) => html`<th scope="col" class="day${day === today ? ' today' : ''}"><span class="sub">${monthOf(day, days)}</span>${Number(day.slice(8))}</th>`)}</tr></thead>
<tbody>
${shown.map((job) => jobRow(job, calendar, today))}</tbody>
</table>`,
    ),
    ordered.length > mostJobs ? html`<p class="hint">${plural(ordered.length - mostJobs, 'more job')}.</p>` : null,
    errorsOf(shown),
  )
}

function jobRow(job: CalendarJob, {days}: JobCalendar, today: string): Markup {
  const next = job.state === 'paused' ? 'paused' : formatMinute(job.next)
  return html`<tr><th scope="row" class="left">${job.name}<span class="sub">${job.schedule} ${job.timezone}</span></th><td class="left">${next}</td>${days.map((day) => dayCell(job, day, today))}</tr>
`
}

function dayCell(job: CalendarJob, day: string, today: string): Markup {
  const result = day <= today ? past(job, day) : null
  const planned = job.planned.find((one) => one.day === day)?.count ?? 0
  if (result === null && planned === 0) return html`<td class="day none"><span class="reader-only">no run</span></td>`
  const shown = result ?? {tone: 'plain', text: String(planned), words: `${planned} planned`}
  return html`<td class="day"><span class="cell ${shown.tone}" title="${shown.words}"><span aria-hidden="true">${shown.text}</span><span class="reader-only">${shown.words}</span></span></td>`
}

/** The worst outcome of a day decides its tone. */
function past({runs}: CalendarJob, day: string): DayResult | null {
  const ofDay = runs.filter((run) => run.day === day)
  if (ofDay.length === 0) return null
  const total = ofDay.reduce((sum, {count}) => sum + count, 0)
  const words = ofDay.map(({status, count}) => `${count} ${status.replace('_', ' ')}`).join(', ')
  const failed = ofDay.filter(({status}) => failing.has(status)).reduce((sum, {count}) => sum + count, 0)
  if (failed > 0) return {tone: 'critical', text: `✕${failed}`, words}
  if (ofDay.some(({status}) => status !== 'done' && status !== 'running'))
    return {tone: 'warning', text: `!${total}`, words}
  return {tone: 'ok', text: `✓${total}`, words}
}

function failures({runs}: CalendarJob): number {
  return runs.filter(({status}) => failing.has(status)).reduce((sum, {count}) => sum + count, 0)
}

function errorsOf(jobs: readonly CalendarJob[]): Markup | null {
  const failed = jobs.filter(({lastError}) => lastError !== null)
  if (failed.length === 0) return null
  return html`<ul class="problems">${failed.map(({name, lastStatus, lastError}) => html`<li><strong>${name}</strong>: last run ${lastStatus ?? dash}: ${lastError}</li>`)}</ul>`
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The name of the month above its first day. */
function monthOf(day: string, days: readonly string[]): string {
  const first = day === days[0] || day.endsWith('-01')
  return first ? months[Number(day.slice(5, 7)) - 1]! : ''
}
