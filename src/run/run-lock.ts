import {setTimeout as sleep} from 'node:timers/promises'
import type {Database, Db} from '../db/database.js'
import {loadSql, prepared} from '../db/load-sql.js'
import {statement, type Value} from '../db/sql.js'
import {ExitCode, OpsError} from '../errors.js'
import {command} from '../units/command.js'
import {assertStillHeld} from './guard.js'
import {lockWait, type LockWait} from './lock-wait.js'

/** Seconds without a heartbeat after which a holder behind a pooler counts as gone. */
const leaseSeconds = 30
const heartbeat = 10_000

/** Locks for a whole run of many transactions, stored as rows so that they work through a transaction pooler. */
export interface RunLock {
  /**
   * Sent first in every transaction of the run, pipelined with its statements.
   * @throws OpsError LOCK_LOST if another run has taken over the lock
   */
  fence(tx: Db): Promise<void>
  release(): Promise<void>
}

function heldBy(name: string, {holder, since}: {holder: string; since: string}): OpsError {
  return new OpsError('LOCKED', `Another run works on ${name}: ${holder}, since ${since}.`, {
    exit: ExitCode.lockHeld,
    suggestions: [
      'Wait for it to end (--wait 10min); the lock of a killed run is released automatically.',
      `Running and recent runs: ${command('history')}`,
    ],
  })
}

/**
 * Takes all the named locks or none.
 * @param holder describes this run in the error that another run gets
 * @param wait how long to wait for another run to release a lock; by default not at all
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
  // Sorted, so that two runs cannot deadlock.
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
      // No holder is visible if another run inserted the row at the same moment.
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
    // The run itself notices a lost connection; the fence then checks whether the lock is still held.
    write('lock-renew', [...keys(), leaseSeconds, !pooled && !embedded]).catch(() => {})
  }, heartbeat)
  timer.unref()
  return {
    fence: assertStillHeld(
      prepared('run/lock-fence', keys()),
      () =>
        new OpsError('LOCK_LOST', 'This run lost its lock to another run and stopped.', {
          exit: ExitCode.lockHeld,
        }),
    ),
    async release() {
      clearInterval(timer)
      await giveBack().catch(() => {})
    },
  }
}
