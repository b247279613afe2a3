/** The ledger as the scheduler uses it: each function is one statement or one transaction of sql/jobs. */
import type {Backend, Database} from '../db/database.js'
import type {Server} from '../db/server.js'
import {settleStore, type SettleStore} from '../jobs/run/settle.js'
import {
  claim,
  reclaimExpired,
  renew,
  silentBackends,
  type Advanced,
  type Claim,
  type ClaimRequest,
  type TakenOver,
} from '../jobs/store/claims.js'
import {noteTimeline, type Heartbeat} from '../jobs/store/daemons.js'
import {readJobs, type LedgerJob} from '../jobs/store/ledger-jobs.js'
import type {Identity} from '../jobs/store/ledger.js'
import {pollLedger} from '../jobs/store/poll.js'
import {finishAll, release, type EndedClaim, type GivenBack} from '../jobs/store/results.js'
import {watchCron} from './cron-watch.js'
import type {RegistryEntry} from './job-registry.js'

/**
 * The scheduler's store. The daemon's is {@link sqlJobStore}; test/simulation has one in memory, and a test compares
 * both. Every function fails with a connection error while the session is lost, until `reconnect` succeeds.
 */
export interface JobStore extends SettleStore {
  readonly server: Pick<Server, 'embedded' | 'inRecovery' | 'hasQicoreSchema'>
  readJobs(names: readonly string[]): Promise<LedgerJob[]>
  /** Sends the heartbeat and reads every job. */
  poll(me: Identity): Promise<{heartbeat: Heartbeat; jobs: LedgerJob[]}>
  /**
   * Records the results of runs that have ended and claims others, in one transaction.
   * @param lease seconds
   * @returns `finished`: the ids of the ended claims that were still held
   */
  claim(
    requests: readonly ClaimRequest[],
    me: Identity,
    lease: number,
    ended: readonly EndedClaim[],
  ): Promise<{advanced: Advanced[]; finished: Set<number>}>
  /** @param lease seconds */
  reclaimExpired(known: readonly string[], me: Identity, lease: number, atMost: number): Promise<TakenOver[]>
  /** @param lease seconds */
  renew(claims: readonly Claim[], lease: number): Promise<Set<number>>
  /** The pids of those server processes that will not answer any more. */
  silentBackends(backends: readonly Backend[], seconds: number): Promise<Set<number>>
  finishAll(ended: readonly EndedClaim[]): Promise<Set<number>>
  release(claim: Claim, given: GivenBack): Promise<boolean>
  /** The jobs that pg_cron should run and does not, as sentences. */
  watchCron(entries: Iterable<RegistryEntry>): Promise<string[]>
  /** A sentence about a failover or restore since a daemon last connected; null if there was none. */
  noteTimeline(me: Identity): Promise<string | null>
  /** Reads the condition of the server again. */
  probe(): Promise<unknown>
  reconnect(): Promise<void>
  /** Calls `tell` whenever the connection is lost. */
  onLost(tell: () => void): void
}

/** The ledger of a database. @param control the session for the ledger */
export function sqlJobStore(control: Database): JobStore {
  return {
    ...settleStore(control),
    get server() {
      return control.server
    },
    readJobs: (names) => readJobs(control, names),
    poll: (me) => pollLedger(control, me),
    claim: (requests, me, lease, ended) => claim(control, requests, me, lease, ended),
    reclaimExpired: (known, me, lease, atMost) => reclaimExpired(control, known, me, lease, atMost),
    renew: (claims, lease) => renew(control, claims, lease),
    silentBackends: (backends, seconds) => silentBackends(control, backends, seconds),
    finishAll: (ended) => finishAll(control, ended),
    release: (held, given) => release(control, held, given),
    watchCron: (entries) => watchCron(control, entries),
    noteTimeline: (me) => noteTimeline(control, me),
    probe: () => control.probe(),
    reconnect: () => control.reconnect(),
    onLost: (tell) => control.onLost(tell),
  }
}
