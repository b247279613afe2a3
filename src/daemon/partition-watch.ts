import type {Database} from '../db/database.js'
import {shortName} from '../db/qualified-name.js'
import type {JobContext} from '../jobs/kind.js'
import type {SetAhead} from '../partitions/ahead.js'
import {command} from '../units/command.js'

/** Looks at intervals whether the declared partition sets reach beyond now. */
export interface PartitionWatch {
  start(everyMs: number): void
  stop(): void
  /** Declared sets without a partition after the one of now, as sentences. */
  problems(): string[]
}

/** What cannot be asked now is asked at the next interval; the answer before is kept. */
export function partitionWatch(
  control: () => Database | null,
  rules: JobContext['partitions'],
  warn: (message: string) => void,
): PartitionWatch {
  let timer: NodeJS.Timeout | undefined
  let looking = false
  let found: string[] = []
  const look = async () => {
    const db = control()
    if (db === null || looking) return
    looking = true
    try {
      const [{readAhead}, {partitionsDefined}] = await Promise.all([
        import('../partitions/ahead.js'),
        import('../partitions/declared.js'),
      ])
      const before = found
      found = (await readAhead(db, rules(await partitionsDefined(db)))).flatMap(problemOf)
      for (const message of found) if (!before.includes(message)) warn(message)
    } catch {
      // The daemon's own rounds notice a database that is away.
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

function problemOf({schema, table, wanted, there, nowMissing, hasDefault, reach}: SetAhead): string[] {
  const name = shortName(schema, table)
  const fix = `Fix: ${command('partitions ensure', [name])}`
  if (nowMissing)
    return [
      `${name} has no partition for now: ${hasDefault ? 'rows go to the default partition' : 'inserting fails'}. ${fix}`,
    ]
  if (wanted === 0 || there > 0) return []
  // Without the days that are left: the same problem keeps the same sentence.
  return [
    `${name} has 0 of ${wanted} partitions ahead${reach.until === null ? '' : `: inserting fails from ${reach.until} on`}. ${fix}`,
  ]
}
