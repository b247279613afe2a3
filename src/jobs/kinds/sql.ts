import {userStatement} from '../../db/sql.js'
import type {Step} from '../../run/step.js'
import type {JobKind} from '../kind.js'
import {readStatements, sqlSource} from './sql-text.js'

/** SQL written by the user. In a transaction it takes effect exactly once for each occurrence. */
export const job: JobKind<'sql'> = {
  kind: 'sql',
  summary: 'Runs a statement or file of SQL.',
  async plan(_db, options, {job: name}) {
    const file = sqlSource(name, options)
    const parsed = options.statements ?? (await readStatements(name, options))
    const step: Step = {
      id: `sql ${name}`,
      kind: 'sql',
      object: name,
      statements: parsed.map(({text}) => userStatement(text)),
      lock: parsed.length === 1 ? parsed[0]!.lock : 'NONE',
      class: 'safe',
      transaction: options.transaction,
      doneCheck: null,
      repeatable: options.repeatable,
      dependsOn: [],
      relations: parsed.flatMap(({relations}) => relations),
      bytes: null,
      searchPath: options.searchPath,
      source: {file, lines: parsed.map(({line}) => line)},
    }
    return {
      plans: [{operation: `job ${name}`, summary: `run ${file}`, cutoff: null, tables: [], locks: [], steps: [step]}],
      enforced: [],
      notes: [],
      problems: [],
    }
  },
}
