/** The simulated server: connections that fail, transactions of steps, and the faults of each call. */
import type {Job} from '../../src/config/jobs.js'
import type {Backend} from '../../src/db/database.js'
import {instantFromMillis} from '../../src/units/instant.js'
import {OpsError} from '../../src/errors.js'
import {skewOf} from '../../src/jobs/store/daemons.js'
import type {Claim} from '../../src/jobs/store/claims.js'
import type {Identity} from '../../src/jobs/store/ledger.js'
import type {SettleTransaction} from '../../src/jobs/run/settle.js'
import type {JobStore} from '../../src/daemon/job-store.js'
import {type MemoryLedger, sqlError, type LogRow} from './memory-ledger.js'
import type {Agenda} from './agenda.js'
import type {Random} from './random.js'

/** Probabilities of the faults of one call. */
export interface FaultRates {
  /** The statement fails and changes nothing. */
  error: number
  /** The connection is lost before the statement arrives. */
  cutBefore: number
  /** The statement commits, and its answer is lost. */
  answerLost: number
  /** The connection is lost after COMMIT was sent: the client fails at once, the server commits later. */
  cutInFlight: number
  /** The answer takes seconds. */
  slow: number
}

export const noFaults: FaultRates = {error: 0, cutBefore: 0, answerLost: 0, cutInFlight: 0, slow: 0}

/** The process that owns a connection. Its code runs only while it is neither dead nor paused. */
export interface Client {
  id: string
  /** Calls `run` after that many milliseconds, or when the process continues. */
  after(milliseconds: number, run: () => void): void
  wall(): number
  readonly dead: boolean
}

export interface ServerWorld {
  agenda: Agenda
  random: Random
  rates: FaultRates
  count(fault: string): void
  log(line: string): void
}

const errorCodes = ['40001', '40P01', '55P03', '53200', '57014', 'XX000', '53100']
const lostConnection = () => sqlError('ECONNRESET', 'the connection was lost')

/** The transaction of one step, which runs on the server. */
interface StepTransaction {
  row: LogRow
  end(error: Error | null): void
}

export class Connection {
  alive = true
  readonly backend: Backend
  /** The server process still exists. */
  process = true
  transaction: StepTransaction | null = null
  /** Releases the lock of a transaction that settles an occurrence. */
  unlock: () => void = () => {}
  private last: Promise<unknown> = Promise.resolve()
  private readonly listeners: (() => void)[] = []
  /** What fails if the connection is lost. */
  readonly pending = new Set<(error: Error) => void>()

  constructor(
    readonly server: SimulatedServer,
    readonly client: Client,
  ) {
    this.backend = {pid: server.nextPid(), startedAt: instantFromMillis(server.time())}
    server.connections.add(this)
  }

  onLost(tell: () => void): void {
    this.listeners.push(tell)
  }

  /** The client learns that the connection is gone. */
  lose(): void {
    if (!this.alive) return
    this.alive = false
    if (this.transaction === null) this.exit()
    for (const fail of [...this.pending]) fail(lostConnection())
    this.pending.clear()
    for (const tell of this.listeners) tell()
  }

  /** The client was killed: it learns nothing, and the server process ends after its transaction. */
  drop(): void {
    this.alive = false
    this.pending.clear()
    if (this.transaction === null) this.exit()
  }

  /** The server process ends, and rolls back. */
  exit(): void {
    if (!this.process) return
    this.process = false
    this.server.connections.delete(this)
    this.unlock()
    this.transaction?.end(sqlError('57P01', 'terminating connection due to administrator command'))
  }

  /** One statement at a time, in the order of the calls. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work, work)
    this.last = turn.catch(() => {})
    return turn
  }

  call<T>(name: string, run: () => T): Promise<T> {
    return this.exclusively(() => this.send(name, run))
  }

  /** Sends one statement: it runs on the server after half of a round trip, unless a fault prevents it. */
  send<T>(name: string, run: () => T, write = true): Promise<T> {
    const {world} = this.server
    return new Promise<T>((resolve, reject) => {
      if (!this.alive) return reject(lostConnection())
      const {random, rates, agenda} = world
      const there = random.between(0, 1) + (random.chance(rates.slow) ? random.between(1_000, 20_000) : 0)
      const back = random.between(0, 1)
      const fault = this.server.drawFault(name)
      if (there > 900) world.count('slow answer')
      this.pending.add(reject)
      const settle = (done: () => void) =>
        this.client.after(back, () => {
          if (!this.pending.delete(reject)) return
          if (fault === 'answerLost') this.pending.add(reject)
          if (fault === 'answerLost') this.lose()
          else done()
        })
      const {epoch} = this.server
      const arrive = () => {
        const isThere = this.server.up && this.server.epoch === epoch
        if (fault === 'cutBefore') return void this.client.after(0, () => this.lose())
        if (!isThere) return void this.client.after(0, () => this.lose())
        if (fault === 'error') {
          const code = random.pick(errorCodes)
          return settle(() => reject(sqlError(code, `${code} by the simulator`)))
        }
        if (write && this.server.replica)
          return settle(() => reject(sqlError('25006', 'cannot execute in a read-only transaction')))
        try {
          const result = run()
          settle(() => resolve(result))
        } catch (error) {
          settle(() => reject(error as Error))
        }
      }
      if (fault === 'cutInFlight') {
        this.client.after(there, () => this.lose())
        agenda.after(there + random.between(1, 3_000), () => {
          if (!this.server.up || this.server.epoch !== epoch || this.server.replica) return
          try {
            run()
          } catch {
            // The client is gone.
          }
        })
      } else agenda.after(there, arrive, false)
    })
  }

  /**
   * The transaction of a step in one message: fence, work, step-complete, COMMIT. It goes on without its client.
   * @param duration milliseconds on the server
   * @param failure the SQLSTATE with which the work fails, if it does
   */
  runStep(claim: Claim, step: string, duration: number, failure: string | null, cancel: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const {world} = this.server
      if (!this.alive) return reject(lostConnection())
      const fault = this.server.drawFault('step')
      const {epoch} = this.server
      this.pending.add(reject)
      let transaction: StepTransaction | null = null
      const answer = (error: Error | null) =>
        this.client.after(world.random.between(0, 1), () => {
          if (!this.pending.delete(reject)) return
          if (error === null) resolve()
          else reject(error)
        })
      const end = (error: Error | null) => {
        if (this.transaction !== transaction || transaction === null) return
        this.transaction = null
        if (this.server.epoch === epoch) transaction.row.keyShare -= 1
        if (!this.alive) this.exit()
        else answer(error)
      }
      const commit = () => {
        if (this.transaction !== transaction || transaction === null) return
        if (failure !== null) return end(sqlError(failure, 'the work failed'))
        try {
          this.server.ledger.completeStep(transaction.row, step)
        } catch (error) {
          return end(error as Error)
        }
        if (fault === 'answerLost' || fault === 'cutInFlight') {
          end(null)
          this.client.after(0, () => this.lose())
        } else end(null)
      }
      const begin = () => {
        if (!this.server.up || this.server.epoch !== epoch || !this.process)
          return void this.client.after(0, () => this.lose())
        if (this.server.replica) return answer(sqlError('25006'))
        const locked = this.server.ledger.log.get(claim.id)
        if (locked?.forUpdate === true) return void world.agenda.after(1, begin, false)
        const row = this.server.ledger.fence(claim)
        if (row === null) return answer(new OpsError('CLAIM_LOST', 'Another daemon has reclaimed this occurrence.'))
        transaction = {row, end}
        this.transaction = transaction
        world.agenda.after(duration, commit, false)
        if (fault === 'cutInFlight') this.client.after(world.random.between(0, duration), () => this.lose())
        if (fault === 'error') world.agenda.after(world.random.between(0, duration), () => this.exit(), false)
      }
      if (fault === 'cutBefore') return void this.client.after(1, () => this.lose())
      cancel.addEventListener('abort', () => {
        // A cancel request can be lost.
        if (world.random.chance(0.8)) world.agenda.after(1, () => end(sqlError('57014')), false)
        else world.count('cancel request lost')
      })
      world.agenda.after(world.random.between(0, 1), begin, false)
    })
  }
}

export class SimulatedServer {
  up = true
  /** Read-only: the primary failed and this one is not promoted yet. */
  replica = false
  /** Grows when every connection and every message in flight is gone. */
  epoch = 0
  /** Milliseconds by which its clock differs from the simulator's. */
  offset = 0
  readonly connections = new Set<Connection>()
  readonly ledger: MemoryLedger
  private pids = 100

  constructor(
    readonly world: ServerWorld,
    ledgerOf: (now: () => number, elapsed: () => number) => MemoryLedger,
  ) {
    this.ledger = ledgerOf(
      () => this.time(),
      () => world.agenda.now,
    )
  }

  time(): number {
    return this.world.agenda.now + this.offset
  }

  nextPid(): number {
    this.pids += 1
    return this.pids
  }

  drawFault(name: string): keyof FaultRates | null {
    const {random, rates} = this.world
    for (const fault of ['error', 'cutBefore', 'answerLost', 'cutInFlight'] as const)
      if (random.chance(rates[fault])) {
        this.world.count(`${fault} at ${name}`)
        return fault
      }
    return null
  }

  /** Every connection is lost, and every open transaction rolled back. */
  stop(): void {
    this.up = false
    this.epoch += 1
    for (const connection of [...this.connections]) {
      connection.exit()
      connection.client.after(0, () => connection.lose())
    }
    for (const row of this.ledger.running) Object.assign(row, {keyShare: 0, forUpdate: false})
  }

  connect(client: Client): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const refused = !this.up || this.world.random.chance(this.world.rates.cutBefore)
      client.after(this.world.random.between(1, 3), () => {
        if (refused || !this.up) reject(sqlError('ECONNREFUSED'))
        else resolve(new Connection(this, client))
      })
    })
  }

  isAlive({pid}: Backend): boolean {
    return [...this.connections].some(({backend}) => backend.pid === pid)
  }
}

/** The ledger as a daemon sees it: through one connection, which can be lost. */
export class SimulatedStore implements JobStore {
  readonly server = {embedded: false, inRecovery: false, hasQicoreSchema: true}
  private readonly listeners: (() => void)[] = []

  constructor(
    private readonly host: SimulatedServer,
    private connection: Connection,
    private readonly onClaim: (claim: Claim) => void,
    private readonly onEnded: (id: number) => void,
  ) {
    this.follow()
  }

  private get ledger(): MemoryLedger {
    return this.host.ledger
  }

  private follow(): void {
    this.server.inRecovery = this.host.replica
    this.connection.onLost(() => {
      for (const tell of this.listeners) tell()
    })
  }

  onLost(tell: () => void): void {
    this.listeners.push(tell)
  }

  async reconnect(): Promise<void> {
    const before = this.connection
    this.connection = await this.host.connect(before.client)
    before.lose()
    this.follow()
  }

  close(): void {
    this.connection.lose()
  }

  async probe(): Promise<void> {
    this.server.inRecovery = await this.connection.exclusively(() =>
      this.connection.send('probe', () => this.host.replica, false),
    )
  }

  declare(jobs: readonly Job[], actor: string): Promise<string[]> {
    return this.connection.call('declare', () => this.ledger.declare(jobs, actor))
  }

  unregister({id}: Identity): Promise<void> {
    return this.connection.call('unregister', () => this.ledger.unregister(id))
  }

  readJobs(names: readonly string[]) {
    return this.connection.exclusively(() => this.connection.send('readJobs', () => this.ledger.readJobs(names), false))
  }

  async poll({id}: Identity) {
    const {client} = this.connection
    const asked = client.wall()
    const {now, others, jobs} = await this.connection.call('poll', () => ({
      now: this.host.time(),
      others: this.ledger.heartbeat(id),
      jobs: this.ledger.readJobs(null),
    }))
    return {heartbeat: {now, skew: skewOf(asked, now, client.wall()), others}, jobs}
  }

  async claim(...[requests, {id}, lease, results]: Parameters<JobStore['claim']>) {
    const {advanced, finished} = await this.ended(
      this.connection.call('claim', () => ({
        finished: this.ledger.finishAll(results),
        advanced: this.ledger.claim(requests, id, lease),
      })),
      results.map(({claim}) => claim.id),
    )
    for (const {claim} of advanced) if (claim !== null) this.onClaim(claim)
    return {advanced, finished}
  }

  async reclaimExpired(known: readonly string[], {id}: Identity, lease: number, atMost: number) {
    const taken = await this.connection.call('reclaim', () => this.ledger.reclaimExpired(known, id, lease, atMost))
    for (const claim of taken) this.onClaim(claim)
    return taken
  }

  renew(claims: readonly Claim[], lease: number) {
    return this.connection.call('renew', () => this.ledger.renew(claims, lease))
  }

  silentBackends(backends: readonly Backend[]) {
    if (backends.length === 0) return Promise.resolve(new Set<number>())
    return this.connection.call(
      'silentBackends',
      () => new Set(backends.filter((backend) => !this.host.isAlive(backend)).map(({pid}) => pid)),
    )
  }

  finishAll(ended: Parameters<JobStore['finishAll']>[0]) {
    if (ended.length === 0) return Promise.resolve(new Set<number>())
    return this.ended(
      this.connection.call('finish', () => this.ledger.finishAll(ended)),
      ended.map(({claim}) => claim.id),
    )
  }

  release(claim: Claim, given: Parameters<JobStore['release']>[1]) {
    return this.ended(
      this.connection.call('release', () => this.ledger.release(claim, given)),
      [claim.id],
    )
  }

  /** Whether it took effect or not: the daemon knows that it holds these claims no more. */
  private async ended<T>(answer: Promise<T>, ids: readonly number[]): Promise<T> {
    const result = await answer
    for (const id of ids) this.onEnded(id)
    return result
  }

  async watchCron(): Promise<string[]> {
    return []
  }

  async noteTimeline(): Promise<string | null> {
    const before = await this.connection.call('timeline', () => this.ledger.noteTimeline())
    return before === null ? null : `the server is now on another timeline (was ${before})`
  }

  endBackend({pid}: Backend): Promise<void> {
    return this.connection.call('endBackend', () => {
      for (const connection of this.host.connections)
        if (connection.backend.pid === pid) {
          connection.exit()
          connection.client.after(0, () => connection.lose())
        }
    })
  }

  settling<T>(work: (tx: SettleTransaction) => Promise<T>): Promise<T> {
    const {connection, ledger, host} = this
    return connection.exclusively(async () => {
      let locked: LogRow | null = null
      const writes: (() => void)[] = []
      const ended: number[] = []
      const {epoch} = host
      const unlock = () => {
        if (locked !== null && host.epoch === epoch) locked.forUpdate = false
        locked = null
      }
      // The server releases the lock also if the daemon was killed and runs no further code.
      connection.unlock = unlock
      try {
        const result = await work({
          isOver: (claim, backend) =>
            connection.send('isOver', () => {
              const over = ledger.isOver(claim)
              locked = over.locked
              // A message that arrives after its client is gone: the server rolls the transaction back.
              if (!connection.alive) unlock()
              const alive = backend !== null && host.isAlive(backend)
              return {locked: over.locked !== null, ours: over.ours, alive}
            }),
          stepDone: (claim, step) => connection.send('stepDone', () => ledger.stepDone(claim, step)),
          finish: async (one) => {
            ended.push(one.claim.id)
            writes.push(() => ledger.finishAll([one]))
          },
          release: async (claim, given) => {
            ended.push(claim.id)
            writes.push(() => ledger.release(claim, given))
          },
        })
        await connection.send('commit', () => {
          unlock()
          for (const write of writes) write()
        })
        for (const id of ended) this.onEnded(id)
        return result
      } finally {
        unlock()
      }
    })
  }
}
