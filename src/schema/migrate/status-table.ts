import type {ReportTable} from '../../units/report-table.js'
import {formatMinute} from '../../units/instant-short.js'
import type {MigrationStatus} from './recorded.js'
import type {RoutineStatus} from './routine-state.js'

/** A row of the table, for a migration or a routine; `marked` rows determine the exit code. */
export type StatusRow = {marked: boolean} & (
  | {kind: 'migration'; entry: MigrationStatus}
  | {kind: 'routine'; entry: RoutineStatus}
)

/** Migrations in the order of application, then routines. */
export function statusRows(
  migrations: readonly MigrationStatus[],
  routines: readonly RoutineStatus[],
  marked: ReadonlySet<MigrationStatus | RoutineStatus>,
): StatusRow[] {
  return [
    ...migrations.map((entry) => ({kind: 'migration' as const, entry, marked: marked.has(entry)})),
    ...routines.map((entry) => ({kind: 'routine' as const, entry, marked: marked.has(entry)})),
  ]
}

export const migrationStatusTable: ReportTable<StatusRow> = {
  columns: [
    {id: 'kind', heading: 'KIND', type: 'text', show: 'data', value: (row) => row.kind},
    {id: 'stream', heading: 'STREAM', type: 'text', show: 'data', value: ({entry}) => entry.stream},
    {
      id: 'version',
      heading: 'VERSION',
      type: 'name',
      value: ({entry}) => ('version' in entry ? entry.version : null),
      text: ({entry}) => ('version' in entry ? entry.version : 'routine'),
    },
    {id: 'state', heading: 'STATE', type: 'text', value: ({entry}) => entry.state},
    {
      id: 'applied_at',
      heading: 'APPLIED (UTC)',
      type: 'instant',
      value: ({entry}) => entry.appliedAt,
      text: ({entry}) => formatMinute(entry.appliedAt).slice(0, 16),
      priority: 1,
    },
    {
      id: 'description',
      heading: 'DESCRIPTION',
      type: 'note',
      value: ({entry}) => ('object' in entry ? entry.object : entry.description),
      shrink: 12,
    },
    {
      id: 'file',
      heading: 'FILE',
      type: 'name',
      show: 'room',
      value: ({entry}) => ('file' in entry ? entry.file : null),
      shrink: 20,
      priority: 2,
    },
    {
      id: 'engine',
      heading: 'ENGINE',
      type: 'text',
      show: 'room',
      value: ({entry}) => ('engine' in entry ? entry.engine : null),
      priority: 1,
    },
    {
      id: 'program',
      heading: 'PROGRAM',
      type: 'text',
      show: 'data',
      value: ({entry}) => ('program' in entry ? entry.program : null),
    },
  ],
  marked: (row) => row.marked,
}
