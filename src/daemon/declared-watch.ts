import type {Database} from '../db/database.js'
import {shortName} from '../db/qualified-name.js'
import type {JobContext} from '../jobs/kind.js'
import type {SetAhead} from '../partitions/ahead.js'
import {withAdvice} from '../errors.js'
import {command} from '../units/command.js'

/**
 * Checks periodically whether the declared tables are what their policies need: partition sets with partitions for now
 * and ahead, and hypertables that did not become plain tables, as after a restore without the extension's catalog.
 */
export interface DeclaredWatch {
  start(everyMs: number): void
  stop(): void
  /** Declared tables whose policies or inserts fail, as sentences. */
  problems(): string[]
}

/** If a check fails, the previous result is kept until the next interval. */
export function declaredWatch(
  control: () => Database | null,
  context: Pick<JobContext, 'partitions' | 'sections'>,
  warn: (message: string) => void,
): DeclaredWatch {
  let timer: NodeJS.Timeout | undefined
  let looking = false
  let found: string[] = []
  const look = async () => {
    const db = control()
    if (db === null || looking) return
    looking = true
    try {
      const before = found
      found = (await Promise.all([missingPartitions(db, context), plainTables(db, context)])).flat()
      for (const message of found) if (!before.includes(message)) warn(message)
    } catch {
      // The polling loop of the daemon reports an unreachable database.
    } finally {
      looking = false
    }
  }
  return {
    start(everyMs) {
      timer = setInterval(() => void look(), everyMs)
      timer.unref()
      void look()
    },
    stop: () => clearInterval(timer),
    problems: () => found,
  }
}

async function missingPartitions(db: Database, {partitions}: Pick<JobContext, 'partitions'>): Promise<string[]> {
  const [{readAhead}, {partitionsDefined}] = await Promise.all([
    import('../partitions/ahead.js'),
    import('../partitions/declared.js'),
  ])
  return (await readAhead(db, partitions(await partitionsDefined(db)))).flatMap(problemOf)
}

async function plainTables(db: Database, {sections}: Pick<JobContext, 'sections'>): Promise<string[]> {
  const [{readDeclared}, {declaredKinds, notHypertable, readPlainTables}] = await Promise.all([
    import('../policies/declared/read-declared.js'),
    import('../policies/status/plain-tables.js'),
  ])
  const withPolicy = (await readDeclared(db, sections)).filter((each) => declaredKinds(each).length > 0)
  return (await readPlainTables(db, withPolicy)).map(notHypertable).map(withAdvice)
}

function problemOf({schema, table, wanted, there, nowMissing, hasDefault, reach}: SetAhead): string[] {
  const name = shortName(schema, table)
  const ensure = `Fix: ${command('partitions ensure', [name])}`
  // Rows of a missing period in the default partition prevent its creation.
  const fix = hasDefault
    ? `${ensure}, and if the default partition has rows of that time, before it ${command('partitions drain', [name])}`
    : ensure
  if (nowMissing)
    return [
      `${name} has no partition for now: ${hasDefault ? 'rows go to the default partition' : 'inserting fails'}. ` +
        `${fix}`,
    ]
  if (wanted === 0 || there > 0) return []
  // The days left are not part of the sentence: it must not change while the problem is the same.
  return [
    `${name} has 0 of ${wanted} partitions ` +
      `ahead${reach.until === null ? '' : `: inserting fails from ${reach.until} on`}. ${fix}`,
  ]
}
