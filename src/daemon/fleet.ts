import {ExitCode, OpsError} from '../errors.js'
import {longestTimer} from '../units/timer.js'
import {TargetRunner, type DaemonTarget, type RunnerOptions} from './target-runner.js'

export interface TargetChanges {
  added: string[]
  removed: string[]
  changed: string[]
}

/** The targets of a daemon, each with a loop of its own. */
export class Fleet {
  private readonly runners = new Map<string, TargetRunner>()
  /** Those of removed and changed targets, until their running jobs have finished. */
  private readonly ending = new Set<TargetRunner>()
  private stopping = false
  /** Number of runners that have not ended. */
  private active = 0
  private whole = true
  private readonly end: Promise<boolean>
  private resolve!: (whole: boolean) => void
  private reject!: (error: unknown) => void

  constructor(
    targets: readonly DaemonTarget[],
    private readonly options: Omit<RunnerOptions, 'onFailed'>,
  ) {
    this.end = new Promise((resolve, reject) => Object.assign(this, {resolve, reject}))
    for (const target of targets) this.runners.set(target.name, this.create(target))
  }

  /** In the order of the configuration. */
  get targets(): readonly TargetRunner[] {
    return [...this.runners.values()]
  }

  /**
   * Runs until it is stopped. False if steps were still running in a server when it ended.
   * @throws the error of the target if every target failed, so that no loop can go on
   */
  run(): Promise<boolean> {
    for (const runner of this.runners.values()) this.start(runner)
    return this.end
  }

  /** @param grace milliseconds that running steps have to complete */
  stop(reason: string, grace: number): void {
    this.stopping = true
    for (const runner of [...this.runners.values(), ...this.ending]) runner.stop(reason, grace)
  }

  /**
   * Gives new targets a loop and ends those of removed ones, whose running jobs finish. A changed target gets a new
   * loop; the others are not touched, except that those that failed are tried again.
   */
  apply(targets: readonly DaemonTarget[], reason: string): TargetChanges {
    const changes: TargetChanges = {added: [], removed: [], changed: []}
    if (this.stopping) return changes
    const before = new Map(this.runners)
    this.runners.clear()
    const started: TargetRunner[] = []
    for (const target of targets) {
      const known = before.get(target.name)
      const same = known !== undefined && settingsOf(known.declared) === settingsOf(target)
      const runner = same ? known : this.create(target)
      this.runners.set(target.name, runner)
      if (same) {
        before.delete(target.name)
        known.retry()
      } else started.push(runner)
    }
    for (const {name} of started) (before.has(name) ? changes.changed : changes.added).push(name)
    for (const [name, runner] of before) {
      if (!this.runners.has(name)) changes.removed.push(name)
      this.ending.add(runner)
      runner.stop(reason, longestTimer)
    }
    for (const runner of started) this.start(runner)
    return changes
  }

  private create(target: DaemonTarget): TargetRunner {
    return new TargetRunner(target, {...this.options, onFailed: () => this.endIfAllFailed()})
  }

  private start(runner: TargetRunner): void {
    this.active += 1
    void runner.run().then((whole) => {
      this.active -= 1
      this.whole &&= whole
      this.ending.delete(runner)
      if (this.stopping && this.active === 0) this.resolve(this.whole)
      // The loops of removed targets may have been the last that worked.
      else this.endIfAllFailed()
    })
  }

  private endIfAllFailed(): void {
    const {targets} = this
    if (this.stopping || this.ending.size > 0 || targets.some(({failure}) => failure === null)) return
    this.reject(targets.length === 1 ? targets[0]!.failure : noTargetWorks(targets))
    this.stop('all targets failed', 0)
  }
}

function noTargetWorks(targets: readonly TargetRunner[]): OpsError {
  const codes = new Set(targets.map(({failure}) => (failure instanceof OpsError ? failure.exitCode : ExitCode.failed)))
  return new OpsError(
    'NO_TARGET_WORKS',
    `None of the ${targets.length} targets ` +
      `works:\n${targets.map(({name, failureMessage}) => `- ${name}: ${failureMessage}`).join('\n')}`,
    {exit: codes.size === 1 ? [...codes][0]! : ExitCode.failed},
  )
}

/** Everything on which the work of a target depends. */
function settingsOf(declared: DaemonTarget): string {
  if ('error' in declared) return JSON.stringify([declared.error.code, declared.error.message])
  const {target, jobs, limits, config} = declared
  return JSON.stringify({
    target,
    jobs,
    limits,
    tables: config?.tables,
    aggregates: config?.aggregates,
    all: config?.jobs,
  })
}
