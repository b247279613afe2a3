import {planFor, type MigrateOptions} from '../../src/schema/migrate/request.js'
import {migrateUp} from '../../src/schema/migrate/run.js'
import type {Progress} from '../../src/run/run-step.js'
import type {RunReport} from '../../src/run/step.js'
import type {Database} from '../../src/db/database.js'
import {directoryWith} from './files.js'
import {quick} from './run-steps.js'

/** A directory beside a configuration, with a user's migrations by file name. */
export function withMigrations(files: Record<string, string>): string {
  return directoryWith(Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text])))
}

/** Runs `migrate up` as a program does. */
export async function up(
  db: Database,
  options: MigrateOptions = {},
  onProgress?: (progress: Progress) => void,
): Promise<RunReport> {
  const {request} = await planFor(db, options)
  return migrateUp(db, request, {actor: 'test', targetHost: 'here'}, {limits: quick, onProgress})
}
