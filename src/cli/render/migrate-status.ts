import type {MigrationStatus} from '../../schema/migrate/recorded.js'
import {command} from '../../units/command.js'
import type {RoutineState, RoutineStatus} from '../../schema/migrate/routine-state.js'

export interface StatusToShow {
  migrations: readonly MigrationStatus[]
  routines: readonly RoutineStatus[]
  /** What decides the exit code; marked with `!`. */
  marked: ReadonlySet<MigrationStatus | RoutineStatus>
}

/**
 * The migrations of a database and the routines that are not as their files say, for people; the sum and the next
 * command last.
 * @param columns the width of the terminal; null where nothing is cut
 */
export function renderMigrations({migrations, routines, marked}: StatusToShow, columns: number | null): string {
  const head = ['VERSION', 'STATE', 'APPLIED (UTC)', 'DESCRIPTION']
  const listed = routines.filter(({state}) => state !== 'applied' && state !== 'pending')
  const rows = [
    ...migrations.map((entry) => ({
      entry,
      cells: [entry.version, entry.state, minute(entry.appliedAt), entry.description ?? ''],
    })),
    ...listed.map((entry) => ({entry, cells: ['routine', entry.state, minute(entry.appliedAt), entry.object]})),
  ]
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(({cells}) => cells[column]!.length)))
  const line = (mark: string, cells: readonly string[]) =>
    cut(`${mark}${cells.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd(), columns)
  return [
    line(' ', head),
    ...rows.map(({entry, cells}) => line(marked.has(entry) ? '!' : ' ', cells)),
    ...migrations.flatMap(problemOf),
    ...listed.flatMap(newerRoutine),
    sums(migrations, routines),
  ].join('\n')
}

function problemOf({version, state, file}: MigrationStatus): string[] {
  if (state === 'wrong engine') return [`! ${version} is of another engine`]
  if (state === 'edited') return [`! ${version} was edited after it was applied (${file})`]
  return state === 'missing' ? [`! ${version} has no file here`] : []
}

function newerRoutine({state, object, program}: RoutineStatus): string[] {
  return state === 'newer'
    ? [`! ${object} was installed by qicore-db ${program ?? 'of an unknown version'}, which is newer than this program`]
    : []
}

/** How a routine that `migrate up` replaces is counted. */
const replaced = ['older', 'missing', 'edited'] as const satisfies readonly RoutineState[]

function sums(migrations: readonly MigrationStatus[], routines: readonly RoutineStatus[]): string {
  const applied = migrations.filter(({appliedAt}) => appliedAt !== null).length
  const pending = migrations.filter(({state}) => state === 'pending').length
  const counts = replaced
    .map((state) => ({state, count: routines.filter((routine) => routine.state === state).length}))
    .filter(({count}) => count > 0)
  const of =
    counts.length === 0
      ? ''
      : ` Routines: ${counts.map(({state, count}) => `${count} ${state}`).join(', ')} of ${routines.length}.`
  return `${applied} applied, ${pending} pending.${of}${pending > 0 || counts.length > 0 ? ` ${nextStep(migrations, counts.length > 0)}` : ''}`
}

/** A database of one's own tables only is not told to install QiCore's beside them. */
function nextStep(migrations: readonly MigrationStatus[], routines: boolean): string {
  const qicore = migrations.filter(({stream}) => stream === 'qicore')
  const onlyOwn =
    migrations.some(({stream}) => stream === 'app') &&
    qicore.length > 0 &&
    qicore.every(({appliedAt}) => appliedAt === null)
  if (!onlyOwn) return `Next: ${command('migrate up')}`
  if (routines || migrations.some(({stream, state}) => stream !== 'qicore' && state === 'pending'))
    return `Next: ${command('migrate up', [], {stream: 'app'})}`
  return 'Pending are the tables of QiCore only; "migrations: own" in the configuration leaves them out.'
}

function minute(instant: string | null): string {
  return instant?.slice(0, 16).replace('T', ' ') ?? '-'
}

function cut(text: string, columns: number | null): string {
  return columns === null || text.length <= columns ? text : `${text.slice(0, columns - 1).trimEnd()}…`
}
