/** One simulated world: its daemons, its server and what goes wrong, all from one seed. */
import type {Job} from '../../src/config/jobs.js'
import {retiredJob} from '../../src/daemon/job-registry.js'
import type {DaemonEvent} from '../../src/jobs/events.js'
import {auditJob} from '../../src/schedule/audit.js'
import {Agenda} from './agenda.js'
import {SimulatedDaemon, type DaemonSettings, type DaemonWorld} from './daemon.js'
import {expectedInstants, Invariants, iso, Violation} from './invariants.js'
import {MemoryLedger, type JobRow, type LedgerObserver} from './memory-ledger.js'
import {Random} from './random.js'
import {noFaults, SimulatedServer, type FaultRates} from './server.js'

export type LedgerFactory = (now: () => number, observer: LedgerObserver, elapsed: () => number) => MemoryLedger

export interface SimulationOptions {
  seed: number
  /** The world heals after that many due times. */
  instants: number
  /** Another ledger: a mutant, to see that the invariants fail. */
  ledger?: LedgerFactory
  /** Nothing goes wrong, except that some steps fail. */
  calm?: boolean
  /** Keeps the lines of the log; otherwise only their digest is kept. */
  keepLog?: boolean
}

export interface SimulationResult {
  seed: number
  instants: number
  /** Number of faults, by kind. */
  faults: Map<string, number>
  /** The invariant that does not hold; null if all hold. */
  violation: string | null
  /** Of all lines of the log. */
  digest: string
  lines: number
  log: readonly string[]
  statuses: Map<string, number>
}

const start = Date.UTC(2027, 0, 1)
const seconds = 1_000

/** Runs one seed to its end. Deterministic: the same options give the same log. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const world = new World(options)
  try {
    await world.run()
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    world.invariants.violation ??= error
  }
  return world.result()
}

class World implements DaemonWorld {
  readonly random: Random
  readonly agenda = new Agenda(start)
  readonly invariants = new Invariants(() => this.agenda.now)
  readonly server: SimulatedServer
  rates: FaultRates = noFaults
  private readonly faults = new Map<string, number>()
  private readonly lines: string[] = []
  private lineCount = 0
  private hash: [number, number] = [0x811c9dc5, 0x1b873593]
  private readonly daemons = new Set<SimulatedDaemon>()
  private started = 0
  private jobs: readonly Job[]
  private readonly settings: DaemonSettings
  private healed = false

  constructor(private readonly options: SimulationOptions) {
    this.random = new Random(options.seed)
    const ledgerOf: LedgerFactory =
      options.ledger ?? ((now, observer, elapsed) => new MemoryLedger(now, observer, elapsed))
    this.server = new SimulatedServer(this, (now, elapsed) => ledgerOf(now, this.invariants, elapsed))
    this.jobs = Array.from({length: this.random.between(1, 5)}, (_, n) => this.drawJob(`job${n + 1}`))
    const long = this.random.chance(0.2)
    this.settings = {
      lease: this.random.pick([6, 15, 30]),
      poll: this.random.pick([2, 5, 10]) * seconds,
      workers: this.random.between(1, 6),
      rate: 1,
      stepDuration: () =>
        this.random.chance(long ? 0.1 : 0.02) ? this.random.between(1_000, 40_000) : this.random.between(1, 400),
      stepFails: () => !this.healed && this.random.chance(0.02),
      steps: () => this.random.between(1, 2),
    }
  }

  private drawJob(name: string): Job {
    const {random} = this
    return {
      ...retiredJob(name, 'sql'),
      schedule: this.drawSchedule(),
      timezone: 'UTC',
      timeout: random.pick([5, 20, 60]) * seconds,
      retries: random.between(0, 3),
      backoff: random.pick([1, 5]) * seconds,
      catchUp: random.pick(['all', 'once', 'none']),
      catchUpLimit: random.pick([1, 5, 100]),
      overlap: random.pick(['skip', 'queue']),
      jitter: random.pick([0, 0, 3]) * seconds,
      lateAfter: random.pick([2, 30]) * seconds,
      declared: true,
    }
  }

  private drawSchedule(): string {
    return `*/${this.random.pick([1, 2, 5, 10, 30])} * * * * *`
  }

  count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1)
  }

  log(line: string): void {
    const text = `${this.agenda.now - start} ${line}`
    this.lineCount += 1
    let [a, b] = this.hash
    for (let n = 0; n < text.length; n += 1) {
      const code = text.charCodeAt(n)
      a = Math.imul(a ^ code, 0x01000193)
      b = Math.imul(b ^ code, 0x5bd1e995) ^ (b >>> 15)
    }
    this.hash = [a, b]
    if (this.options.keepLog === true) this.lines.push(text)
  }

  event(daemon: SimulatedDaemon, event: DaemonEvent): void {
    if (event.event === 'occurrence_started') {
      this.log(`${daemon.id} started ${event.job} ${event.at} attempt ${event.attempt} id ${event.id}`)
    } else if (event.event === 'occurrence_ended') {
      const {outcome} = event
      const how = outcome.kind === 'ended' ? outcome.status : outcome.kind
      this.log(`${daemon.id} ended ${event.job} ${event.at} ${how}`)
    } else if (event.event === 'instants_skipped') {
      this.log(`${daemon.id} skipped ${event.job} ${event.count} ${event.reason} ${event.first} to ${event.last}`)
    } else if (event.event === 'stopped') {
      this.stopped(daemon)
    } else
      this.log(
        `${daemon.id} ${event.event}${'job' in event ? ` ${event.job}` : ''}${'error' in event ? ` ${event.error}` : ''}`,
      )
  }

  private stopped(daemon: SimulatedDaemon): void {
    this.log(`${daemon.id} stopped ${daemon.ended}`)
    for (const row of this.server.ledger.running) {
      if (row.claimedBy !== daemon.id) continue
      // A claim whose answer was lost is not known to the daemon: it is reclaimed when its lease has expired.
      if (daemon.ended === 'cleanly' && daemon.knows(row))
        this.invariants.fail(`${daemon.id} has stopped and still holds ${row.job} ${iso(row.scheduledAt)}`)
      else this.count('claim left at shutdown')
    }
  }

  private startDaemon(jobs = this.jobs): SimulatedDaemon {
    this.started += 1
    const rate = this.random.chance(0.3) ? 1 + (this.random.next() - 0.5) / 50 : 1
    const daemon = new SimulatedDaemon(`d${this.started}`, this, jobs, {...this.settings, rate})
    if (this.random.chance(0.2)) daemon.wallOffset = this.random.between(-10_000, 10_000)
    this.daemons.add(daemon)
    this.log(`${daemon.id} starts`)
    void daemon.run()
    return daemon
  }

  async run(): Promise<void> {
    for (let n = this.random.between(1, 4); n > 0; n -= 1) this.startDaemon()
    this.drawRates()
    const target = this.options.instants
    let next = this.agenda.now
    while (this.invariants.instants < target) {
      next += this.random.between(200, 20_000)
      await this.advance(next)
      this.disturb()
      // Without a daemon nothing happens until one starts.
      if (this.agenda.now - start > 60 * 86_400_000) throw new Violation('the world does not advance')
    }
    await this.heal()
  }

  private async advance(time: number): Promise<void> {
    const {invariants} = this
    await this.agenda.runUntil(time, () => invariants.violation !== null)
    if (invariants.violation !== null) throw invariants.violation
    invariants.claims(this.server.ledger)
    if (invariants.violation !== null) throw invariants.violation
  }

  private drawRates(): void {
    if (this.options.calm === true) return
    const {random} = this
    const rate = random.pick([0, 0, 0.002, 0.01, 0.05])
    this.rates = {
      error: rate * random.next(),
      cutBefore: rate * random.next(),
      answerLost: rate * random.next(),
      cutInFlight: rate * random.next(),
      slow: rate * random.next() * 0.3,
    }
  }

  private readonly disturbances: readonly [weight: number, name: string, act: () => void][] = [
    [30, 'nothing', () => {}],
    [10, 'other fault rates', () => this.drawRates()],
    [10, 'daemon paused', () => this.someDaemon()?.pause(this.random.between(100, this.settings.lease * 3_000), false)],
    [
      4,
      'machine suspended',
      () => this.someDaemon()?.pause(this.random.between(100, this.settings.lease * 3_000), true),
    ],
    [6, 'daemon killed', () => this.replace((daemon) => daemon.kill())],
    [6, 'daemon stopped', () => this.replace((daemon) => void daemon.stop(this.random.pick([0, 2_000, 30_000])))],
    [5, 'clock of a daemon set', () => this.setClock()],
    [4, 'clock of the server set', () => this.setServerClock()],
    [3, 'server restarted', () => this.restartServer(null)],
    [3, 'failover', () => this.restartServer(this.random.pick([0, 5, 100, 1_000, 4_000]))],
    [4, 'schedule changed', () => this.changeSchedule()],
    [4, 'job paused or resumed', () => this.pauseJob()],
  ]

  private disturb(): void {
    if (this.options.calm === true) return
    const total = this.disturbances.reduce((sum, [weight]) => sum + weight, 0)
    let drawn = this.random.between(1, total)
    for (const [weight, name, act] of this.disturbances) {
      drawn -= weight
      if (drawn > 0) continue
      if (name !== 'nothing') {
        this.count(name)
        this.log(`* ${name}`)
      }
      act()
      return
    }
  }

  private someDaemon(): SimulatedDaemon | null {
    const living = [...this.daemons].filter(({dead}) => !dead)
    return living.length === 0 ? null : this.random.pick(living)
  }

  /** Ends a daemon; another one starts later. */
  private replace(end: (daemon: SimulatedDaemon) => void): void {
    const daemon = this.someDaemon()
    if (daemon === null) return
    this.daemons.delete(daemon)
    end(daemon)
    this.agenda.after(this.random.between(0, this.random.pick([100, 5_000, 60_000])), () => {
      if (this.daemons.size < 5) this.startDaemon()
    })
  }

  private setClock(): void {
    const daemon = this.someDaemon()
    if (daemon !== null) daemon.wallOffset += this.random.between(-3_600_000, 3_600_000)
  }

  private setServerClock(): void {
    this.server.offset += this.random.pick([-20_000, -2_000, -500, 500, 2_000, 20_000])
  }

  /** @param lag milliseconds of transactions that the new server lacks; null if it is the same server */
  private restartServer(lag: number | null): void {
    if (!this.server.up) return
    this.server.stop()
    this.agenda.after(this.random.between(10, 8_000), () => {
      if (lag !== null) {
        this.server.ledger.failOver(this.agenda.now - lag - 8_000)
        this.server.replica = this.random.chance(0.5)
      }
      this.server.up = true
      this.log(`* server is up${this.server.replica ? ', read-only' : ''}`)
      if (this.server.replica)
        this.agenda.after(this.random.between(10, 20_000), () => {
          this.server.replica = false
          this.log('* server is promoted')
        })
    })
  }

  private changeSchedule(): void {
    const changed = this.random.between(0, this.jobs.length - 1)
    this.jobs = this.jobs.map((job, n) => (n === changed ? {...job, schedule: this.drawSchedule()} : job))
    this.replace((daemon) => void daemon.stop(1_000))
  }

  private pauseJob(): void {
    const job = this.random.pick(this.jobs)
    if (!this.server.up || this.server.replica) return
    this.server.ledger.setState(job.name, this.random.chance(0.6) ? 'active' : 'paused', 'operator')
  }

  /** No more faults: everything that is due must get its row, and everything that runs must end. */
  private async heal(): Promise<void> {
    this.healed = true
    this.rates = noFaults
    this.log('* healed')
    for (const {name} of this.jobs) this.server.ledger.setState(name, 'active', 'operator')
    await this.advance(this.agenda.now + 120_000)
    for (const daemon of this.daemons) await this.end(daemon)
    const last = this.startDaemon()
    await this.advance(this.agenda.now + 2 * this.settings.lease * seconds + 240_000)
    await this.end(last)
    this.expectWhole()
  }

  private async end(daemon: SimulatedDaemon): Promise<void> {
    if (daemon.dead) return
    let ended = false
    void daemon.stop(600_000).then(() => (ended = true))
    for (let n = 0; n < 700 && !ended; n += 1) await this.advance(this.agenda.now + 1_000)
    if (!ended) throw new Violation(`${daemon.id} does not stop`)
    if (daemon.ended === 'incompletely') throw new Violation(`${daemon.id} leaves work behind without a fault`)
  }

  private expectWhole(): void {
    const {ledger} = this.server
    for (const row of ledger.running)
      if (row.claimedBy !== null)
        throw new Violation(`${row.job} ${iso(row.scheduledAt)} (id ${row.id}) is still claimed by ${row.claimedBy}`)
    const now = this.server.time()
    for (const job of ledger.jobs.values()) {
      const rows = [...ledger.log.values()]
        .filter((row) => row.job === job.name && row.scheduledAt !== null)
        .sort((a, b) => a.scheduledAt! - b.scheduledAt!)
      this.expectLive(job, now)
      const audit = auditJob({
        job: job.name,
        versions: job.versions.map((version) => ({actor: '', ...version, reason: version.reason ?? null})) as never,
        lastAt: job.lastAt,
        running: false,
        from: job.versions[0]!.validFrom,
        now,
        rows: rows.map(({scheduledAt, status, reason, attempts}) => ({
          scheduledAt: scheduledAt!,
          status,
          reason,
          attempts,
          abandoned: false,
        })),
        unassigned: [],
        cronGrace: 0,
      })
      const problems = {gaps: audit.gaps, duplicates: audit.duplicates, unexpected: audit.unexpected}
      for (const [kind, list] of Object.entries(problems))
        if (list.length > 0) throw new Violation(`${job.name}: the audit finds ${kind}: ${list.slice(0, 3).map(iso)}`)
    }
  }

  /** After minutes without a fault every job gets on: one that is behind works off its backlog. */
  private expectLive({name, versions, lastAt}: JobRow, now: number): void {
    const current = versions.at(-1)!
    if (current.state !== 'active') return
    const [overdue] = expectedInstants(versions, lastAt, now - 75_000)
    const since = this.agenda.now - (this.invariants.advancedAt.get(name) ?? start)
    if (overdue !== undefined && since > 180_000)
      throw new Violation(`${name}: ${iso(overdue.at)} is due, and the job has not advanced for ${since} ms`)
  }

  result(): SimulationResult {
    const {seed} = this.options
    const statuses = new Map<string, number>()
    for (const {status, reason} of this.server.ledger.log.values()) {
      const key = reason === null ? status : `${status}: ${reason}`
      statuses.set(key, (statuses.get(key) ?? 0) + 1)
    }
    return {
      seed,
      instants: this.invariants.instants,
      faults: this.faults,
      violation: this.invariants.violation?.message ?? null,
      digest: this.hash.map((part) => (part >>> 0).toString(16)).join(''),
      lines: this.lineCount,
      log: this.lines,
      statuses,
    }
  }
}
