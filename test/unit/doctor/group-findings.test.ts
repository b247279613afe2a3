import {describe, expect, it} from 'vitest'
import type {Finding, Fix} from '../../../src/doctor/finding.js'
import {groupFindings} from '../../../src/doctor/group-findings.js'
import {aroundDoctor} from '../../../src/cli/render/doctor.js'
import {lineText} from '../../../src/cli/render/line-text.js'
import type {CheckReport, DoctorReport} from '../../../src/doctor/report.js'

const advice = (text: string): Fix => ({kind: 'advice', text})
const sql = (text: string): Fix => ({kind: 'sql', text})
const finding = (table: string | null, message: string, fix: Fix): Finding => ({
  severity: 'warning',
  object: table === null ? null : {schema: 'public', table},
  message,
  data: {},
  fix,
})
const longer = (table: string) => advice(`Longer chunks: select set_chunk_time_interval('public.${table}', …).`)

function linesOf(findings: Finding[]): string[] {
  const check = {id: 'chunks.few', status: 'warning', findings, missing: null} as unknown as CheckReport
  const report = {checks: [check], counts: {critical: 0, warning: 1, unknown: 0, passed: 0}} as DoctorReport
  const {below = []} = aroundDoctor(report, {all: false, failed: false, table: null, groupsOf: groupFindings})
  return below.slice(0, -1).map((line) => lineText(line, null))
}

describe('findings of one check with the same fix', () => {
  it('are one line with all their tables if they also have the same message', () => {
    const same = ['a', 'b', 'ab'].map((table) => finding(table, 'Few rows.', longer(table)))
    expect(linesOf(same)).toEqual([
      "! chunks.few: a, b, ab: Few rows. Longer chunks: select set_chunk_time_interval('<table>', …).",
    ])
  })

  it('are listed under the fix, which is printed once, if their messages differ', () => {
    const install = advice('Install TimescaleDB 2.29.2 or newer.')
    expect(
      linesOf([
        finding(null, 'One.', install),
        finding(null, 'Two.', sql('select 2')),
        finding(null, 'Three.', install),
      ]),
    ).toEqual([
      '! chunks.few: 2 findings. Install TimescaleDB 2.29.2 or newer.',
      '- One.',
      '- Three.',
      '! chunks.few: Two. Fix: select 2',
    ])
  })

  it('count at most five of them, and the line about the rest names the command that lists all', () => {
    const many = Array.from({length: 9}, (_, index) => finding(null, `Number ${index}.`, advice('Update.')))
    const lines = linesOf([...many, finding('a', 'Another.', sql('select 2'))])
    expect(lines).toHaveLength(7)
    expect(lines.at(-1)).toBe('! chunks.few: 5 more. All of them: qicore-db doctor --only chunks.few --json')
  })

  it('keep their own fix if it is SQL or a command, and a name is replaced only where it is the whole name', () => {
    const compress = (table: string) => sql(`alter table public.${table} set (timescaledb.compress)`)
    expect(groupFindings(['a', 'b'].map((table) => finding(table, 'Off.', compress(table))))).toHaveLength(2)
    const command = (table: string) => advice(`Look: qicore-db chunks list public.${table}`)
    expect(groupFindings(['a', 'b'].map((table) => finding(table, 'Off.', command(table))))).toHaveLength(2)
    const other = [finding('a', 'Off.', advice('Drop public.ab.')), finding('ab', 'Off.', advice('Drop public.ab.'))]
    expect(groupFindings(other).map(({fix}) => fix.text)).toEqual(['Drop public.ab.', 'Drop public.ab.'])
  })
})
