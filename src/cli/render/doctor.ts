import {shortName} from '../../db/qualified-name.js'
import type {Fix} from '../../doctor/finding.js'
import type {FindingGroup, groupFindings} from '../../doctor/group-findings.js'
import type {CheckReport, DoctorReport} from '../../doctor/report.js'
import {command} from '../../units/command.js'
import {closingLine, note, type Around, type Line} from './shown.js'
import {plural} from './words.js'

/** Maximum number of findings of one check on a screen; the rest is counted. */
const listed = 5
/** Maximum number of tables that one finding names. */
const named = 8

/**
 * The findings with their fixes, and the verdict.
 * @param all also list the checks that passed
 * @param groupsOf groups the findings of a check by their fix
 */
export function aroundDoctor(
  {checks, counts}: DoctorReport,
  {all, failed, table, groupsOf}: {all: boolean; failed: boolean; table: string | null; groupsOf: typeof groupFindings},
): Around<CheckReport> {
  const {critical, warning, unknown, passed} = counts
  const verdict =
    `${critical} critical, ${plural(warning, 'warning')}, ${unknown} unknown, ${passed} ` +
    `passed${failed ? ' (exit 3)' : ''}`
  return {
    brief: (rows) => {
      const open = all ? rows : rows.filter(({status}) => status !== 'passed')
      const rest = rows.length - open.length
      return {rows: open, rest: rest > 0 ? `${rest} passed (--all)` : null}
    },
    below: [...checks.flatMap((check) => linesOf(check, groupsOf(check.findings), table)), closingLine([verdict])],
  }
}

function linesOf(check: CheckReport, groups: readonly FindingGroup[], table: string | null): Line[] {
  if (check.missing !== null)
    return [
      note(`${check.id}: ${check.missing}${check.missingFix === null ? '' : ` Fix: ${check.missingFix.text}`}`, ' '),
    ]
  const lines: Line[] = []
  let left = listed
  let rest = 0
  for (const {fix, items} of groups) {
    const [only, ...others] = items
    if (left <= 0) rest += items.length
    else if (others.length === 0) lines.push(note(`${check.id}: ${sentence(only!)} ${fixText(fix)}`, '!'))
    else {
      lines.push(note(`${check.id}: ${items.length} findings. ${fixText(fix)}`, '!'))
      lines.push(...items.slice(0, left).map((item) => note(sentence(item))))
      rest += Math.max(0, items.length - left)
    }
    left -= items.length
  }
  if (rest === 0) return lines
  const more = command('doctor', table === null ? [] : [table], {only: check.id, json: true})
  return [...lines, note(`${check.id}: ${rest} more. All of them: ${more}`, '!')]
}

function sentence({objects, message}: FindingGroup['items'][number]): string {
  if (objects.length === 0) return message
  const names = objects.slice(0, named).map(({schema, table}) => shortName(schema, table))
  const rest = objects.length - names.length
  return `${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}: ${message}`
}

function fixText({kind, text}: Fix): string {
  return kind === 'advice' ? text : `Fix: ${text}`
}
