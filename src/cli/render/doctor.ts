import {shortName} from '../../db/qualified-name.js'
import type {Finding} from '../../doctor/finding.js'
import type {CheckReport, DoctorReport} from '../../doctor/report.js'
import {command} from '../../units/command.js'
import {closingLine, note, type Around, type Line} from './shown.js'
import {plural} from './words.js'

/** Maximum number of findings of one check on a screen; the rest is counted. */
const listed = 5

/**
 * The findings with their fixes, and the verdict.
 * @param all also list the checks that passed
 */
export function aroundDoctor(
  {checks, counts}: DoctorReport,
  {all, failed, table}: {all: boolean; failed: boolean; table: string | null},
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
    below: [...checks.flatMap((check) => linesOf(check, table)), closingLine([verdict])],
  }
}

function linesOf(check: CheckReport, table: string | null): Line[] {
  if (check.missing !== null)
    return [
      note(`${check.id}: ${check.missing}${check.missingFix === null ? '' : ` Fix: ${check.missingFix.text}`}`, ' '),
    ]
  const rest = check.findings.length - listed
  const more = command('doctor', table === null ? [] : [table], {only: check.id, json: true})
  return [
    ...check.findings.slice(0, listed).map((finding) => note(`${check.id}: ${sentence(finding)}`, '!')),
    ...(rest > 0 ? [note(`${check.id}: ${rest} more. All of them: ${more}`, '!')] : []),
  ]
}

function sentence({object, message, fix}: Finding): string {
  const about = object === null ? '' : `${shortName(object.schema, object.table)}: `
  return `${about}${message} ${fix.kind === 'advice' ? '' : 'Fix: '}${fix.text}`
}
