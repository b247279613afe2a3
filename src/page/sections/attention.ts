import {shortName} from '../../db/qualified-name.js'
import {groupFindings, type FindingGroup} from '../../doctor/group-findings.js'
import type {CheckReport, DoctorReport} from '../../doctor/report.js'
import {plural} from '../../units/plural.js'
import {badge, fixMarkup, html, prose, section, type Markup} from '../markup.js'

/** Findings of one check that are shown at once, and with those that are folded; the rest is counted. */
const open = 3
const mostFindings = 50

/** What doctor found, worst first; passed and unknown checks are folded. */
export function attentionSection({checks, counts}: DoctorReport): Markup {
  const problems = checks.filter(({status}) => status === 'critical' || status === 'warning')
  const unknown = checks.filter(({status}) => status === 'unknown')
  const passed = checks.filter(({status}) => status === 'passed')
  const lead = html`${counts.critical} critical, ${plural(counts.warning, 'warning')}, ${counts.unknown} unknown, ${counts.passed} passed.`
  return section(
    {id: 'doctor', title: 'Needs attention', lead},
    problems.length === 0 ? html`<p>No check found a problem.</p>` : html`${problems.map(checkBox)}`,
    folded(
      plural(unknown.length, 'unknown check'),
      unknown.map(
        ({id, title, missing, missingFix}) =>
          html`<li>${badge('unknown', 'unknown')} <strong>${id}</strong>: ${title}. ${prose(missing ?? '')} ${missingFix && fixMarkup(missingFix)}</li>`,
      ),
    ),
    folded(
      plural(passed.length, 'passed check'),
      passed.map(({id, title}) => html`<li>${badge('ok', 'passed')} <strong>${id}</strong>: ${title}</li>`),
    ),
  )
}

function checkBox({id, status, title, findings}: CheckReport): Markup {
  const groups = groupFindings(findings.slice(0, mostFindings))
  const folded = groups.slice(open)
  const rest = findings.length - mostFindings
  return html`<article class="check ${status}">
<h3>${badge(status === 'critical' ? 'critical' : 'warning', status)} ${title} <span class="id">${id}</span></h3>
<ul>${groups.slice(0, open).map(groupItem)}</ul>
${folded.length > 0 && html`<details><summary>${folded.length} more</summary><ul>${folded.map(groupItem)}</ul></details>`}
${rest > 0 && html`<p class="hint">${rest} more in the JSON document.</p>`}
</article>
`
}

/** Findings with the same fix: the fix is shown once, before a list of them. */
function groupItem({fix, items}: FindingGroup): Markup {
  const [only, ...others] = items
  if (others.length === 0) return html`<li>${itemMarkup(only!)} ${fixMarkup(fix)}</li>`
  const folded = items.slice(open)
  return html`<li>${items.length} findings. ${fixMarkup(fix)}
<ul>${items.slice(0, open).map(listItem)}</ul>
${folded.length > 0 && html`<details><summary>${folded.length} more</summary><ul>${folded.map(listItem)}</ul></details>`}
</li>`
}

const listItem = (item: FindingGroup['items'][number]) => html`<li>${itemMarkup(item)}</li>`

function itemMarkup({objects, message}: FindingGroup['items'][number]): Markup {
  const names = objects.map(({schema, table}) => shortName(schema, table)).join(', ')
  return html`${names !== '' && html`<strong>${names}</strong>: `}${prose(message)}`
}

function folded(summary: string, items: readonly Markup[]): Markup | null {
  if (items.length === 0) return null
  return html`<details><summary>${summary}</summary><ul class="plain">${items}</ul></details>`
}
