import {shortName} from '../../db/qualified-name.js'
import type {Finding} from '../../doctor/finding.js'
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
  const folded = findings.slice(open, mostFindings)
  const rest = findings.length - mostFindings
  return html`<article class="check ${status}">
<h3>${badge(status === 'critical' ? 'critical' : 'warning', status)} ${title} <span class="id">${id}</span></h3>
<ul>${findings.slice(0, open).map(findingItem)}</ul>
${folded.length > 0 && html`<details><summary>${folded.length} more</summary><ul>${folded.map(findingItem)}</ul></details>`}
${rest > 0 && html`<p class="hint">${rest} more in the JSON document.</p>`}
</article>
`
}

function findingItem({object, message, fix}: Finding): Markup {
  return html`<li>${object && html`<strong>${shortName(object.schema, object.table)}</strong>: `}${prose(message)} ${fixMarkup(fix)}</li>`
}

function folded(summary: string, items: readonly Markup[]): Markup | null {
  if (items.length === 0) return null
  return html`<details><summary>${summary}</summary><ul class="plain">${items}</ul></details>`
}
