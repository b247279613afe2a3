import {queriesTable} from '../../reports/queries-table.js'
import type {QueriesReport} from '../../reports/queries.js'
import {formatInstant} from '../../units/instant.js'
import {html, notesList, reportTable, section, type Markup} from '../markup.js'

/** Characters of a statement on the page; a longer one can be unfolded. */
const shortLength = 110
const mostCharacters = 4_000

/** The statements with the greatest total execution time. */
export function queriesSection(report: QueriesReport): Markup {
  const {queries, countedSince} = report
  const since = countedSince === null ? '' : ` since ${formatInstant(countedSince)} UTC`
  return section(
    {id: 'queries', title: 'Most expensive queries', lead: `By total execution time in this database${since}.`},
    queries.length === 0
      ? html`<p>No statement is known.</p>`
      : reportTable(queriesTable, queries, report, {
          label: 'Most expensive queries',
          columns: ['query', 'total_ms', 'share_percent', 'mean_ms', 'calls', 'rows'],
          cells: {query: ({query}) => queryText(query)},
        }),
    notesList(report.notes),
  )
}

function queryText(query: string | null): Markup {
  if (query === null) return html`statements whose text this role may not read`
  const text = query.replace(/\s+/g, ' ').trim()
  if (text.length <= shortLength) return html`<code>${text}</code>`
  const whole = query.length > mostCharacters ? `${query.slice(0, mostCharacters)} …` : query
  return html`<details><summary><code>${text.slice(0, shortLength)} …</code></summary><pre>${whole}</pre></details>`
}
