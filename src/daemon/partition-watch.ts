import type {Database} from '../db/database.js'
import {shortName} from '../db/qualified-name.js'
import type {JobContext} from '../jobs/kind.js'
import type {SetAhead} from '../partitions/ahead.js'
import {command} from '../units/command.js'

/** Checks periodically whether the declared partition sets have partitions for now and ahead. */
export interface PartitionWatch {
  start(everyMs: number): void
  stop(): void
  /** Declared sets without a partition for now or after it, as sentences. */
  problems(): string[]
}

/** If a check fails, the previous result is kept until the next interval. */
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

function problemOf({schema, table, wanted, there, nowMissing, hasDefault, reach}: SetAhead): string[] {
  const name = shortName(schema, table)
  const fix = `Fix: ${command('partitions ensure', [name])}`
  if (nowMissing)
    return [
      `${name} has no partition for now: ${hasDefault ? 'rows go to the default partition' : 'inserting fails'}. ${fix}`,
    ]
  if (wanted === 0 || there > 0) return []
  // The days left are not part of the sentence: it must not change while the problem is the same.
  return [
    `${name} has 0 of ${wanted} partitions ahead${reach.until === null ? '' : `: inserting fails from ${reach.until} on`}. ${fix}`,
  ]
}
