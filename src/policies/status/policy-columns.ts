import {shortName} from '../../db/qualified-name.js'
import {dash} from '../../units/cell-text.js'
import type {Column} from '../../units/report-table.js'
import {shortUnits} from './short-units.js'
import type {RuleText} from './types.js'

/** What the rows of `policies list` and `policies status` have in common. */
interface PolicyRow {
  schema: string
  table: string
  kind: string
  managed: boolean
  gated: boolean
  paused: boolean | null
  live: RuleText | null
}

/** The columns that name a policy. */
export const nameColumns: readonly Column<PolicyRow>[] = [
  {id: 'schema', heading: 'SCHEMA', type: 'name', show: 'data', value: (row) => row.schema},
  {
    id: 'table',
    heading: 'POLICY',
    type: 'name',
    value: (row) => row.table,
    text: ({schema, table, managed, kind}) => `${shortName(schema, table)}${managed ? '' : ' *'} ${kind}`,
    shrink: 24,
  },
  {id: 'kind', heading: 'KIND', type: 'text', show: 'data', value: (row) => row.kind},
  {id: 'managed', heading: 'MANAGED', type: 'flag', show: 'data', value: (row) => row.managed},
]

/** How a live policy runs. @param priority of the column EVERY, by which it is left out of a narrow table */
export function runColumns(priority: number): Column<PolicyRow>[] {
  return [
    {id: 'gated', heading: 'GATED', type: 'flag', show: 'data', value: (row) => row.gated},
    {id: 'paused', heading: 'PAUSED', type: 'flag', show: 'data', value: (row) => row.paused},
    {
      id: 'every',
      heading: 'EVERY',
      type: 'text',
      show: 'room',
      value: ({live}) => live?.every?.toString() ?? null,
      text: ({live}) => (live?.every == null ? dash : shortUnits(live.every)),
      priority,
    },
  ]
}
