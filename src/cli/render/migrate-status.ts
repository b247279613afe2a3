import type {MigrationStatus} from '../../schema/migrate/recorded.js'
import type {RoutineState, RoutineStatus} from '../../schema/migrate/routine-state.js'
import type {StatusRow} from '../../schema/migrate/status-table.js'
import {command} from '../../units/command.js'
import {closingLine, note, type Around, type Line} from './shown.js'

/**
 * Problems of migrations and routines, followed by the summary and the next command. The table for people omits
 * routines that match their files.
 */
export function aroundMigrations(
  migrations: readonly MigrationStatus[],
  routines: readonly RoutineStatus[],
): Around<StatusRow> {
  return {
    brief: (rows) => ({
      rows: rows.filter(({kind, entry}) => kind === 'migration' || differs(entry.state)),
      rest: null,
    }),
    below: [...migrations.flatMap(problemOf), ...routines.flatMap(newerRoutine), sums(migrations, routines)],
  }
}

function differs(state: StatusRow['entry']['state']): boolean {
  return state !== 'applied' && state !== 'pending'
}

function problemOf({version, state, file}: MigrationStatus): Line[] {
  if (state === 'wrong engine') return [note(`${version} was applied for another engine`, '!')]
  if (state === 'edited') return [note(`${version} was edited after it was applied (${file})`, '!')]
  return state === 'missing' ? [note(`${version} is recorded, but has no file`, '!')] : []
}

function newerRoutine({state, object, program}: RoutineStatus): Line[] {
  return state === 'newer'
    ? [
        note(
          `${object} was installed by qicore-db ${program ?? 'of an unknown version'}, which is newer than this ` +
            'program',
          '!',
        ),
      ]
    : []
}

/** The words for counting routines that `migrate up` replaces. */
const replaced = ['older', 'missing', 'edited'] as const satisfies readonly RoutineState[]

function sums(migrations: readonly MigrationStatus[], routines: readonly RoutineStatus[]): Line {
  const applied = migrations.filter(({appliedAt}) => appliedAt !== null).length
  const pending = migrations.filter(({state}) => state === 'pending').length
  const counts = replaced
    .map((state) => ({state, count: routines.filter((routine) => routine.state === state).length}))
    .filter(({count}) => count > 0)
  const of =
    counts.length === 0
      ? ''
      : ` Routines: ${counts.map(({state, count}) => `${count} ${state}`).join(', ')} of ${routines.length}.`
  return closingLine(
    [`${applied} applied, ${pending} pending.${of}`],
    pending > 0 || counts.length > 0 ? [nextStep(migrations, counts.length > 0)] : [],
  )
}

/** A database with only the user's own tables gets no advice to install QiCore's. */
function nextStep(migrations: readonly MigrationStatus[], routines: boolean): string {
  const qicore = migrations.filter(({stream}) => stream === 'qicore')
  const onlyOwn =
    migrations.some(({stream}) => stream === 'app') &&
    qicore.length > 0 &&
    qicore.every(({appliedAt}) => appliedAt === null)
  if (!onlyOwn) return `Next: ${command('migrate up')}`
  if (routines || migrations.some(({stream, state}) => stream !== 'qicore' && state === 'pending'))
    return `Next: ${command('migrate up', [], {stream: 'app'})}`
  return 'Only tables of QiCore are pending; "migrations: own" in the configuration omits them.'
}
