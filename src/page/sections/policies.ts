import {policyStatusTable} from '../../policies/status/table.js'
import type {PolicyStatus, PolicyStatusReport} from '../../policies/status/types.js'
import {plural} from '../../units/plural.js'
import {badge, fixMarkup, html, notesList, prose, reportTable, section, type Markup, type Tone} from '../markup.js'

/** Rows on the page; those with a problem come first. */
const mostRows = 200

/** Every policy, what is due and not done, and the cause of each problem. */
export function policiesSection(report: PolicyStatusReport): Markup {
  const late = report.policies.filter(({ok}) => ok === false)
  const unknown = report.policies.filter(({ok}) => ok === null)
  const rows = [...late, ...unknown, ...report.policies.filter(({ok}) => ok === true)]
  const lead =
    `${late.length} of ${plural(report.policies.length, 'policy', 'policies')} late, ${unknown.length} unknown. ` +
    'Due work is judged by the state of the chunks, not by the status of the job.'
  const problems = [...late, ...unknown].flatMap((policy) => policy.problems.map((problem) => ({policy, problem})))
  return section(
    {id: 'policies', title: 'Policies', lead},
    rows.length === 0
      ? html`<p>There are no policies.</p>`
      : reportTable(policyStatusTable, rows.slice(0, mostRows), report, {
          label: 'Policies',
          columns: ['table', 'ok', 'live', 'due', 'not_done', 'oldest_since', 'runner', 'last_run_at', 'next_run_at'],
          tone: toneOf,
          cells: {ok: (row) => stateBadge(row)},
        }),
    rows.length > mostRows ? html`<p class="hint">${rows.length - mostRows} more without a problem.</p>` : null,
    problems.length === 0
      ? null
      : html`<ul class="problems">${problems
          .slice(0, mostRows)
          .map(
            ({policy, problem}) =>
              html`<li><strong>${policy.schema}.${policy.table} ${policy.kind}</strong>: ${prose(problem.cause)}. ${problem.fix && fixMarkup(problem.fix)}</li>`,
          )}</ul>`,
    notesList(report.notes),
  )
}

function toneOf({ok}: PolicyStatus): Tone | null {
  if (ok === null) return 'unknown'
  return ok ? null : 'critical'
}

function stateBadge({ok}: PolicyStatus): Markup {
  if (ok === null) return badge('unknown', 'unknown')
  return ok ? badge('ok', 'ok') : badge('critical', 'late')
}
