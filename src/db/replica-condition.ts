import type {Instant} from '../units/instant.js'
import type {Condition} from './condition.js'

/**
 * A standby: reports are as old as what it has replayed, and the commands that they advise run on the primary. On an
 * idle primary the last transaction is old although nothing is missing: its age does not measure the lag.
 * @param replayedAt when the newest replayed transaction was committed; null if none was since the server started
 */
export function replicaCondition(inRecovery: boolean, replayedAt: Instant | null): Condition[] {
  if (!inRecovery) return []
  const age =
    replayedAt === null
      ? 'how old its data is, is not known'
      : `the newest transaction that it has replayed was committed at ${replayedAt}, and later ones, if any, are ` +
        'missing here'
  return [
    {
      code: 'replica',
      message: `This server is a read-only replica: ${age}.`,
      fix: 'Run commands that change something, also those advised below, on the primary',
      refuses: 'nothing',
      tables: [],
    },
  ]
}
