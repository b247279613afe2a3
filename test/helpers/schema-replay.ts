import {readdirSync, readFileSync} from 'node:fs'
import type {Database} from '../../src/db/database.js'
import {sqlDirectory} from '../../src/db/load-sql.js'
import {statement} from '../../src/db/sql.js'
import {engineNamed, type EngineKind} from '../../src/engines/index.js'
import {wholeSchema} from '../../src/schema/generate/files.js'
import {parseMigration} from '../../src/schema/migrate/parse.js'
import {routineFiles} from '../../src/schema/migrate/routine-files.js'
import {qicore} from '../../src/qicore/definition.js'
import type {TestDatabase} from './engines.js'
import {writing} from './server.js'

/**
 * The committed files of a stream for an engine, in order: a file for the engine takes the place of the one for all.
 */
export function committed(stream: string, engine: EngineKind): string[] {
  const directory = new URL(`migrations/${stream}/`, sqlDirectory)
  const chosen = new Map<string, string>()
  for (const name of readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .sort()) {
    const [, stem, only] = /^(.*?)(?:\.(timescaledb|apache|citus|postgres))?\.sql$/.exec(name)!
    if (engineNamed(engine).variants.includes(only ?? '') || (only === undefined && !chosen.has(stem!)))
      chosen.set(stem!, name)
  }
  return [...chosen.values()].sort().map((name) => readFileSync(new URL(name, directory), 'utf8'))
}

/** Creates what `migrate up` creates, without the runner. */
export async function replay({run, db}: TestDatabase, streams: readonly string[] = ['core', 'qicore']): Promise<void> {
  for (const stream of streams) {
    for (const text of committed(stream, db.server.engine))
      await together(
        db,
        (await parseMigration(text, stream)).map((parsed) => parsed.text),
      )
    for (const routine of routineFiles(db.server.engine).filter((file) => file.stream === stream))
      await run(routine.text)
  }
}

/** Creates what the generator writes for the definitions. */
export async function generate({db}: TestDatabase): Promise<void> {
  await together(db, wholeSchema(qicore, db.server.engine))
}

/** One transaction, but one message for each statement: Citus sends the text of a message to its workers. */
async function together(db: Database, statements: readonly string[]): Promise<void> {
  await db.transaction(writing, async (tx) => {
    for (const text of statements) await tx.query(statement(text))
  })
}
