import {ageOr, dash} from '../../units/cell-text.js'
import type {ReportTable} from '../../units/report-table.js'
import {nameColumns, runColumns} from './policy-columns.js'
import {ruleCell} from './rule-cell.js'
import {shortUnits} from './short-units.js'
import type {PolicyStatus} from './types.js'

export const policyStatusTable: ReportTable<PolicyStatus> = {
  columns: [
    ...nameColumns,
    {
      id: 'live',
      heading: 'RULE',
      type: 'text',
      value: ({kind, live}) => ruleCell(kind, live),
      text: ruleText,
      shrink: 8,
    },
    {id: 'due', heading: 'DUE', type: 'count', value: (row) => row.due, priority: 1},
    {id: 'not_done', heading: 'NOT DONE', type: 'count', value: ({notDone}) => notDone?.length ?? null},
    {
      id: 'oldest_since',
      heading: 'OLDEST',
      type: 'age',
      value: ({notDone}) => notDone?.[0]?.since ?? null,
      text: ({notDone}, {at}) => oldestText(notDone?.[0], at),
      priority: 2,
    },
    {id: 'runner', heading: 'RUN BY', type: 'text', value: (row) => row.runner, text: runByText},
    ...runColumns(3),
    {
      id: 'declared',
      heading: 'DECLARED',
      type: 'text',
      show: 'room',
      value: ({kind, declared}) => ruleCell(kind, declared),
      text: ({kind, declared, managed}) => ruleCell(kind, declared) ?? (managed ? dash : 'no'),
      priority: 1,
    },
    {
      id: 'runner_alive',
      heading: 'ALIVE',
      type: 'flag',
      show: 'room',
      value: (row) => row.runnerAlive,
      text: ({runnerAlive}) => (runnerAlive === null ? 'unknown' : yesOrNo(runnerAlive)),
      priority: 2,
    },
    {
      id: 'last_run_at',
      heading: 'LAST RUN',
      type: 'age',
      align: 'left',
      show: 'room',
      value: (row) => row.lastRunAt,
      text: ({lastRunAt, lastStatus}, {at}) =>
        lastRunAt === null ? dash : `${ageOr(lastRunAt, at)} ${lastStatus ?? ''}`.trim(),
      priority: 3,
    },
    {id: 'last_status', heading: 'LAST STATUS', type: 'text', show: 'data', value: (row) => row.lastStatus},
    {
      id: 'next_run_at',
      heading: 'NEXT RUN',
      type: 'age',
      align: 'left',
      show: 'room',
      value: (row) => row.nextRunAt,
      priority: 3,
    },
    {id: 'job_id', heading: 'JOB', type: 'count', show: 'room', value: (row) => row.jobId, priority: 4},
    {
      id: 'last_error',
      heading: 'LAST ERROR',
      type: 'note',
      show: 'data',
      value: ({lastError}) => lastError?.message ?? null,
    },
    {id: 'ok', heading: 'OK', type: 'flag', show: 'data', value: (row) => row.ok},
    {id: 'findings', heading: 'FINDINGS', type: 'list', show: 'data', value: (row) => row.findings},
  ],
  marked: ({ok}) => ok === false,
}

function yesOrNo(flag: boolean): string {
  return flag ? 'yes' : 'no'
}

function oldestText(first: {since: string | null} | undefined, at: string): string {
  if (first === undefined) return dash
  return first.since === null ? 'unknown' : ageOr(first.since, at)
}

/** The live rule; if there is none, the declared one. */
function ruleText({kind, live, declared}: PolicyStatus): string {
  const rule = live ?? (declared === 'none' ? null : declared)
  return rule === null ? dash : shortUnits(ruleCell(kind, rule))
}

function runByText({runner, paused, gated, live, ok}: PolicyStatus): string {
  if (live === null) return ok === null ? 'unknown' : 'missing'
  return `${paused ? 'paused' : runner}${gated ? ', gated' : ''}`
}
