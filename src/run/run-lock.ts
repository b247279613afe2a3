import {setTimeout as sleep} from 'node:timers/promises'
import type {Database, Db} from '../db/database.js'
import {loadSql, prepared} from '../db/load-sql.js'
import {statement, type Value} from '../db/sql.js'
import {ExitCode, OpsError} from '../errors.js'
import {command} from '../units/command.js'
import {assertStillHeld} from './guard.js'
import {lockWait, type LockWait} from './lock-wait.js'

/** Seconds that a holder behind a pooler may be silent between two steps before it counts as gone. */
const leaseSeconds = 30
const heartbeat = 10_000

/** Locks over a whole run of many transactions, kept in rows: they work through a transaction pooler. */
export interface RunLock {
  /**
   * First in every transaction of the run, with which it travels. @throws OpsError LOCK_LOST when another run has taken
   * over
   */
  fence(tx: Db): Promise<void>
  release(): Promise<void>
}

function heldBy(name: string, {holder, since}: {holder: string; since: string}): OpsError {
  return new OpsError('LOCKED', `Another run works on ${name}: ${holder}, since ${since}.`, {
    exit: ExitCode.lockHeld,
    suggestions: [
      'Wait for it to end (--wait 10min); a run that was killed frees its lock by itself.',
      `Runs that are not over, and the last ones: ${command('history')}`,
    ],
  })
}

/**
 * Takes all the named locks or none.
 * @param holder who this is, shown to a run that is refused
 * @param wait how long to wait for another run; not at all unless said
 * @throws OpsError LOCKED (exit 5) naming the holder and since when
 */
export async function takeRunLock(
  db: Database,
  names: readonly string[],
  holder: string,
  wait: LockWait = lockWait(0),
): Promise<RunLock> {
  const write = <Row extends object>(name: string, values: readonly Value[]) =>
    db.query<Row>(statement(loadSql(`run/${name}`), values), {
      readOnly: false,
      lockTimeout: 5_000,
      statementTimeout: 10_000,
      role: db.target.role,
    })
  const {pooled, embedded} = db.server
  const mine: {name: string; token: number}[] = []
  const keys = () => [mine.map(({name}) => name), mine.map(({token}) => token)] as const
  const giveBack = () => write('lock-release', keys())
  // In one order, so that two runs cannot each hold what the other waits for.
  for (const name of [...new Set(names)].sort()) {
    for (;;) {
      const [row] = await write<{token: number | null; holder: string; since: string}>('lock-take', [
        name,
        holder,
        !pooled && !embedded,
        embedded,
        leaseSeconds,
      ])
      if (row && row.token !== null) {
        mine.push({name, token: row.token})
        break
      }
      // No holder to be seen: another run made the row in the same instant.
      if (!row?.holder) {
        await sleep(20)
        continue
      }
      const refusal = heldBy(name, row)
      wait.refused(refusal)
      if (wait.left() <= 0) {
        await giveBack()
        throw refusal
      }
      await sleep(Math.min(500, wait.left()))
    }
  }
  const timer = setInterval(() => {
    // A lost connection is the run's to notice; the fence tells whether the lock outlived it.
    write('lock-renew', [...keys(), leaseSeconds, !pooled && !embedded]).catch(() => {})
  }, heartbeat)
  timer.unref()
  return {
    fence: assertStillHeld(
      prepared('run/lock-fence', keys()),
      () => new OpsError('LOCK_LOST', 'This run lost its lock to another one and stopped.', {exit: ExitCode.lockHeld}),
    ),
    async release() {
      clearInterval(timer)
      await giveBack().catch(() => {})
    },
  }
}
