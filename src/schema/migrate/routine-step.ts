import {loadSql} from '../../db/load-sql.js'
import {statement, type Statement} from '../../db/sql.js'
import type {Step} from '../../run/step.js'
import {qualified} from '../names.js'
import {programVersion} from './program.js'
import type {RoutineFile} from './routine-files.js'

/** Installs a routine and records the checksum of its text. */
export function installRoutine({name, checksum, text}: RoutineFile): Statement[] {
  return [
    statement(loadSql('schema/migrate/record-routine'), [name, checksum, programVersion]),
    statement(text.trim().replace(/;$/, '')),
  ]
}

/**
 * Installs one routine in a transaction of its own. A running call continues with the old text.
 * @param canAsk whether the table that records routines exists already
 * @param numbered the id of the preceding migration step, on which it depends
 */
export function routineStep(routine: RoutineFile, canAsk: boolean, numbered: string | undefined): Step {
  const {name, checksum, schema, routine: called, source, file, requires} = routine
  const isView = routine.kind === 'view'
  const object = qualified(schema, called)
  return {
    id: `routine ${name}`,
    kind: 'routine',
    object,
    statements: installRoutine(routine),
    lock: isView ? 'ACCESS EXCLUSIVE' : 'NONE',
    class: 'safe',
    transaction: 'own',
    doneCheck: canAsk
      ? statement(loadSql('schema/migrate/routine-is-current'), [name, checksum, schema, called, source])
      : null,
    repeatable: true,
    dependsOn: [...(numbered === undefined ? [] : [numbered]), ...requires.map((other) => `routine ${other}`)],
    relations: isView ? [object] : [],
    bytes: null,
    source: {file, lines: [1, 1]},
  }
}
