import {statement} from '../db/sql.js'
import {usageError} from '../errors.js'
import type {Step} from '../plan/step.js'
import {parseMigration} from '../schema/migrate/parse.js'
import type {JobKind} from './kind.js'

/** A user's own SQL. In a transaction it is done exactly once an occurrence, whatever happens in between. */
export const job: JobKind<'sql'> = {
  kind: 'sql',
  summary: "A statement or file of the user's own.",
  async plan(_db, options, {job: name}) {
    const file = options.file ?? `jobs.${name}.statement`
    const parsed = await parseMigration(options.statement ?? '', file)
    if (parsed.length === 0) throw usageError('NO_STATEMENT', `${file} has no statement.`)
    const control = parsed.find(({controlsTransaction}) => controlsTransaction)
    if (control) throw usageError('TRANSACTION_CONTROL', `${file}:${control.line}: BEGIN, COMMIT and their like have no place in a job.`, ['"transaction: none" runs one statement outside of any transaction.'])
    if (options.transaction === 'none' && parsed.length > 1) throw usageError('ONE_STATEMENT', `${file} has ${parsed.length} statements, and outside of a transaction it may be one.`)
    const step: Step = {
      id: `sql ${name}`,
      kind: 'sql',
      object: name,
      statements: parsed.map(({text}) => statement(text)),
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
    return {plans: [{operation: `job ${name}`, summary: `run ${file}`, cutoff: null, locks: [], steps: [step]}], enforced: [], notes: [], problems: []}
  },
}
