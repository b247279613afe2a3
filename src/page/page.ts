import type {ErrorDocument} from '../errors.js'
import type {RecordedRun, RecordedStep} from '../reports/history.js'
import type {StatsReport} from '../reports/stats.js'
import {dash} from '../units/cell-text.js'
import {formatBytes} from '../units/bytes.js'
import {instantInWords, type Instant} from '../units/instant.js'
import {plural} from '../units/plural.js'
import {asset} from './assets.js'
import type {Part, ReportDocument} from './document.js'
import {html, raw, section, type Markup, type Tone} from './markup.js'
import {attentionSection} from './sections/attention.js'
import {chunkMapSection} from './sections/chunk-map.js'
import {growthSection} from './sections/growth.js'
import {historySection, runSection} from './sections/history.js'
import {jobsSection} from './sections/jobs.js'
import {policiesSection} from './sections/policies.js'
import {queriesSection} from './sections/queries.js'
import {savingsSection, tablesSection} from './sections/tables.js'

/** The sections in their order; each with the id of its heading. */
const contents = [
  ['doctor', 'Needs attention'],
  ['policies', 'Policies'],
  ['chunks', 'Chunks'],
  ['tables', 'Tables'],
  ['savings', 'Compression'],
  ['growth', 'Growth'],
  ['jobs', 'Scheduled runs'],
  ['history', 'Recent changes'],
  ['queries', 'Queries'],
  ['versions', 'Versions'],
] as const

export interface PageOptions {
  /** The page of a daemon, which replaces its content every few seconds. */
  live: boolean
  /** A sentence above the content, for example that it is not up to date. */
  notice?: string | null
}

/**
 * The report as one HTML file without any reference to another one. Its size is bounded: long lists are cut, and the
 * chunk map has a limited number of bars.
 */
export async function renderPage(
  document: ReportDocument,
  {live, notice = null}: PageOptions = {live: false},
): Promise<string> {
  return frame(`Report on ${document.target ?? 'database'}`, live, notice, content(document, live))
}

/** The page of one run of a daemon's database. */
export async function renderRun(run: RecordedRun, steps: readonly RecordedStep[] | null, at: Instant): Promise<string> {
  const back = html`<nav aria-label="Sections"><ul><li><a href="../">Report</a></li></ul></nav>`
  return frame(
    `Run ${run.id}`,
    true,
    null,
    html`<header><h1>Run ${run.id}: ${run.operation}</h1></header>${back}<main id="content">${runSection(run, steps, {at})}</main>`,
  )
}

/** A page that says only why there is no other. It asks again. */
export async function renderNotice(text: string): Promise<string> {
  return frame('No report', true, null, html`<main id="content"><h1>No report</h1><p class="error">${text}</p></main>`)
}

/** A page of the daemon without a report. */
export async function frame(title: string, live: boolean, notice: string | null, body: Markup): Promise<string> {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${!live && html`<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy(false)}">`}
<title>${title}</title>
<style>${raw(asset('page.css').text)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<div id="live">
${notice !== null && html`<p class="error" role="status">${notice}</p>`}
${body}
</div>
<script>${raw(asset('page.js').text)}</script>
${live && html`<script>${raw(asset('live.js').text)}</script>`}
</body>
</html>
`
  return String(await page)
}

/**
 * Allows the page's own style sheet and scripts and nothing else, not even a request; the page of a daemon may ask the
 * daemon again.
 */
export function contentSecurityPolicy(live: boolean): string {
  const scripts = [asset('page.js').source, ...(live ? [asset('live.js').source] : [])]
  return [
    "default-src 'none'",
    `style-src ${asset('page.css').source}`,
    `script-src ${scripts.join(' ')}`,
    ...(live ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

function content(document: ReportDocument, live: boolean): Markup {
  const {stats, chunks, compression, policies, doctor, growth, jobs, history, queries} = document
  return html`<header>
<h1>${document.target ?? 'database'}</h1>
<p class="sub">${describeServer(stats.report)} · as of ${instantInWords(document.at)}</p>
${figures(document)}
</header>
<nav aria-label="Sections"><ul>${contents.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main id="content">
${part(doctor, 'doctor', attentionSection)}
${part(policies, 'policies', policiesSection)}
${part(chunks, 'chunks', chunkMapSection)}
${part(stats, 'tables', tablesSection)}
${part(compression, 'savings', savingsSection)}
${part(growth, 'growth', growthSection)}
${part(jobs, 'jobs', jobsSection)}
${part(history, 'history', (report) => historySection(report, live))}
${part(queries, 'queries', queriesSection)}
${versionsSection(document)}
</main>
<footer><p>qicore-db ${document.program}. Sizes count 1 kB as 1024 bytes. Times are in UTC. A dash is an unknown value.</p></footer>`
}

/** A section, or the reason why it could not be read. */
function part<Report>(
  {report, error}: Part<Report>,
  id: (typeof contents)[number][0],
  render: (report: Report) => Markup,
): Markup {
  if (report !== null) return render(report)
  return section({id, title: contents.find(([one]) => one === id)![1]}, unread(error))
}

function unread(error: ErrorDocument | null): Markup {
  if (error === null) return html`<p class="error">Not read.</p>`
  return html`<p class="error">Not known: ${error.message} (${error.code})</p>
<ul class="notes">${error.suggestions.map((suggestion) => html`<li>${suggestion}</li>`)}</ul>`
}

interface Figure {
  label: string
  value: string
  tone?: Tone
}

function figures({stats, policies, doctor}: ReportDocument): Markup {
  const {report} = stats
  const late = policies.report?.policies.filter(({ok}) => ok === false).length ?? null
  const critical = doctor.report?.counts.critical ?? null
  const before = sum(report, ({beforeBytes}) => beforeBytes)
  const after = sum(report, ({afterBytes}) => afterBytes)
  const list: Figure[] = [
    {label: 'critical findings', value: shown(critical), tone: toneOf(critical)},
    {label: 'policies late', value: shown(late), tone: toneOf(late)},
    {label: 'size', value: bytes(sum(report, ({totalBytes}) => totalBytes))},
    {label: 'saved by compression', value: before === null || after === null ? dash : formatBytes(before - after)},
    {label: 'written per day', value: bytes(sum(report, ({bytesPerDay}) => bytesPerDay))},
    {label: 'chunks', value: shown(sum(report, (table) => table.chunks))},
  ]
  return html`<dl class="figures">${list.map(({label, value, tone}) => html`<div class="${tone ?? ''}"><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`
}

/** The sum of the known values; null if none is known. */
function sum(
  report: StatsReport | null,
  value: (table: StatsReport['tables'][number]) => number | null,
): number | null {
  const known = (report?.tables ?? []).map(value).filter((one) => one !== null)
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0)
}

function shown(value: number | null): string {
  return value === null ? dash : String(value)
}

function bytes(value: number | null): string {
  return value === null ? dash : formatBytes(value)
}

function toneOf(count: number | null): Tone {
  if (count === null) return 'unknown'
  return count > 0 ? 'critical' : 'ok'
}

function describeServer(stats: StatsReport | null): string {
  if (stats === null) return 'server unknown'
  const {postgres, timescaledb, edition, inRecovery} = stats.server
  const extension = timescaledb === null ? 'without TimescaleDB' : `TimescaleDB ${timescaledb} ${edition ?? ''}`.trim()
  return `PostgreSQL ${postgres}, ${extension}, ${inRecovery ? 'replica' : 'primary'}`
}

function versionsSection({stats, program}: ReportDocument): Markup {
  const {server} = stats.report ?? {server: null}
  const rows: [string, string][] = [
    ['qicore-db', program],
    ['PostgreSQL', server?.postgres ?? dash],
    ['TimescaleDB', server?.timescaledb ?? (server === null ? dash : 'not installed')],
    ['edition', server?.edition ?? dash],
    ['background workers of TimescaleDB', server?.workers ?? dash],
    ['pg_cron', extensionWords(server?.pgCron)],
    ['pg_stat_statements', extensionWords(server?.pgStatStatements)],
    ['condition', server === null ? dash : conditionWords(server.condition)],
  ]
  return section(
    {id: 'versions', title: 'Versions'},
    html`<dl class="facts">${rows.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`,
  )
}

function conditionWords(condition: readonly string[]): string {
  return condition.length === 0 ? 'normal' : `${plural(condition.length, 'problem')}: ${condition.join(', ')}`
}

function extensionWords(value: unknown): string {
  if (value === undefined || value === null) return dash
  if (typeof value === 'boolean') return value ? 'installed' : 'not installed'
  return String(value)
}
